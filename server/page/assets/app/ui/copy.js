// A text that is there to be copied.

import { html, useState } from "../../vendor/core.js";

/** @param {{text: string, label: string}} props */
export function Copyable({ text, label }) {
  const [done, set] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      set(true);
      setTimeout(() => set(false), 2000);
    } catch {
      // Without the permission it is selected and copied by hand.
      getSelection()?.selectAllChildren(/** @type {Node} */ (document.getElementById(label)));
    }
  };
  return html`<div class="copyable">
    <pre id=${label} tabindex="0">${text}</pre>
    <button type="button" onClick=${copy}>${done ? "Copied" : "Copy"}</button>
  </div>`;
}
