// What the list shows: the words of the filter box and the chips, as one
// expression of the filter language, kept in the address.

import { computed } from "../../vendor/core.js";
import { ask, param } from "../router.js";

export const words = param("q");
export const severity = param("severity");
export const state = param("state");
export const rule = param("rule");
export const group = param("group");

/** The expression that the server is asked with. */
export const filter = computed(() => {
  const terms = [];
  if (severity.value) terms.push(`severity>=${severity.value}`);
  if (state.value) terms.push(`state=${state.value}`);
  if (rule.value) terms.push(`rule=${rule.value}`);
  if (words.value) terms.push(words.value);
  return terms.join(" and ");
});

export const filtered = computed(() => filter.value !== "");

/** Takes everything away that leaves alerts out. */
export function showAll() {
  ask({ q: "", severity: "", state: "", rule: "" });
}

/**
 * A text as the filter language takes it.
 * @param {string} text
 */
export const quoted = (text) => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
