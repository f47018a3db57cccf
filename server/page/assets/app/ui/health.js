// How Weir is, in one sentence; check by check for whoever asks.

import { effect, html, signal, useEffect } from "../../vendor/core.js";
import { announce } from "../announce.js";
import { call } from "../api.js";
import { whole } from "../format.js";

/** @typedef {import("../types.js").Health} Health */

const EVERY = 5000; // ms

/** What /api/v1/pipeline said last. */
export const pipeline = signal(/** @type {any} */ (null));
export const health = signal(/** @type {Health | null} */ (null));
const unreachable = signal(false);

// A turn for the worse or the better is said; the sentence itself changes with
// every look, and is not.
let was = "";
effect(() => {
  const worst = unreachable.value ? "unreachable" : (health.value?.checks.find((c) => !c.ok)?.name ?? "");
  if (worst === was) return;
  was = worst;
  announce(sentence);
});

function sentence() {
  return unreachable.peek() ? "Weir does not answer" : (health.peek()?.sentence ?? "");
}

async function look() {
  try {
    const p = await call("GET", "/pipeline");
    pipeline.value = p;
    health.value = p.health;
    unreachable.value = false;
  } catch {
    unreachable.value = true;
  }
}

/** A sentence with its times as the rest of the page writes them. @param {string} text */
const timed = (text) => text.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, whole);

export function HealthLine() {
  useEffect(() => {
    let timer = 0;
    const again = async () => {
      if (!document.hidden) await look();
      timer = setTimeout(again, EVERY);
    };
    void again();
    return () => clearTimeout(timer);
  }, []);
  const h = health.value;
  if (unreachable.value) {
    return html`<div class="health bad"><span aria-hidden="true">▲</span> Weir does not answer. What is shown is from before.</div>`;
  }
  if (!h) return html`<div class="health"></div>`;
  const worst = h.checks.find((c) => !c.ok);
  return html`<details class=${`health ${worst || !h.ready ? "bad" : "good"}`}>
    <summary>
      <span aria-hidden="true">${worst || !h.ready ? "▲" : "✓"}</span>
      <span>${timed(h.sentence)}</span>
      ${worst && html`<span class="worst">${worst.name}</span>`}
    </summary>
    <ul>
      ${h.checks.map(
        (c) => html`<li key=${c.name} class=${c.ok ? "good" : "bad"}>
          <span aria-hidden="true">${c.ok ? "✓" : "▲"}</span> <b>${c.name}</b> <span>${timed(c.text)}</span>
        </li>`,
      )}
    </ul>
  </details>`;
}
