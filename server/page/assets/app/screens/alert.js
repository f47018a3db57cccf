// The screen of one alert: what happened, what was done about it, who was told.

import { html, signal, useEffect } from "../../vendor/core.js";
import { Context } from "../alert/context.js";
import { Deliveries } from "../alert/deliveries.js";
import { History } from "../alert/history.js";
import { Timeline } from "../alert/timeline.js";
import { changed, rows } from "../alerts/store.js";
import { acknowledge, asking, triage } from "../alerts/triage.js";
import { call, told } from "../api.js";
import { count, keyText, span, value, whole } from "../format.js";
import { useKeys } from "../keys.js";
import { backToList, go } from "../router.js";
import { openHelp } from "../ui/help.js";
import { SeverityMark } from "../ui/severity.js";
import { StateMark } from "../ui/state.js";
import { takeOffer } from "../ui/toast.js";
import { When } from "../ui/when.js";

/** @typedef {import("../types.js").Alert} Alert */
/** @typedef {import("../types.js").Action} Action */
/** @typedef {import("../types.js").Delivery} Delivery */

/** What the server told of the alert that is open. */
const shown = signal(
  /** @type {{seq: number, alert: Alert, history: Action[], deliveries: Delivery[]} | null} */ (null),
);
const wrong = signal("");

const AGAIN = 3000; // ms

/** @param {number} seq */
async function load(seq) {
  try {
    const got = await call("GET", `/alerts/${seq}`);
    shown.value = { seq, alert: got.alert, history: got.history ?? [], deliveries: got.deliveries ?? [] };
    wrong.value = "";
  } catch (e) {
    wrong.value = told(e);
  }
}

/** @param {{seq: number}} props */
export function AlertScreen({ seq }) {
  useEffect(() => {
    if (shown.peek()?.seq !== seq) shown.value = null;
    wrong.value = "";
    void load(seq);
  }, [seq]);
  // What is still to be sent is looked at until it is.
  useEffect(() => {
    if (!shown.value?.deliveries.some((d) => d.state === "pending")) return;
    const timer = setTimeout(() => load(seq), AGAIN);
    return () => clearTimeout(timer);
  }, [shown.value]);
  const ours = changed.value.some((u) => u.seq === seq);
  useEffect(() => {
    if (ours) void load(seq);
  }, [changed.value]);
  useEffect(() => {
    document.title = `Alert ${seq} · Weir`;
    document.getElementById("alert-title")?.focus({ preventScroll: true });
  }, [seq, shown.value !== null]);

  const s = shown.value;
  const list = rows.value;
  const at = list.findIndex((a) => a.seq === seq);
  const step = (/** @type {number} */ by) => {
    const next = at < 0 ? undefined : list[at + by];
    if (next) go(`/alerts/${next.seq}`);
  };
  const ask = (/** @type {"close" | "silence" | "assign"} */ what) => {
    if (s) asking.value = { what, alerts: [s.alert] };
  };
  useKeys({
    Escape: backToList,
    j: () => step(1),
    k: () => step(-1),
    a: () => s && void acknowledge([s.alert]),
    c: () => ask("close"),
    o: () => ask("assign"),
    s: () => ask("silence"),
    u: () => takeOffer(),
    "?": openHelp,
  });

  if (wrong.value && !s) {
    return html`<main class="alert"><${Back} /><p class="wrong" role="alert">${wrong.value}</p></main>`;
  }
  if (!s) return html`<main class="alert"><${Back} /></main>`;
  const a = s.alert;
  return html`<main class="alert">
    <${Back} at=${at} of=${list.length} step=${step} />
    <div class=${`head ${a.severity}`}>
      <div class="line">
        <${SeverityMark} of=${a.severity} />
        <h1 id="alert-title" tabindex="-1">${a.rule}</h1>
        <span class="mono key">${keyText(a.key)}</span>
        <${StateMark} alert=${a} />
        ${a.status === "shadow" && html`<em class="tag">shadow: told to nobody</em>`}
        ${a.silence && html`<em class="tag">silenced</em>`}
        <span class="grow"></span>
        <span class="num hint">#${count(a.seq)}</span>
      </div>
      <p class="message">${a.message}</p>
      <${Actions} alert=${a} ask=${ask} />
    </div>
    <div class="columns">
      <div class="main">
        <${Timeline} alert=${a} />
        <${Deliveries} list=${s.deliveries} again=${() => load(seq)} />
        <${History} list=${s.history} />
        <${Comment} alert=${a} />
      </div>
      <aside aria-label="About this alert">
        <${Facts} alert=${a} />
        <${Context} alert=${a} />
      </aside>
    </div>
  </main>`;
}

