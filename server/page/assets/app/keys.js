// Single keys that do something. What has come up last is asked first, so a
// screen's keys do not reach through what lies over it.

import { useEffect } from "../vendor/core.js";
import { keysOn } from "./prefs.js";

/** @typedef {Record<string, (e: KeyboardEvent) => void>} Keys by the key's name, such as "j", "Enter", "?" */

/** @type {{current: Keys}[]} */
const layers = [];

addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented) return;
  const at = e.target instanceof Element ? e.target : null;
  if (document.querySelector("dialog[open]")) return; // a dialog has its own
  if (at?.closest("input, textarea, select")) return;
  if ((e.key === "Enter" || e.key === " ") && at?.closest("a, button, summary")) return;
  if (e.key.length === 1 && keysOn.value === "off") return;
  for (let i = layers.length - 1; i >= 0; i--) {
    const act = layers[i].current[e.key];
    if (act) {
      e.preventDefault();
      act(e);
      return;
    }
  }
});

/**
 * Listens to keys as long as the component is there.
 * @param {Keys} keys
 */
export function useKeys(keys) {
  useEffect(() => {
    const layer = { current: keys };
    layers.push(layer);
    return () => {
      layers.splice(layers.indexOf(layer), 1);
    };
  });
}
