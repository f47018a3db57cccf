// The screen of an address that is none.

import { html, useEffect } from "../../vendor/core.js";

export function Nothing() {
  useEffect(() => {
    document.title = "Nothing here · Weir";
  }, []);
  return html`<main class="none"><h1>There is nothing here</h1><p><a href="/">To the alerts</a></p></main>`;
}
