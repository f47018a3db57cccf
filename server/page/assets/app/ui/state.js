// What people have made of an alert, in a word.

import { html } from "../../vendor/core.js";

/** @param {{alert: import("../types.js").Alert}} props */
export function StateMark({ alert }) {
  const state = alert.state ?? "open";
  const mark = { open: "○", acknowledged: "◐", closed: "●" }[state];
  const word = state === "acknowledged" ? "ack" : state;
  return html`<span class=${`state ${state}`}
    ><span aria-hidden="true">${mark}</span> ${word}${alert.outcome ? html` <b>${alert.outcome}</b>` : ""}</span
  >`;
}
