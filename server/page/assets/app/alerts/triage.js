// What one does with alerts. Every change is the server's to make; the page
// shows what the server answered.

import { signal } from "../../vendor/core.js";
import { call, told } from "../api.js";
import { plural } from "../format.js";
import { may } from "../session.js";
import { toast } from "../ui/toast.js";
import { acted, current, rows, selected } from "./store.js";

/** @typedef {import("../types.js").Alert} Alert */

/** The dialog that is open, and the alerts that it is about. */
export const asking = signal(
  /** @type {{what: "close" | "silence" | "assign", alerts: Alert[]} | null} */ (null),
);

/** What alerts turn out to be, as rules that read outcomes know it. */
export const outcomes = [
  ["fraud", "Fraud: the alert was right"],
  ["legit", "Legitimate: a false alarm"],
  ["duplicate", "Duplicate of another alert"],
  ["test", "A test"],
];

/** The alerts that a key is about: the selected ones, else the current one. */
export function aim() {
  const chosen = selected.value;
  if (chosen.size) return rows.value.filter((a) => chosen.has(a.seq));
  return rows.value.filter((a) => a.seq === current.value);
}

const words = { acknowledged: "Acknowledged", closed: "Closed", open: "Opened again" };

/**
 * Changes alerts, and offers to take it back.
 * @param {Alert[]} list
 * @param {{state?: import("../types.js").State, outcome?: string, assignee?: string, comment?: string}} change
 */
export async function triage(list, change) {
  if (!list.length) return false;
  if (!may("analyst")) {
    toast("You may look at alerts, not change them: that takes the role analyst.");
    return false;
  }
  try {
    const got = await call("POST", "/alerts/triage", { alerts: list.map((a) => a.seq), ...change });
    acted(got.actions ?? []);
  } catch (e) {
    toast(`Nothing was changed: ${told(e)}`);
    return false;
  }
  // What was selected was selected for this.
  selected.value = new Set();
  const what = plural(list.length, "alert");
  if (change.assignee !== undefined)
    toast(change.assignee ? `Assigned ${what} to ${change.assignee}` : `Nobody's: ${what}`, {
      name: "Undo",
      act: () => ownersBack(list),
    });
  else if (!change.state) toast("Comment added");
  else if (change.state === "open") toast(`${words.open}: ${what}`);
  else
    toast(`${words[change.state]} ${what}${change.outcome ? ` as ${change.outcome}` : ""}`, {
      name: "Undo",
      act: () => back(list),
    });
  return true;
}

/** Gives alerts the state back that they had. @param {Alert[]} list as it was */
const back = (list) =>
  restore(list, ({ state = "open", outcome }) => (outcome ? { state, outcome } : { state }));

/** Gives alerts to those who had them. @param {Alert[]} list as it was */
const ownersBack = (list) => restore(list, ({ assignee = "" }) => ({ assignee }));

/**
 * @param {Alert[]} list as it was
 * @param {(a: Alert) => object} was what an alert is given back
 */
async function restore(list, was) {
  /** @type {Map<string, Alert[]>} */
  const by = new Map();
  for (const a of list) {
    const id = JSON.stringify(was(a));
    by.set(id, [...(by.get(id) ?? []), a]);
  }
  for (const part of by.values()) {
    const change = was(part[0]);
    try {
      const got = await call("POST", "/alerts/triage", { alerts: part.map((a) => a.seq), ...change });
      acted(got.actions ?? []);
    } catch (e) {
      toast(`It was not taken back: ${told(e)}`);
      return;
    }
  }
  toast("Taken back");
}

/** @param {Alert[]} list */
export function acknowledge(list) {
  const open = list.filter((a) => (a.state ?? "open") === "open");
  if (list.length && !open.length) toast("Nothing to acknowledge: none of them is open");
  return triage(open, { state: "acknowledged" });
}

/**
 * Keeps alerts like these from the sinks for a while.
 * @param {{rule?: string, key?: string, reason: string, for: string}} silence
 */
export async function silence(silence) {
  await call("POST", "/silences", silence);
  toast(
    `Silenced ${[silence.rule, silence.key && `key ${silence.key}`].filter(Boolean).join(", ") || "everything"} for ${silence.for}`,
  );
}
