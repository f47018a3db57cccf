// One alert as a row of the list.

import { html } from "../../vendor/core.js";
import { count, keyText } from "../format.js";
import { openAlert } from "../router.js";
import { SeverityMark } from "../ui/severity.js";
import { StateMark } from "../ui/state.js";
import { When } from "../ui/when.js";
import { current, selected } from "./store.js";

/** px */
export const ROW = 34;

/** Takes an alert into the selection, or out of it. @param {number} seq */
export function select(seq) {
  const next = new Set(selected.peek());
  if (!next.delete(seq)) next.add(seq);
  selected.value = next;
}

/** What the columns are called. */
export function Heads() {
  const names = ["", "Severity", "Event time", "Rule", "Key", "What happened", "Events", "State", "Owner"];
  return html`<div class="heads row" role="row" aria-rowindex="1">
    ${names.map(
      (name, i) =>
        html`<span key=${i} role="columnheader" class=${name === "Events" ? "right" : ""}>${name || html`<span class="sr">Selected</span>`}</span>`,
    )}
  </div>`;
}

/** @param {{alert: import("../types.js").Alert, index: number, top: number}} props */
export function Row({ alert: a, index, top }) {
  const is = selected.value.has(a.seq);
  const at = current.value === a.seq;
  const gone = (a.state ?? "open") === "closed";
  return html`<div
    role="row"
    id=${`alert-${a.seq}`}
    data-seq=${a.seq}
    aria-rowindex=${index + 2}
    aria-selected=${is}
    class=${`row ${a.severity}${at ? " current" : ""}${is ? " selected" : ""}${gone ? " closed" : ""}`}
    style=${{ transform: `translateY(${top}px)` }}
    onClick=${() => {
      current.value = a.seq;
    }}
    onDblClick=${() => openAlert(a.seq)}
  >
    <span role="gridcell" class="pick">
      <input
        type="checkbox"
        tabindex="-1"
        checked=${is}
        aria-label=${`Select alert ${a.seq}`}
        onClick=${(/** @type {Event} */ e) => e.stopPropagation()}
        onChange=${() => select(a.seq)}
      />
    </span>
    <span role="gridcell"><${SeverityMark} of=${a.severity} /></span>
    <span role="gridcell"><${When} at=${a.at} /></span>
    <span role="gridcell" class="rule"
      ><a href=${`/alerts/${a.seq}`} tabindex="-1">${a.rule}</a>${a.status === "shadow" ? html` <em class="tag">shadow</em>` : ""}${
        a.kind === "timeout" ? html` <em class="tag">timeout</em>` : ""
      }</span
    >
    <span role="gridcell" class="mono key" title=${keyText(a.key)}>${keyText(a.key) || "—"}</span>
    <span role="gridcell" class="message" title=${a.message}>${a.message}</span>
    <span role="gridcell" class="right num"
      >${count(a.events?.length ?? 0)}${a.suppressed ? html`<span class="age" title=${`${a.suppressed} more were folded into it`}> +${a.suppressed}</span>` : ""}</span
    >
    <span role="gridcell"
      ><${StateMark} alert=${a} />${a.silence ? html` <em class="tag" title="A silence keeps it from the sinks">silenced</em>` : ""}</span
    >
    <span role="gridcell" class="owner">${a.assignee || "–"}</span>
  </div>`;
}
