// The page: who is there, then the screen that the address names.

import { effect, html, render, useEffect } from "../vendor/core.js";
import { Asked } from "./alerts/dialogs.js";
import { start } from "./alerts/store.js";
import { spoken } from "./announce.js";
import { link } from "./feed/feed.js";
import { place } from "./router.js";
import { AlertScreen } from "./screens/alert.js";
import { List } from "./screens/list.js";
import { Login } from "./screens/login.js";
import { Nothing } from "./screens/nothing.js";
import { Pipeline } from "./screens/pipeline.js";
import { Silences } from "./screens/silences.js";
import { locked, session, whoAmI } from "./session.js";
import { HealthLine } from "./ui/health.js";
import { Help } from "./ui/help.js";
import { Toast } from "./ui/toast.js";
import { Top } from "./ui/top.js";

function Screen() {
  const { path } = place.value;
  const alert = /^\/alerts\/(\d+)$/.exec(path);
  if (alert) return html`<${AlertScreen} seq=${Number(alert[1])} />`;
  if (path === "/pipeline") return html`<${Pipeline} />`;
  if (path === "/silences") return html`<${Silences} />`;
  if (path === "/" || path === "/alerts") return html`<${List} />`;
  return html`<${Nothing} />`;
}

/** All of it, for somebody whom the server knows. */
function Console() {
  useEffect(start, []);
  return html`<${Top} /><${HealthLine} /><${Screen} /><${Asked} /><${Help} /><${Toast} />
    <div class="sr" aria-live="polite" id="spoken">${spoken.value}</div>`;
}

function Page() {
  if (locked.value) return html`<${Login} />`;
  return session.value ? html`<${Console} />` : html`<p class="boot" role="status">Waiting for Weir…</p>`;
}

// A connection that was lost may have been a session that ended.
effect(() => {
  if (link.value.state === "reconnecting") void whoAmI();
});

async function begin() {
  while (!(await whoAmI())) await new Promise((done) => setTimeout(done, 1000));
}

render(html`<${Page} />`, /** @type {HTMLElement} */ (document.getElementById("page")));
void begin();
