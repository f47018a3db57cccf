// How the connection is, always in sight.

import { html } from "../../vendor/core.js";
import { loadGaps, missed } from "../alerts/store.js";
import { now } from "../clock.js";
import { link, retryNow } from "../feed/feed.js";
import { count } from "../format.js";

export function Pill() {
  const l = link.value;
  if (l.state === "reconnecting") {
    const s = Math.max(0, Math.ceil((l.retry - now.value) / 1000));
    return html`<button type="button" class="pill reconnecting" data-link="reconnecting" onClick=${retryNow} title="Try again now">
      <span aria-hidden="true">◐</span> RECONNECTING${" "}
      ${s ? html`<span class="num">${s} s</span>` : "…"}${" "}<small>(${count(missed.value)} missed)</small>
    </button>`;
  }
  if (missed.value) {
    return html`<button type="button" class="pill gap" data-link="gap" onClick=${loadGaps}>
      <span aria-hidden="true">▲</span> GAP <span class="num">${count(missed.value)}</span> — load
    </button>`;
  }
  if (l.state === "paused") {
    return html`<span class="pill" data-link="paused"><span aria-hidden="true">◌</span> PAUSED</span>`;
  }
  if (l.state === "connecting") {
    return html`<span class="pill connecting" data-link="connecting"><span aria-hidden="true">◌</span> CONNECTING</span>`;
  }
  const how = l.events ? "Over server-sent events: WebSockets do not get through" : "Over a WebSocket";
  return html`<span class="pill live" data-link="live" title=${how}
    ><span aria-hidden="true">●</span> LIVE <small>· <span class="num">${count(l.behind)}</span> behind</small></span
  >`;
}
