// Who was told of an alert, and how the attempts went.

import { html } from "../../vendor/core.js";
import { call, told } from "../api.js";
import { now } from "../clock.js";
import { age, count, plural, whole } from "../format.js";
import { may } from "../session.js";
import { toast } from "../ui/toast.js";

/** @typedef {import("../types.js").Delivery} Delivery */

const looks = { delivered: ["✓", "delivered"], pending: ["◌", "to be sent"], dead: ["✕", "given up"] };

/** @param {{list: Delivery[], again: () => Promise<void>}} props */
export function Deliveries({ list, again }) {
  if (!list.length) {
    return html`<section aria-labelledby="deliveries"><h2 id="deliveries">Deliveries</h2>
      <p class="hint">None by webhook. The alert is in the log and on the feed.</p></section>`;
  }
  return html`<section aria-labelledby="deliveries">
    <h2 id="deliveries">Deliveries</h2>
    <ul class="deliveries">${list.map((d) => html`<${One} key=${`${d.sink}/${d.id}`} delivery=${d} again=${again} />`)}</ul>
  </section>`;
}

/** @param {{delivery: Delivery, again: () => Promise<void>}} props */
function One({ delivery: d, again }) {
  const [mark, word] = looks[d.state] ?? ["?", d.state];
  const send = async () => {
    try {
      await call("POST", "/deliveries/retry", { sink: d.sink, ids: [d.id] });
      toast(`Sent again to ${d.sink}`);
      await again();
    } catch (e) {
      toast(`It was not sent again: ${told(e)}`);
    }
  };
  const last = d.attempts?.at(-1);
  return html`<li class=${d.state}>
    <div class="what">
      <span class="mark" aria-hidden="true">${mark}</span> <b>${d.sink}</b> <span>${word}</span>
      <span class="hint">${d.type} · ${plural(d.tries, "try", "tries")}${d.state === "pending" && d.next ? ` · next ${age(d.next, now.value)}` : ""}</span>
      <span class="grow"></span>
      ${may("analyst") && html`<button type="button" onClick=${send}>Send again</button>`}
    </div>
    ${(d.reason || last?.error) && d.state !== "delivered" && html`<p class="wrong">${d.reason || last?.error}</p>`}
    ${
      d.attempts?.length
        ? html`<details class="json">
            <summary>${plural(d.attempts.length, "attempt")}</summary>
            <table>
              <thead><tr><th>At</th><th>Took</th><th>Status</th><th>Answer</th></tr></thead>
              <tbody>
                ${d.attempts.map(
                  (t, i) => html`<tr key=${i}>
                    <td class="num">${whole(t.at)}</td>
                    <td class="num">${t.seconds === undefined ? "" : `${count(Math.round(t.seconds * 1000))} ms`}</td>
                    <td class="num">${t.status || "—"}</td>
                    <td class="mono">${t.error || t.response || ""}</td>
                  </tr>`,
                )}
              </tbody>
            </table>
          </details>`
        : ""
    }
  </li>`;
}
