// The events of a match in their order, with the time between them and all
// that they said.

import { html } from "../../vendor/core.js";
import { span, value, whole } from "../format.js";
import { SeverityMark } from "../ui/severity.js";

/** @typedef {import("../types.js").Alert} Alert */
/** @typedef {import("../types.js").BoundEvent} BoundEvent */

/** @param {{alert: Alert}} props */
export function Timeline({ alert: a }) {
  const events = a.events ?? [];
  return html`<section aria-labelledby="timeline">
    <h2 id="timeline">Timeline <small>event time</small></h2>
    <${Track} events=${events} from=${a.first_at} to=${a.at} />
    <ol class="timeline">
      ${events.map((e, i) => html`<${Step} key=${i} event=${e} before=${events[i - 1]} />`)}
      <li class="end">
        <span class="dot" aria-hidden="true"></span>
        <div class="what">
          <b>${a.kind === "timeout" ? "Nothing more came: deadline" : "Match"}</b> <time datetime=${a.at} class="num">${whole(a.at)}</time>
          <${SeverityMark} of=${a.severity} />
        </div>
      </li>
    </ol>
    ${a.truncated && html`<p class="hint">There were more events than an alert carries; the ones in the middle are left out.</p>`}
  </section>`;
}

/** The same as a line: how the events lie in time. @param {{events: BoundEvent[], from: string, to: string}} props */
function Track({ events, from, to }) {
  const start = Date.parse(from);
  const whole = Date.parse(to) - start;
  if (events.length < 2 || whole <= 0) return null;
  const x = (/** @type {string} */ at) => 6 + (988 * (Date.parse(at) - start)) / whole;
  return html`<svg class="track" viewBox="0 0 1000 16" preserveAspectRatio="none" aria-hidden="true">
    <line x1="6" x2="994" y1="8" y2="8" />
    ${events.map((e, i) => html`<rect key=${i} x=${x(e.at) - 1.5} y="2" width="3" height="12" />`)}
  </svg>`;
}

/** @param {{event: BoundEvent, before: BoundEvent | undefined}} props */
function Step({ event: e, before }) {
  const data = e.data;
  const gap = before ? Date.parse(e.at) - Date.parse(before.at) : 0;
  return html`<li>
    <span class="dot" aria-hidden="true"></span>
    <div class="what">
      <b>${e.step}</b> ${e.step === e.type ? "" : html`<span class="hint">${e.type}</span>`}
      <time datetime=${e.at} class="num">${whole(e.at)}</time>
      ${before && html`<span class="age">+${span(gap)}</span>`}
      <span class="grow"></span><span class="mono hint">${e.id}</span>
    </div>
    ${
      data
        ? html`<dl class="values">${Object.entries(data).map(([k, v]) => html`<div key=${k}><dt>${k}</dt><dd class="mono">${value(v)}</dd></div>`)}</dl>
            <details class="json"><summary>JSON</summary><pre tabindex="0">${JSON.stringify(data, null, 2)}</pre></details>`
        : html`<p class="hint">What it said is not kept any more.</p>`
    }
  </li>`;
}
