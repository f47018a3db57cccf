// The alerts counted by rule: which rules are loud, and how much of it is open.

import { html, signal, useEffect } from "../../vendor/core.js";
import { call, query, told } from "../api.js";
import { count } from "../format.js";
import { ask } from "../router.js";
import { SeverityMark } from "../ui/severity.js";
import { When } from "../ui/when.js";
import { filter } from "./filter.js";
import { changed, rows } from "./store.js";

/** @typedef {import("../types.js").Group} Group */

const AGAIN = 1000; // ms between two counts at least

const groups = signal(/** @type {Group[] | null} */ (null));
const wrong = signal("");
const cut = signal(false);

export function Groups() {
  const asked = filter.value;
  const newest = rows.value[0]?.seq ?? 0;
  useEffect(() => {
    let over = false;
    const timer = setTimeout(
      async () => {
        try {
          const got = await call("GET", `/alerts/groups${query({ by: "rule", filter: asked })}`);
          if (over) return;
          groups.value = got.items ?? [];
          cut.value = got.back > 1;
          wrong.value = "";
        } catch (e) {
          if (!over) wrong.value = told(e);
        }
      },
      groups.peek() === null ? 0 : AGAIN,
    );
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [asked, newest, changed.value]);
  if (wrong.value) return html`<p class="wrong" role="alert">${wrong.value}</p>`;
  const list = groups.value;
  if (!list) return null;
  const most = Math.max(1, ...list.map((g) => g.alerts));
  return html`<div class="groups" tabindex="0" role="region" aria-label="Alerts by rule">
    <table>
      <thead>
        <tr><th>Rule</th><th>Highest</th><th class="right">Alerts</th><th class="right">Open</th><th aria-hidden="true"></th><th>Last</th></tr>
      </thead>
      <tbody>
        ${list.map(
          (g) => html`<tr key=${g.rule}>
            <td><button type="button" class="link" onClick=${() => ask({ rule: g.rule, group: "" })}>${g.rule}</button></td>
            <td><${SeverityMark} of=${g.severity} /></td>
            <td class="right num">${count(g.alerts)}</td>
            <td class="right num">${count(g.open)}</td>
            <td class="meter" aria-hidden="true"><svg width="160" height="8"><rect class="all" width=${(160 * g.alerts) / most} height="8" rx="2" /><rect class="open" width=${(160 * g.open) / most} height="8" rx="2" /></svg></td>
            <td><${When} at=${g.last} /></td>
          </tr>`,
        )}
      </tbody>
    </table>
    ${cut.value && html`<p class="hint">Only the newest alerts were counted.</p>`}
  </div>`;
}
