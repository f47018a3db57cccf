// A sentence about what was just done, with a way back where there is one.

import { html, signal } from "../../vendor/core.js";

const SHOWN = 8000; // ms

const now = signal(/** @type {{text: string, offer?: {name: string, act: () => void}} | null} */ (null));
let timer = 0;

/**
 * @param {string} text
 * @param {{name: string, act: () => void}} [offer]
 */
export function toast(text, offer) {
  clearTimeout(timer);
  now.value = { text, offer };
  timer = setTimeout(clear, SHOWN);
}

export function clear() {
  clearTimeout(timer);
  now.value = null;
}

/** Does what the toast offers, if one does. */
export function takeOffer() {
  const offer = now.peek()?.offer;
  if (!offer) return false;
  clear();
  offer.act();
  return true;
}

export function Toast() {
  const t = now.value;
  return html`<div class="toasts" role="status">
    ${
      t &&
      html`<div class="toast">
      <span>${t.text}</span>
      ${t.offer && html`<button type="button" class="quiet" onClick=${takeOffer}>${t.offer.name} <kbd>u</kbd></button>`}
      <button type="button" class="quiet icon" aria-label="Dismiss" onClick=${clear}>×</button>
    </div>`
    }
  </div>`;
}
