// The screen of silences: what is kept from the sinks, why, until when.

import { html, signal, useEffect } from "../../vendor/core.js";
import { call, told } from "../api.js";
import { count, whole } from "../format.js";
import { useKeys } from "../keys.js";
import { go } from "../router.js";
import { may } from "../session.js";
import { openHelp } from "../ui/help.js";
import { toast } from "../ui/toast.js";

/** @typedef {import("../types.js").Silence} Silence */

const EVERY = 5000; // ms

const silences = signal(/** @type {Silence[] | null} */ (null));
const wrong = signal("");

async function load() {
  try {
    silences.value = (await call("GET", "/silences")).items;
    wrong.value = "";
  } catch (e) {
    wrong.value = told(e);
  }
}

export function Silences() {
  useKeys({ Escape: () => go("/"), "?": openHelp });
  useEffect(() => {
    document.title = "Silences · Weir";
    void load();
    const timer = setInterval(load, EVERY);
    return () => clearInterval(timer);
  }, []);
  const list = silences.value;
  return html`<main class="pipeline">
    <h1>Silences</h1>
    <p class="hint">Alerts that one fits stay in the log and in the list. They are not sent to anybody.</p>
    ${wrong.value && html`<p class="wrong" role="alert">${wrong.value}</p>`}
    ${list?.length === 0 && html`<p>Nothing is silenced. In the list, <kbd>s</kbd> silences an alert's rule, key or both.</p>`}
    ${list !== null && list.length > 0 && html`<${Table} list=${list} />`}
  </main>`;
}

/** @param {{list: Silence[]}} props */
function Table({ list }) {
  return html`<section>
    <div class="scroll" tabindex="0" role="region" aria-label="Silences">
      <table>
        <thead><tr><th>Rule</th><th>Key</th><th>Labels</th><th>Reason</th><th>By</th><th>From</th><th>Until</th><th class="right">Alerts kept</th><th><span class="sr">End it</span></th></tr></thead>
        <tbody>
          ${list.map(
            (s) => html`<tr key=${s.id}>
              <td>${s.rule ? html`<b>${s.rule}</b>` : html`<span class="hint">every rule</span>`}</td>
              <td>${s.key ? html`<span class="mono">${s.key}</span>` : html`<span class="hint">every key</span>`}</td>
              <td class="mono">${Object.entries(s.labels ?? {}).map(([k, v]) => `${k}=${v} `)}</td>
              <td>${s.reason}</td>
              <td>${s.by}</td>
              <td class="num">${whole(s.starts)}</td>
              <td class="num">${whole(s.ends)}</td>
              <td class="right num">${count(s.alerts)}</td>
              <td>${may("analyst") && html`<button type="button" aria-label=${`End the silence of ${s.rule ?? "every rule"}, ${s.key ?? "every key"}`} onClick=${() => end(s)}>End</button>`}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

/** @param {Silence} s */
async function end(s) {
  try {
    await call("DELETE", `/silences/${encodeURIComponent(s.id)}`);
    toast("Its alerts are sent again");
  } catch (e) {
    toast(`It was not ended: ${told(e)}`);
  }
  await load();
}
