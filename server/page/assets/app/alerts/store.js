// The alerts that the page holds, newest first. What comes in goes to the top
// at once, or waits until it is asked for, so that nothing moves under whoever
// is at work in the list.

import { batch, computed, effect, signal } from "../../vendor/core.js";
import { announce } from "../announce.js";
import { call, query, told } from "../api.js";
import { follow } from "../feed/feed.js";
import { plural } from "../format.js";
import { toast } from "../ui/toast.js";
import { filter } from "./filter.js";

/** @typedef {import("../types.js").Alert} Alert */
/** @typedef {import("../types.js").Action} Action */
/** @typedef {import("../feed/feed.js").Update} Update */

const KEPT = 5_000; // rows of a list that nobody has scrolled
const WAITING = 5_000; // alerts that wait; beyond, the list is read anew
const OLDER = 200; // alerts that scrolling down brings at once

/** Shown, newest first. */
export const rows = signal(/** @type {Alert[]} */ ([]));
/** Not shown yet, newest first. */
export const fresh = signal(/** @type {Alert[]} */ ([]));
/** Whether there are older ones on the server. */
export const older = signal(/** @type {"more" | "loading" | "end"} */ ("more"));
export const loaded = signal(false);
/** What is wrong with the filter. */
export const filterError = signal("");
/** Alerts that the feed left out, to be fetched. */
export const gaps = signal(/** @type {import("../feed/feed.js").Gap[]} */ ([]));
export const missed = computed(() => gaps.value.reduce((n, g) => n + g.to - g.from + 1, 0));

/** Number of the alert that keys work on, and those that are selected. */
export const current = signal(/** @type {number | null} */ (null));
export const selected = signal(/** @type {ReadonlySet<number>} */ (new Set()));

/** What holds the list still, each by its own name. */
const holds = signal(/** @type {ReadonlySet<string>} */ (new Set()));
const still = computed(() => holds.value.size > 0 || current.value !== null || selected.value.size > 0);

/** Whether somebody reads: the pointer is over the list, it is scrolled. @param {string} why @param {boolean} is */
export function hold(why, is) {
  if (holds.peek().has(why) === is) return;
  const next = new Set(holds.peek());
  if (is) next.add(why);
  else next.delete(why);
  holds.value = next;
}

/** Whether the list is scrolled at this moment: the browser tells of it only later. */
let scrolled = () => false;

/** @param {() => boolean} is */
export function askScrolled(is) {
  scrolled = is;
}

let unsaid = { alerts: 0, critical: 0 };
const sayNew = () => {
  const { alerts, critical } = unsaid;
  unsaid = { alerts: 0, critical: 0 };
  if (!alerts) return "";
  return `${plural(alerts, "new alert")}${critical ? `, ${critical} critical` : ""}`;
};

/** @param {Alert[]} items oldest first */
function arrive(items) {
  const news = items.toReversed();
  unsaid.alerts += news.length;
  unsaid.critical += news.filter((a) => a.severity === "critical").length;
  announce(sayNew);
  if (scrolled()) hold("scroll", true);
  if (still.peek()) fresh.value = [...news, ...fresh.peek()].slice(0, WAITING + 1);
  else put(news);
}

/** @param {Alert[]} news newest first */
function put(news) {
  const all = [...news, ...rows.peek()];
  if (all.length > KEPT) {
    all.length = KEPT;
    older.value = "more";
  }
  rows.value = all;
}

// Nothing holds the list any more: what waits is shown.
effect(() => {
  if (!still.value && fresh.value.length) batch(flush);
});

function flush() {
  const news = fresh.peek();
  if (!news.length) return;
  if (news.length > WAITING) {
    restart();
    return;
  }
  fresh.value = [];
  put(news);
}

/** Shows what waits, at the top, with nothing selected. */
export function showNew() {
  batch(() => {
    current.value = null;
    selected.value = new Set();
    flush();
  });
}

