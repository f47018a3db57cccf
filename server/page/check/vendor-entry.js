// What the page takes from others, in one module. vendor.sh bundles it to
// ../assets/vendor/core.js.
import htm from "htm";
import { h } from "preact";

export { batch, computed, effect, signal, useSignal } from "@preact/signals";
export {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
} from "@tanstack/virtual-core";
export { render } from "preact";
export { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

export const html = htm.bind(h);
