// The address of the page is all its state that others should see too: a link
// shows them the same alerts.

import { computed, signal } from "../vendor/core.js";

const here = () => ({ path: location.pathname, query: new URLSearchParams(location.search) });

/** Where the page is. */
export const place = signal(here());

addEventListener("popstate", () => {
  place.value = here();
});

/**
 * Goes to an address of this page.
 * @param {string} to path and query
 */
export function go(to) {
  if (to === location.pathname + location.search) return;
  history.pushState(null, "", to);
  place.value = here();
}

/**
 * Changes the query in place; "" removes a parameter.
 * @param {Record<string, string>} params
 */
export function ask(params) {
  const q = new URLSearchParams(location.search);
  for (const [name, v] of Object.entries(params)) v ? q.set(name, v) : q.delete(name);
  const text = q.toString();
  history.replaceState(null, "", location.pathname + (text ? `?${text}` : ""));
  place.value = here();
}

/**
 * A parameter of the address as a signal.
 * @param {string} name
 */
export const param = (name) => computed(() => place.value.query.get(name) ?? "");

/** Where the list was, to go back to it as it was left. */
let list = "/";

/** Goes to one alert. @param {number} seq */
export function openAlert(seq) {
  if (location.pathname === "/") list = location.pathname + location.search;
  go(`/alerts/${seq}`);
}

export function backToList() {
  go(list);
}

// Links within the page do not load it again.
addEventListener("click", (e) => {
  const a = e.target instanceof Element ? e.target.closest("a") : null;
  if (!a || a.origin !== location.origin || a.target || a.hasAttribute("download")) return;
  if (e.defaultPrevented || e.button !== 0 || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
  if (a.pathname.startsWith("/api/") || a.hash) return;
  e.preventDefault();
  const alert = /^\/alerts\/(\d+)$/.exec(a.pathname);
  if (alert) openAlert(Number(alert[1]));
  else go(a.pathname + a.search);
});