/** @param {Update[]} list */
function change(list) {
  const by = new Map(list.map((u) => [u.seq, u]));
  const apply = (/** @type {Alert} */ a) => {
    const u = by.get(a.seq);
    if (!u || (u.action && a.action && u.action <= a.action)) return a;
    return {
      ...a,
      state: u.state,
      outcome: u.outcome ?? "",
      assignee: u.assignee ?? "",
      updated: u.updated ?? a.updated,
      action: u.action ?? a.action,
      comments: (a.comments ?? 0) + (u.comment ? 1 : 0),
    };
  };
  batch(() => {
    if (rows.peek().some((a) => by.has(a.seq))) rows.value = rows.peek().map(apply);
    if (fresh.peek().some((a) => by.has(a.seq))) fresh.value = fresh.peek().map(apply);
    changed.value = list;
  });
}

/** The last changes that were made to alerts, for whoever shows one. */
export const changed = signal(/** @type {Update[]} */ ([]));

/** What the server said that an act of ours has done. @param {Action[]} actions */
export function acted(actions) {
  change(
    actions.flatMap((a) =>
      a.seq
        ? [
            {
              seq: a.seq,
              state: a.state ?? "open",
              outcome: a.outcome,
              assignee: a.assignee,
              updated: a.at,
              by: a.by,
              action: a.action,
              comment: a.comment,
            },
          ]
        : [],
    ),
  );
}

let stop = () => {};

/** Follows the feed with the filter of the address. */
function restart() {
  stop();
  batch(() => {
    fresh.value = [];
    gaps.value = [];
    filterError.value = "";
  });
  stop = follow(filter.peek(), {
    snapshot: (items) =>
      batch(() => {
        rows.value = items.toReversed();
        fresh.value = [];
        gaps.value = [];
        older.value = items.length ? "more" : "end";
        loaded.value = true;
        current.value = null;
        selected.value = new Set();
      }),
    batch: arrive,
    update: change,
    gap: (g) => {
      gaps.value = [...gaps.peek(), g];
    },
    notice: (text) => toast(text),
    refused: (message) => {
      stop();
      batch(() => {
        filterError.value = message;
        loaded.value = true;
      });
    },
  });
}

/** Begins, and begins anew with each other filter. */
export function start() {
  const end = effect(() => {
    void filter.value;
    restart();
  });
  return () => {
    end();
    stop();
  };
}

/** Fetches older alerts than those shown. */
export async function more() {
  if (older.peek() !== "more") return;
  const before = rows.peek().at(-1)?.seq;
  if (!before) return;
  older.value = "loading";
  const asked = filter.peek();
  try {
    const page = await call("GET", `/alerts${query({ last: OLDER, before, filter: asked })}`);
    if (filter.peek() !== asked) return;
    const items = newestFirst(page.items).filter((a) => a.seq < before);
    rows.value = [...rows.peek(), ...items];
    older.value = items.length ? "more" : "end";
  } catch (e) {
    older.value = "more";
    toast(`Older alerts were not fetched: ${told(e)}`);
  }
}

/** Fetches what the feed left out. */
export async function loadGaps() {
  const asked = filter.peek();
  for (const g of gaps.peek()) {
    try {
      for (let after = g.from - 1; after < g.to; ) {
        const page = await call("GET", `/alerts${query({ after, limit: 500, filter: asked })}`);
        if (filter.peek() !== asked) return;
        const items = /** @type {Alert[]} */ (page.items ?? []).filter((a) => a.seq <= g.to);
        merge(items);
        if (page.next <= after) break;
        after = page.next;
      }
      gaps.value = gaps.peek().filter((other) => other !== g);
    } catch (e) {
      toast(`What is missing was not fetched: ${told(e)}`);
      return;
    }
  }
}

/** Puts alerts where they belong by their numbers. @param {Alert[]} items */
function merge(items) {
  const have = new Set([...rows.peek(), ...fresh.peek()].map((a) => a.seq));
  const news = items.filter((a) => !have.has(a.seq));
  if (news.length) rows.value = newestFirst([...rows.peek(), ...news]);
}

/** @param {Alert[]} items */
const newestFirst = (items) => items.toSorted((a, b) => b.seq - a.seq);
