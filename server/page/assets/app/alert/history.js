// What people did about an alert.

import { html } from "../../vendor/core.js";
import { When } from "../ui/when.js";

/** @typedef {import("../types.js").Action} Action */

const words = /** @type {Record<string, string>} */ ({
  acknowledge: "acknowledged it",
  close: "closed it",
  reopen: "opened it again",
  assign: "assigned it",
  comment: "commented",
  silence: "silenced it",
  unsilence: "ended its silence",
});

/** @param {{list: Action[]}} props */
export function History({ list }) {
  return html`<section aria-labelledby="history">
    <h2 id="history">History</h2>
    ${
      list.length
        ? html`<ol class="history">
            ${list.map(
              (a) => html`<li key=${a.action}>
                <${When} at=${a.at} /> <b>${a.by || "somebody"}</b> ${words[a.kind] ?? a.kind}${a.outcome ? html` as <b>${a.outcome}</b>` : ""}${
                  a.kind === "assign" ? html` to <b>${a.assignee || "nobody"}</b>` : ""
                }
                ${a.comment && html`<q>${a.comment}</q>`}
              </li>`,
            )}
          </ol>`
        : html`<p class="hint">Nobody has done anything about it yet.</p>`
    }
  </section>`;
}
