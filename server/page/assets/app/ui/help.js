// What the keys do.

import { html, signal } from "../../vendor/core.js";
import { keysOn } from "../prefs.js";
import { Dialog } from "./dialog.js";

const open = signal(false);

export const openHelp = () => {
  open.value = true;
};

const keys = [
  ["j k", "next, previous alert (also ↓ ↑)"],
  ["Enter", "open the alert"],
  ["x", "select it, for a change of several"],
  ["a", "acknowledge"],
  ["c", "close, with what it turned out to be"],
  ["o", "assign it to an owner, or to nobody"],
  ["s", "silence its rule and key for a while"],
  ["u", "take the last change back"],
  ["n", "show the new alerts that wait"],
  ["/", "filter"],
  ["Esc", "leave: the alert, the selection, the filter box"],
  ["?", "this list"],
];

export function Help() {
  if (!open.value) return null;
  const close = () => {
    open.value = false;
  };
  return html`<${Dialog} title="Keys" onClose=${close}>
    <dl class="keys">
      ${keys.map(([key, does]) => html`<div key=${key}><dt>${key.split(" ").map((k) => html`<kbd>${k}</kbd> `)}</dt><dd>${does}</dd></div>`)}
    </dl>
    <label class="check">
      <input
        type="checkbox"
        checked=${keysOn.value === "on"}
        onChange=${() => {
          keysOn.value = keysOn.value === "on" ? "off" : "on";
        }}
      />
      Letters do something (switch it off if a screen reader or speech input needs them)
    </label>
    <p class="hint">
      New alerts go to the top at once. While the pointer is over the list, while it is scrolled or something in it is
      selected, they wait, and nothing moves.
    </p>
  <//>`;
}
