// The time of day, once a second, for the ages that are shown.

import { signal } from "../vendor/core.js";

/** ms */
export const now = signal(Date.now());

setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 1000);

document.addEventListener("visibilitychange", () => {
  now.value = Date.now();
});
