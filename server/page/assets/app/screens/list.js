// The screen of the alerts as they happen.

import { html, useEffect } from "../../vendor/core.js";
import { Bar } from "../alerts/bar.js";
import { filtered, group, showAll } from "../alerts/filter.js";
import { Grid } from "../alerts/grid.js";
import { Groups } from "../alerts/groups.js";
import { filterError, fresh, loaded, rows } from "../alerts/store.js";
import { useKeys } from "../keys.js";
import { openHelp } from "../ui/help.js";
import { Empty } from "./empty.js";

export function List() {
  useEffect(() => {
    document.title = fresh.value.length ? `(${fresh.value.length}) Alerts · Weir` : "Alerts · Weir";
  }, [fresh.value.length]);
  useKeys({ "/": () => document.getElementById("filter")?.focus(), "?": openHelp });
  return html`<main class="list">
    <h1 class="sr">Alerts</h1>
    <${Bar} />
    <${Body} />
  </main>`;
}

function Body() {
  if (!loaded.value || filterError.value) return null;
  if (group.value === "rule") return html`<${Groups} />`;
  if (rows.value.length) return html`<${Grid} />`;
  if (filtered.value) {
    return html`<div class="none">
      <p>No alert passes this filter. Those that come and do will appear here.</p>
      <button type="button" onClick=${showAll}>Show all alerts</button>
    </div>`;
  }
  return html`<${Empty} />`;
}
