// What one person likes, kept in their browser: theme, time zone, whether
// single keys do something.

import { effect, signal } from "../vendor/core.js";

/**
 * A signal that the browser remembers.
 * @template {string} T
 * @param {string} name
 * @param {T[]} values the first is what counts until somebody chooses
 */
function kept(name, values) {
  let was = values[0];
  try {
    const found = /** @type {T | null} */ (localStorage.getItem(`weir.${name}`));
    if (found !== null && values.includes(found)) was = found;
  } catch {
    // A browser that keeps nothing shows the first.
  }
  const s = signal(was);
  effect(() => {
    const v = s.value;
    try {
      localStorage.setItem(`weir.${name}`, v);
    } catch {
      // See above.
    }
  });
  return s;
}

export const theme = kept("theme", /** @type {("auto" | "light" | "dark")[]} */ (["auto", "light", "dark"]));
export const zone = kept("zone", /** @type {("utc" | "local")[]} */ (["utc", "local"]));
export const keysOn = kept("keys", /** @type {("on" | "off")[]} */ (["on", "off"]));

effect(() => {
  document.documentElement.dataset.theme = theme.value;
});
