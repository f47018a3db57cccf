// The line on top of every screen: where one is, how the connection is, who
// one is.

import { html } from "../../vendor/core.js";
import { told } from "../api.js";
import { zoneName } from "../format.js";
import { theme, zone } from "../prefs.js";
import { place } from "../router.js";
import { logout, session } from "../session.js";
import { openHelp } from "./help.js";
import { Pill } from "./pill.js";
import { toast } from "./toast.js";

const screens = [
  ["/", "Alerts"],
  ["/silences", "Silences"],
  ["/pipeline", "Pipeline"],
];

const themes = /** @type {const} */ ({
  auto: ["light", "◑", "as the system"],
  light: ["dark", "○", "light"],
  dark: ["auto", "●", "dark"],
});

export function Top() {
  const path = place.value.path;
  const s = session.value;
  const [next, mark, word] = themes[theme.value];
  const at = (/** @type {string} */ to) =>
    to === "/" ? path === "/" || path.startsWith("/alerts") : path.startsWith(to);
  return html`<header class="top">
    <a class="brand" href="/"><img src="/assets/icon.svg" alt="" width="20" height="20" />Weir</a>
    <nav aria-label="Screens">
      ${screens.map(([to, name]) => html`<a key=${to} href=${to} aria-current=${at(to) ? "page" : undefined}>${name}</a>`)}
    </nav>
    <span class="grow"></span>
    <${Pill} />
    <button
      type="button"
      class="quiet"
      onClick=${() => {
        zone.value = zone.value === "utc" ? "local" : "utc";
      }}
      title="Times in UTC or of this machine"
      aria-label=${`Times are in ${zone.value === "utc" ? "UTC" : `local time, ${zoneName()}`}: switch`}
    >
      ${zone.value === "utc" ? "UTC" : zoneName()}
    </button>
    <button
      type="button"
      class="quiet icon"
      id="theme"
      onClick=${() => {
        theme.value = next;
      }}
      title=${`Theme: ${word}`}
      aria-label=${`Theme: ${word}. Switch`}
    >
      <span aria-hidden="true">${mark}</span>
    </button>
    <button type="button" class="quiet icon" onClick=${openHelp} aria-label="Keys and help" title="Keys and help (?)">?</button>
    ${
      s?.name &&
      html`<span class="who" title=${`Role: ${s.role}`}>${s.name}</span>
      ${s.login && html`<button type="button" class="quiet" onClick=${() => logout().catch((e) => toast(told(e)))}>Log out</button>`}`
    }
  </header>`;
}
