// A time twice: what the clock said at the event, and how long ago that is.

import { html } from "../../vendor/core.js";
import { now } from "../clock.js";
import { age, clock, whole } from "../format.js";

/** @param {{at: string | undefined}} props */
export function When({ at }) {
  if (!at) return html`<span class="when">—</span>`;
  return html`<time class="when" datetime=${at} title=${whole(at)}
    >${clock(at, now.value)} <span class="age">${age(at, now.value)}</span></time
  >`;
}
