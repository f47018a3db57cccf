// What else there was on the alert's key, and the rule that raised it.

import { html, signal, useEffect } from "../../vendor/core.js";
import { quoted } from "../alerts/filter.js";
import { call, query } from "../api.js";
import { keyText } from "../format.js";
import { SeverityMark } from "../ui/severity.js";
import { StateMark } from "../ui/state.js";
import { When } from "../ui/when.js";

/** @typedef {import("../types.js").Alert} Alert */

const OTHERS = 12; // alerts shown

const others = signal(/** @type {Alert[]} */ ([]));
const text = signal("");

/** @param {{alert: Alert}} props */
export function Context({ alert: a }) {
  const key = keyText(a.key);
  useEffect(() => {
    others.value = [];
    text.value = "";
    let over = false;
    if (key) {
      call("GET", `/alerts${query({ last: OTHERS + 1, key })}`).then(
        (got) => {
          if (!over)
            others.value = /** @type {Alert[]} */ (got.items)
              .filter((o) => o.seq !== a.seq)
              .toSorted((x, y) => y.seq - x.seq)
              .slice(0, OTHERS);
        },
        () => {}, // the alert stands without it
      );
    }
    call("GET", `/rules/${encodeURIComponent(a.rule)}`).then(
      (got) => {
        if (!over) text.value = got.text ?? "";
      },
      () => {}, // the rule may be gone
    );
    return () => {
      over = true;
    };
  }, [a.seq]);
  return html`${
    key &&
    html`<section aria-labelledby="others">
      <h2 id="others">Also on this key</h2>
      ${
        others.value.length
          ? html`<ul class="others">
              ${others.value.map(
                (o) =>
                  html`<li key=${o.seq}><${SeverityMark} of=${o.severity} /> <a href=${`/alerts/${o.seq}`}>${o.rule}</a> <${StateMark} alert=${o} /> <${When} at=${o.at} /></li>`,
              )}
            </ul>
            <p><a href=${`/${query({ q: `key=${quoted(key)}` })}`}>All of this key</a></p>`
          : html`<p class="hint">No other alert.</p>`
      }
    </section>`
  }
  ${text.value && html`<section aria-labelledby="rule-text"><h2 id="rule-text">Rule</h2><details class="json"><summary>Text of ${a.rule}</summary><pre tabindex="0">${text.value}</pre></details></section>`}`;
}
