// What a screen reader is told without being asked: at most one sentence in
// five seconds, so that a storm of alerts is no storm of words.

import { signal } from "../vendor/core.js";

const EVERY = 5000; // ms

/** What the polite live region holds. */
export const spoken = signal("");

/** @type {(() => string)[]} */
let waiting = [];
let free = 0; // ms; from when on something may be said
let timer = 0;

/**
 * Says something when its turn comes; it is worded then, so that what came
 * meanwhile is counted in. Saying the same function again says it once.
 * @param {() => string} text
 */
export function announce(text) {
  if (!waiting.includes(text)) waiting.push(text);
  if (!timer) timer = setTimeout(speak, Math.max(0, free - Date.now()));
}

function speak() {
  timer = 0;
  const said = waiting.map((text) => text()).filter(Boolean);
  waiting = [];
  if (!said.length) return;
  spoken.value = said.join(". ");
  free = Date.now() + EVERY;
}
