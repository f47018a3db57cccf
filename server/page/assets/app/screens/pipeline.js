// The screen of the pipeline: what the sources bring, how far time is, which
// rules find something.

import { html, signal, useEffect } from "../../vendor/core.js";
import { call, told } from "../api.js";
import { now } from "../clock.js";
import { age, bytes, count, whole } from "../format.js";
import { useKeys } from "../keys.js";
import { go } from "../router.js";
import { pipeline } from "../ui/health.js";
import { openHelp } from "../ui/help.js";
import { When } from "../ui/when.js";

const EVERY = 5000; // ms

const rules = signal(/** @type {any[]} */ ([]));
const wrong = signal("");

export function Pipeline() {
  useKeys({ Escape: () => go("/"), "?": openHelp });
  useEffect(() => {
    document.title = "Pipeline · Weir";
    let timer = 0;
    const again = async () => {
      try {
        rules.value = (await call("GET", "/rules")).items;
        wrong.value = "";
      } catch (e) {
        wrong.value = told(e);
      }
      timer = setTimeout(again, EVERY);
    };
    void again();
    return () => clearTimeout(timer);
  }, []);
  const p = pipeline.value;
  return html`<main class="pipeline">
    <h1>Pipeline</h1>
    ${wrong.value && html`<p class="wrong" role="alert">${wrong.value}</p>`}
    ${p && html`<${Figures} p=${p} /><${Sources} p=${p} />`}
    <${Rules} />
    ${p?.sinks?.length > 0 && html`<${Sinks} p=${p} />`}
  </main>`;
}

/** @param {{p: any}} props */
function Figures({ p }) {
  const parts = p.sources.flatMap((/** @type {any} */ s) => s.partitions);
  const sum = (/** @type {string} */ name) =>
    parts.reduce((/** @type {number} */ n, /** @type {any} */ x) => n + x[name], 0);
  const facts = [
    ["Events", count(sum("events"))],
    ["Late", count(sum("late"))],
    ["Waiting", count(sum("waiting"))],
    ["Queued", count(p.queue.records)],
    ["Journal", bytes(p.journal.bytes)],
    ["Running for", age(p.started, now.value)],
  ];
  return html`<dl class="figures">${facts.map(([k, v]) => html`<div key=${k}><dt>${k}</dt><dd class="num">${v}</dd></div>`)}</dl>`;
}

/** @param {{p: any}} props */
function Sources({ p }) {
  const lines = p.sources.flatMap((/** @type {any} */ s) =>
    s.partitions.map((/** @type {any} */ x) => ({ s, x })),
  );
  // To hold time back is bad only where somebody waits for it.
  const waits = lines.some((/** @type {any} */ l) => l.x.waits_for_others);
  return html`<section aria-labelledby="sources">
    <h2 id="sources">Sources</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Sources">
      <table>
        <thead><tr><th>Source</th><th>Partition</th><th class="right">Events</th><th class="right">Lag</th><th class="right">Late</th><th>Watermark</th><th>Last arrival</th><th>State</th></tr></thead>
        <tbody>
          ${lines.map(
            (/** @type {any} */ { s, x }) => html`<tr key=${`${s.name}/${x.partition}`}>
              <td><b>${s.name}</b> <span class="hint">${s.kind}</span></td>
              <td>${x.label || x.partition}</td>
              <td class="right num">${count(x.events)}</td>
              <td class="right num">${x.lag === null ? "—" : count(x.lag)}</td>
              <td class="right num">${count(x.late)}</td>
              <td class="num" title=${whole(x.watermark)}><${When} at=${x.watermark} /></td>
              <td><${When} at=${x.last_arrival} /></td>
              <td>${s.error ? html`<span class="wrong">${s.error}</span>` : x.holds_watermark && waits ? html`<b>holds the watermark</b>` : x.ended ? "ended" : x.idle ? "idle" : "active"}</td>
            </tr>`,
          )}
        </tbody>
      </table>
      ${!lines.length && html`<p class="hint">No source has brought anything yet.</p>`}
    </div>
  </section>`;
}

function Rules() {
  const list = rules.value.toSorted((a, b) => b.alerts - a.alerts || a.name.localeCompare(b.name));
  return html`<section aria-labelledby="rules">
    <h2 id="rules">Rules</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Rules">
      <table>
        <thead><tr><th>Rule</th><th>Status</th><th class="right">Matches</th><th class="right">Alerts</th><th class="right">Folded</th><th class="right">Errors</th><th class="right">State</th></tr></thead>
        <tbody>
          ${list.map(
            (r) => html`<tr key=${r.name}>
              <td><a href=${`/?rule=${encodeURIComponent(r.name)}`}><b>${r.name}</b></a> <span class="hint">${r.title ?? ""}</span></td>
              <td>${r.status}</td>
              <td class="right num">${count(r.matches)}</td>
              <td class="right num">${count(r.alerts)}</td>
              <td class="right num">${count(r.suppressed)}</td>
              <td class="right num">${count(r.eval_errors)}</td>
              <td class="right num">${bytes(r.state_bytes)}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

/** @param {{p: any}} props */
function Sinks({ p }) {
  return html`<section aria-labelledby="sinks">
    <h2 id="sinks">Sinks</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Sinks">
      <table>
        <thead><tr><th>Sink</th><th class="right">Sent</th><th class="right">Behind</th><th class="right">Tries again</th><th>State</th></tr></thead>
        <tbody>
          ${p.sinks.map(
            (/** @type {any} */ s) => html`<tr key=${s.name}>
              <td><b>${s.name}</b> <span class="hint">${s.kind}</span></td>
              <td class="right num">${count(s.sent)}</td>
              <td class="right num">${count(s.behind)}</td>
              <td class="right num">${count(s.retries)}</td>
              <td>${s.error ? html`<span class="wrong">${s.error}</span>` : "takes its alerts"}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}
