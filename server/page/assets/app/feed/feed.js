// The feed of alerts: it is kept up for as long as it is wanted, and goes on
// behind what it brought last, so that nothing is missed and nothing comes
// twice.

import { signal } from "../../vendor/core.js";
import { backoff } from "./backoff.js";
import { overEvents, overWebSocket } from "./transport.js";

/** @typedef {import("../types.js").Alert} Alert */
/** @typedef {{from: number, to: number, reason: string}} Gap alerts that the feed did not bring */

/**
 * @typedef {object} Link how the connection is
 * @property {"connecting" | "live" | "reconnecting" | "paused"} state paused: there is nothing to ask for
 * @property {number} behind alerts that the server has and the page not yet
 * @property {number} since ms; when it came to be so
 * @property {number} retry ms; when it is tried again
 * @property {boolean} events over server-sent events
 */

/**
 * @typedef {object} Update what somebody made of an alert
 * @property {number} seq
 * @property {import("../types.js").State} state
 * @property {string} [outcome]
 * @property {string} [assignee]
 * @property {string} [updated]
 * @property {string} [by]
 * @property {number} [action]
 * @property {string} [comment]
 */

/**
 * @typedef {object} Taker who takes what the feed brings
 * @property {(items: Alert[]) => void} snapshot oldest first; all that was known is void
 * @property {(items: Alert[]) => void} batch oldest first
 * @property {(items: Update[]) => void} update
 * @property {(gap: Gap) => void} gap
 * @property {(text: string) => void} notice
 * @property {(message: string) => void} refused the filter is none
 */

const SNAPSHOT = 500; // alerts
const SILENT = 40_000; // ms without a word, of which there is one every 15 s, after which a connection is dead

export const link = signal(
  /** @type {Link} */ ({ state: "connecting", behind: 0, since: Date.now(), retry: 0, events: false }),
);

/** @param {Partial<Link>} is */
function say(is) {
  const was = link.peek();
  const since = is.state && is.state !== was.state ? Date.now() : was.since;
  link.value = { ...was, ...is, since };
}

/** Whether a WebSocket was ever opened: then nothing stands in its way. */
let sockets = false;
let tries = 0; // that failed in a row

/**
 * Keeps the feed up until the returned function is called.
 * @param {string} filter
 * @param {Taker} taker
 */
export function follow(filter, taker) {
  /** @type {number | null} */
  let seq = null;
  let action = 0;
  let stopped = false;
  let drop = () => {};
  let timer = 0;
  let watch = 0;

  const alive = () => {
    clearTimeout(watch);
    watch = setTimeout(() => {
      drop();
      lost();
    }, SILENT);
  };

  const take = (/** @type {any} */ m) => {
    alive();
    switch (m.type) {
      case "snapshot":
        seq = m.upto;
        action = m.actions ?? 0;
        taker.snapshot(m.items ?? []);
        say({ state: "live", behind: 0 });
        return;
      case "batch": {
        const items = /** @type {Alert[]} */ (m.items ?? []);
        const last = seq ?? 0;
        // What is known already is not taken again, whatever the server sends.
        const news = items.filter((a) => a.seq > last);
        seq = Math.max(last, m.seq?.[1] ?? 0, ...items.map((a) => a.seq));
        if (news.length) taker.batch(news);
        return;
      }
      case "update":
        action = Math.max(action, m.actions?.[1] ?? 0);
        taker.update(m.items ?? []);
        return;
      case "gap":
        seq = Math.max(seq ?? 0, m.to);
        taker.gap({ from: m.from, to: m.to, reason: m.reason });
        return;
      case "notice":
        taker.notice(m.text);
        return;
      case "hb":
        // Up to m.seq everything was sent that passes the filter.
        if (seq === null) return; // before the snapshot
        seq = Math.max(seq, m.seq ?? 0);
        action = Math.max(action, m.actions ?? 0);
        say({ state: "live", behind: Math.max(0, (m.head ?? 0) - seq) });
        return;
      case "error":
        taker.refused(m.message);
        say({ state: "paused" });
    }
  };

  const connect = () => {
    timer = 0;
    if (stopped) return;
    const events = !sockets && tries > 0 && tries % 2 === 0;
    const go = events ? overEvents : overWebSocket;
    drop = go(
      { filter, after: seq, actions: action, snapshot: SNAPSHOT },
      {
        opened: () => {
          if (!events) sockets = true;
          tries = 0;
          say({ state: seq === null ? "connecting" : "live", events, behind: 0 });
          alive();
        },
        message: take,
        closed: lost,
      },
    );
  };

  function lost() {
    clearTimeout(watch);
    if (stopped) return;
    tries++;
    const wait = backoff(tries);
    say({ state: "reconnecting", retry: Date.now() + wait });
    timer = setTimeout(connect, wait);
  }

  const now = () => {
    if (!timer || stopped) return;
    clearTimeout(timer);
    connect();
  };
  const seen = () => {
    if (!document.hidden) now();
  };
  addEventListener("online", now);
  document.addEventListener("visibilitychange", seen);
  retryNow = now;
  if (link.peek().state !== "live") say({ state: "connecting" });
  connect();

  return () => {
    stopped = true;
    clearTimeout(timer);
    clearTimeout(watch);
    removeEventListener("online", now);
    document.removeEventListener("visibilitychange", seen);
    drop();
  };
}

/** Tries at once to connect again. */
export let retryNow = () => {};
