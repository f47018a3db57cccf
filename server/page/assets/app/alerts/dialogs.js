// The questions that closing, assigning and silencing ask.

import { html, useState } from "../../vendor/core.js";
import { told } from "../api.js";
import { keyText, plural } from "../format.js";
import { session } from "../session.js";
import { Dialog } from "../ui/dialog.js";
import { SeverityMark } from "../ui/severity.js";
import { asking, outcomes, silence, triage } from "./triage.js";

/** @typedef {import("../types.js").Alert} Alert */

export function Asked() {
  const a = asking.value;
  if (!a?.alerts.length) return null;
  if (a.what === "close") return html`<${CloseDialog} alerts=${a.alerts} />`;
  if (a.what === "assign") return html`<${AssignDialog} alerts=${a.alerts} />`;
  return html`<${SilenceDialog} alert=${a.alerts[0]} />`;
}

const done = () => {
  asking.value = null;
};

/** What the question is about. @param {{alerts: Alert[]}} props */
function About({ alerts }) {
  const [a] = alerts;
  if (alerts.length > 1) return html`<p class="about">${plural(alerts.length, "alert")}</p>`;
  return html`<p class="about"><${SeverityMark} of=${a.severity} /> <b>${a.rule}</b> <span class="mono">${keyText(a.key)}</span></p>`;
}

/** @param {{alerts: Alert[]}} props */
function CloseDialog({ alerts }) {
  const [outcome, setOutcome] = useState(outcomes[0][0]);
  const [comment, setComment] = useState("");
  const submit = async (/** @type {Event} */ e) => {
    e.preventDefault();
    const change = comment ? { comment } : {};
    if (await triage(alerts, { state: "closed", outcome, ...change })) done();
  };
  return html`<${Dialog} title="Close: what was it?" onClose=${done}>
    <${About} alerts=${alerts} />
    <form onSubmit=${submit}>
      <fieldset class="choices">
        <legend class="sr">Outcome</legend>
        ${outcomes.map(
          ([name, text], i) => html`<label key=${name} class="choice">
            <input type="radio" name="outcome" value=${name} checked=${outcome === name} autofocus=${i === 0} onChange=${() => setOutcome(name)} />
            ${text}
          </label>`,
        )}
      </fieldset>
      <label class="field">Comment <input type="text" value=${comment} onInput=${read(setComment)} autocomplete="off" /></label>
      <div class="buttons"><button type="submit" class="primary">Close ${plural(alerts.length, "alert")}</button></div>
    </form>
  <//>`;
}

/** @param {{alerts: Alert[]}} props */
function AssignDialog({ alerts }) {
  const [owner, setOwner] = useState(session.value?.name ?? "");
  const submit = async (/** @type {Event} */ e) => {
    e.preventDefault();
    if (await triage(alerts, { assignee: owner.trim() })) done();
  };
  return html`<${Dialog} title="Assign: whose is it?" onClose=${done}>
    <${About} alerts=${alerts} />
    <form onSubmit=${submit}>
      <label class="field">Owner <input type="text" autofocus value=${owner} onFocus=${(/** @type {FocusEvent} */ e) => /** @type {HTMLInputElement} */ (e.target).select()} onInput=${read(setOwner)} autocomplete="off" placeholder="nobody" /></label>
      <div class="buttons"><button type="submit" class="primary">Assign ${plural(alerts.length, "alert")}</button></div>
    </form>
  <//>`;
}

/** Times that a silence may last. */
const times = ["1h", "4h", "24h", "168h", "720h"];
const timeNames = ["1 hour", "4 hours", "24 hours", "7 days", "30 days"];

/** @param {{alert: Alert}} props */
function SilenceDialog({ alert }) {
  const key = keyText(alert.key);
  const [scope, setScope] = useState(key ? "both" : "rule");
  const [time, setTime] = useState("24h");
  const [reason, setReason] = useState("");
  const [wrong, setWrong] = useState("");
  const submit = async (/** @type {Event} */ e) => {
    e.preventDefault();
    try {
      await silence({
        ...(scope !== "key" ? { rule: alert.rule } : {}),
        ...(scope !== "rule" ? { key } : {}),
        reason,
        for: time,
      });
      done();
    } catch (e) {
      setWrong(told(e));
    }
  };
  const scopes = [
    ...(key ? [["both", html`Rule <b>${alert.rule}</b> on key <span class="mono">${key}</span>`]] : []),
    ["rule", html`Rule <b>${alert.rule}</b> on every key`],
    ...(key ? [["key", html`Every rule on key <span class="mono">${key}</span>`]] : []),
  ];
  return html`<${Dialog} title="Silence" onClose=${done}>
    <p class="hint">Alerts that are silenced stay in the log and in this list. They are not sent to anybody.</p>
    <form onSubmit=${submit}>
      <fieldset class="choices">
        <legend class="sr">What is silenced</legend>
        ${scopes.map(
          ([name, text]) => html`<label key=${name} class="choice">
            <input type="radio" name="scope" value=${name} checked=${scope === name} onChange=${() => setScope(/** @type {string} */ (name))} />
            <span>${text}</span>
          </label>`,
        )}
      </fieldset>
      <label class="field"
        >For
        <select value=${time} onChange=${read(setTime)}>
          ${times.map((t, i) => html`<option key=${t} value=${t}>${timeNames[i]}</option>`)}
        </select>
      </label>
      <label class="field"
        >Reason
        <input type="text" required autofocus value=${reason} onInput=${read(setReason)} autocomplete="off" placeholder="known tester, ticket 4711 …" />
      </label>
      ${wrong && html`<p class="wrong" role="alert">${wrong}</p>`}
      <div class="buttons"><button type="submit" class="primary">Silence</button></div>
    </form>
  <//>`;
}

/** Hands on what is typed. @param {(text: string) => void} set */
const read = (set) => (/** @type {Event} */ e) => set(/** @type {HTMLInputElement} */ (e.target).value);
