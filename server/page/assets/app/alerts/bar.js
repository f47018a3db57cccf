// What is above the list: the filter, its chips, and what waits.

import { html, useEffect, useState } from "../../vendor/core.js";
import { count, plural, severities } from "../format.js";
import { ask } from "../router.js";
import { filtered, group, rule, severity, showAll, state, words } from "./filter.js";
import { filterError, fresh, rows, selected, showNew } from "./store.js";
import { acknowledge, aim, asking } from "./triage.js";

export function Bar() {
  return html`<div class="bar">
    <${FilterBox} />
    <div class="chips">
      <${Chips} name="severity" label="Severity" value=${severity.value} of=${[
        ["", "all"],
        ["medium", "medium +"],
        ["high", "high +"],
        ["critical", "critical"],
      ]} />
      <${Chips} name="state" label="State" value=${state.value} of=${[
        ["", "all"],
        ["open", "open"],
        ["acknowledged", "ack"],
        ["closed", "closed"],
      ]} />
      ${rule.value && html`<button type="button" class="chip on" onClick=${() => ask({ rule: "" })} aria-label=${`Rule ${rule.value}: show every rule`}>rule ${rule.value} <span aria-hidden="true">×</span></button>`}
      <button type="button" class=${`chip${group.value ? " on" : ""}`} aria-pressed=${group.value === "rule"} onClick=${() => ask({ group: group.value ? "" : "rule" })}>by rule</button>
      <span class="grow"></span>
      <${Waiting} />
    </div>
    ${filterError.value && html`<p class="wrong" role="alert" id="filter-error"><pre>${filterError.value}</pre></p>`}
    <${Selection} />
  </div>`;
}

function FilterBox() {
  const [text, set] = useState(words.value);
  useEffect(() => set(words.value), [words.value]);
  const submit = (/** @type {Event} */ e) => {
    e.preventDefault();
    ask({ q: text.trim() });
  };
  const keys = (/** @type {KeyboardEvent} */ e) => {
    if (e.key !== "Escape") return;
    set(words.value);
    /** @type {HTMLElement | null} */ (document.querySelector(".grid"))?.focus();
  };
  return html`<form class="filter" role="search" onSubmit=${submit}>
    <label for="filter" class="sr">Filter</label>
    <span aria-hidden="true" class="slash">/</span>
    <input
      id="filter"
      type="text"
      value=${text}
      spellcheck=${false}
      autocomplete="off"
      placeholder=${'severity>=high and rule=card_* and key="c1" and text~"wire"'}
      aria-invalid=${filterError.value ? "true" : undefined}
      aria-describedby=${filterError.value ? "filter-error" : undefined}
      onInput=${(/** @type {Event} */ e) => set(/** @type {HTMLInputElement} */ (e.target).value)}
      onKeyDown=${keys}
    />
    ${filtered.value && html`<button type="button" class="quiet" onClick=${showAll}>Show all</button>`}
  </form>`;
}

/** Chips of which one is on. @param {{name: string, label: string, value: string, of: string[][]}} props */
function Chips({ name, label, value, of }) {
  return html`<span class="segment" role="group" aria-label=${label}>
    ${of.map(
      ([
        v,
        text,
      ]) => html`<button type="button" key=${v} class=${`chip${v === value ? " on" : ""}`} aria-pressed=${v === value} onClick=${() => ask({ [name]: v })}>
        ${v === "" ? html`<span class="sr">${label}: </span>` : ""}${text}
      </button>`,
    )}
  </span>`;
}

/** The alerts that have come and are not shown yet. */
function Waiting() {
  const list = fresh.value;
  if (!list.length)
    return html`<span class="hint num">${rows.value.length ? plural(rows.value.length, "alert") : ""}</span>`;
  const worst = severities.findLast((s) => list.some((a) => a.severity === s));
  const show = () => {
    showNew();
    const grid = document.querySelector(".grid");
    if (grid) grid.scrollTop = 0;
  };
  return html`<button type="button" class=${`new ${worst}`} id="new" onClick=${show}>
    <span aria-hidden="true">▲</span> ${count(list.length)} new <small>(press <kbd>n</kbd>)</small>
  </button>`;
}

/** What can be done with several. */
function Selection() {
  const n = selected.value.size;
  if (!n) return null;
  return html`<div class="selection" role="toolbar" aria-label="Selected alerts">
    <b>${plural(n, "alert")} selected</b>
    <button type="button" onClick=${() => acknowledge(aim())}>Acknowledge <kbd>a</kbd></button>
    <button
      type="button"
      onClick=${() => {
        asking.value = { what: "close", alerts: aim() };
      }}
    >
      Close… <kbd>c</kbd>
    </button>
    <button
      type="button"
      onClick=${() => {
        asking.value = { what: "assign", alerts: aim() };
      }}
    >
      Assign… <kbd>o</kbd>
    </button>
    <button
      type="button"
      class="quiet"
      onClick=${() => {
        selected.value = new Set();
      }}
    >
      Clear <kbd>Esc</kbd>
    </button>
  </div>`;
}