/** @param {{at?: number, of?: number, step?: (by: number) => void}} props */
function Back({ at = -1, of = 0, step }) {
  return html`<nav class="back" aria-label="Alert">
    <button type="button" class="quiet" onClick=${backToList}><span aria-hidden="true">←</span> Alerts <kbd>Esc</kbd></button>
    ${
      step &&
      at >= 0 &&
      html`<span class="grow"></span>
        <button type="button" class="quiet" disabled=${at === 0} onClick=${() => step(-1)}>Newer <kbd>k</kbd></button>
        <button type="button" class="quiet" disabled=${at === of - 1} onClick=${() => step(1)}>Older <kbd>j</kbd></button>`
    }
  </nav>`;
}

/** @param {{alert: Alert, ask: (what: "close" | "silence" | "assign") => void}} props */
function Actions({ alert: a, ask }) {
  const state = a.state ?? "open";
  return html`<div class="actions" role="toolbar" aria-label="What to do">
    ${state === "open" && html`<button type="button" class="primary" onClick=${() => acknowledge([a])}>Acknowledge <kbd>a</kbd></button>`}
    ${state !== "closed" && html`<button type="button" onClick=${() => ask("close")}>Close… <kbd>c</kbd></button>`}
    ${state !== "open" && html`<button type="button" onClick=${() => triage([a], { state: "open" })}>Open again</button>`}
    <button type="button" onClick=${() => ask("assign")}>Assign… <kbd>o</kbd></button>
    <button type="button" onClick=${() => ask("silence")}>Silence… <kbd>s</kbd></button>
  </div>`;
}

/** @param {{alert: Alert}} props */
function Facts({ alert: a }) {
  const lasted = Date.parse(a.at) - Date.parse(a.first_at);
  /** @type {[string, unknown][]} */
  const facts = [
    ["Raised", html`<${When} at=${a.at} />`],
    ...(lasted > 0 ? /** @type {[string, unknown][]} */ ([["From first to last event", span(lasted)]]) : []),
    ...(a.logged ? /** @type {[string, unknown][]} */ ([["Logged", whole(a.logged)]]) : []),
    ...Object.entries(a.key ?? {}).map(
      ([k, v]) => /** @type {[string, unknown]} */ ([k, html`<span class="mono">${value(v)}</span>`]),
    ),
    ...Object.entries(a.fields ?? {}).map(([k, v]) => /** @type {[string, unknown]} */ ([k, value(v)])),
    ...(a.score === undefined ? [] : /** @type {[string, unknown][]} */ ([["Score", a.score]])),
    ...(a.assignee ? /** @type {[string, unknown][]} */ ([["Owner", a.assignee]]) : []),
    ...(a.suppressed ? /** @type {[string, unknown][]} */ ([["Folded into it", count(a.suppressed)]]) : []),
  ];
  const labels = Object.entries(a.labels ?? {});
  return html`<section aria-labelledby="facts">
    <h2 id="facts">Facts</h2>
    <dl class="facts">${facts.map(([k, v]) => html`<div key=${k}><dt>${k}</dt><dd>${v}</dd></div>`)}</dl>
    ${labels.length > 0 && html`<p class="labels">${labels.map(([k, v]) => html`<span key=${k} class="label">${k}=${v}</span> `)}</p>`}
  </section>`;
}

/** @param {{alert: Alert}} props */
function Comment({ alert: a }) {
  const send = async (/** @type {SubmitEvent} */ e) => {
    e.preventDefault();
    const form = /** @type {HTMLFormElement} */ (e.currentTarget);
    const comment = String(new FormData(form).get("comment") ?? "").trim();
    if (comment && (await triage([a], { comment }))) form.reset();
  };
  return html`<form class="comment" onSubmit=${send}>
    <label for="comment" class="sr">Comment</label>
    <input id="comment" name="comment" type="text" autocomplete="off" placeholder="Comment" />
    <button type="submit">Add</button>
  </form>`;
}
