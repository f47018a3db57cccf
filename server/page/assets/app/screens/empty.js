// What stands here before the first alert: three ways to one.

import { html, useEffect, useState } from "../../vendor/core.js";
import { call } from "../api.js";
import { Copyable } from "../ui/copy.js";
import { pipeline } from "../ui/health.js";

const RULE = `event Auth {
  id id
  time at
  id: string
  at: timestamp
  card_id: string
  amount: money(USD)
}

source web of Auth from http { order: arrival }

rule big_payment "A big payment" {
  by card_id
  on Auth when amount > 5000.00 USD
  alert {
    severity high
    message "Card {card_id} paid {amount}"
  }
}`;

export function Empty() {
  const taken = (pipeline.value?.sources ?? [])
    .flatMap((/** @type {any} */ s) => s.partitions ?? [])
    .reduce((/** @type {number} */ n, /** @type {any} */ p) => n + p.events, 0);
  const [rules, setRules] = useState(/** @type {string[]} */ ([]));
  useEffect(() => {
    call("GET", "/rules").then(
      (got) => setRules((got.items ?? []).map((/** @type {any} */ r) => r.name)),
      () => {}, // what stands here helps without it, too
    );
  }, []);
  const event = `{"type":"Auth","id":"a1","card_id":"c1","amount":"9000.00 USD","at":"${new Date().toISOString().slice(0, 19)}Z"}`;
  const curl = `curl --data-binary '${event}' ${location.origin}/api/v1/events`;
  return html`<section class="empty" aria-labelledby="empty">
    <h2 id="empty">No alerts yet</h2>
    <p>
      ${taken ? `${taken.toLocaleString("en-GB")} events were taken in` : "No event has come in"}${rules.length ? `, ${rules.length === 1 ? "1 rule runs" : `${rules.length} rules run`}.` : "."} An alert appears here the moment it is raised.
    </p>
    <div class="ways">
      <article>
        <h3>Run the demo</h3>
        <p>Cards, logins and sensors, simulated, with the rules of the library: the first alert comes within seconds.</p>
        <${Copyable} label="way-demo" text="weir demo" />
      </article>
      <article>
        <h3>Connect a source</h3>
        <p>Post one event to see it arrive. The fields are those of your rules' events.</p>
        <${Copyable} label="way-curl" text=${curl} />
      </article>
      <article>
        <h3>Write a rule</h3>
        <p>Save this as <code>my.cep</code>, and run it.</p>
        <${Copyable} label="way-rule" text=${RULE} />
        <${Copyable} label="way-serve" text="weir serve my.cep" />
      </article>
    </div>
  </section>`;
}
