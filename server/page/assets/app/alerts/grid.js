// The list of alerts: rows that are there when they are in sight, worked with
// keys, the pointer or a screen reader.

import { html, useEffect, useRef } from "../../vendor/core.js";
import { useKeys } from "../keys.js";
import { openAlert } from "../router.js";
import { openHelp } from "../ui/help.js";
import { takeOffer } from "../ui/toast.js";
import { useRows } from "../ui/virtual.js";
import { Heads, ROW, Row, select } from "./row.js";
import { askScrolled, current, hold, more, older, rows, selected, showNew } from "./store.js";
import { acknowledge, aim, asking } from "./triage.js";

const HEAD = 30; // px

/** Where the list was scrolled to when an alert was opened from it. */
let left = 0;

export function Grid() {
  const scroller = useRef(/** @type {HTMLElement | null} */ (null));
  const list = rows.value;
  const view = useRows(scroller, list.length, ROW, HEAD, (i) => list[i]?.seq ?? i);
  const items = view.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;

  useEffect(() => {
    if (last > list.length - 40 && list.length > 0) void more();
  }, [last, list.length, older.value]);

  useEffect(() => {
    const el = scroller.current;
    if (!el) return;
    el.scrollTop = left;
    el.focus({ preventScroll: true });
    askScrolled(() => el.scrollTop > 0);
    return () => {
      left = el.scrollTop;
      askScrolled(() => false);
      hold("pointer", false);
      hold("scroll", false);
    };
  }, []);

  /** @param {number} i */
  const to = (i) => {
    const at = Math.max(0, Math.min(list.length - 1, i));
    if (!list[at]) return;
    current.value = list[at].seq;
    view.scrollToIndex(at, { align: "auto" });
  };
  const here = () => list.findIndex((a) => a.seq === current.value);
  const step = (/** @type {number} */ by) => to(here() < 0 ? 0 : here() + by);
  const page = () => Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / ROW) - 2);
  const top = () => {
    showNew();
    if (scroller.current) scroller.current.scrollTop = 0;
  };
  const ask = (/** @type {"close" | "silence" | "assign"} */ what) => {
    const alerts = aim();
    if (alerts.length) asking.value = { what, alerts };
  };

  useKeys({
    j: () => step(1),
    ArrowDown: () => step(1),
    k: () => step(-1),
    ArrowUp: () => step(-1),
    PageDown: () => step(page()),
    PageUp: () => step(-page()),
    Home: () => to(0),
    End: () => to(list.length - 1),
    Enter: () => current.value !== null && openAlert(current.value),
    x: () => current.value !== null && select(current.value),
    " ": () => current.value !== null && select(current.value),
    a: () => void acknowledge(aim()),
    c: () => ask("close"),
    o: () => ask("assign"),
    s: () => ask("silence"),
    n: top,
    u: () => takeOffer(),
    "/": () => document.getElementById("filter")?.focus(),
    "?": openHelp,
    Escape: () => {
      if (selected.value.size) selected.value = new Set();
      else current.value = null;
    },
  });

  const active = current.value !== null && items.some((i) => list[i.index]?.seq === current.value);
  return html`<div
    class="grid"
    ref=${scroller}
    role="grid"
    tabindex="0"
    aria-label="Alerts, newest first"
    aria-multiselectable="true"
    aria-rowcount=${older.value === "end" ? list.length + 1 : -1}
    aria-activedescendant=${active ? `alert-${current.value}` : undefined}
    onPointerEnter=${(/** @type {PointerEvent} */ e) => e.pointerType === "mouse" && hold("pointer", true)}
    onPointerLeave=${() => hold("pointer", false)}
    onScroll=${() => hold("scroll", (scroller.current?.scrollTop ?? 0) > 0)}
  >
    <div role="rowgroup"><${Heads} /></div>
    <div role="rowgroup" class="rows" style=${{ height: `${view.getTotalSize()}px` }}>
      ${items.map((i) => {
        const a = list[i.index];
        return a && html`<${Row} key=${a.seq} alert=${a} index=${i.index} top=${i.start - HEAD} />`;
      })}
    </div>
  </div>`;
}
