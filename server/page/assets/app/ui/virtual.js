// A long list of rows of one height, of which only those in sight exist.

import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  useLayoutEffect,
  useRef,
  useState,
  Virtualizer,
} from "../../vendor/core.js";

/**
 * @param {{current: HTMLElement | null}} scroller
 * @param {number} count
 * @param {number} height px of a row
 * @param {number} above px in the scroller above the first row, which stays in sight
 * @param {(index: number) => string | number} keyOf
 */
export function useRows(scroller, count, height, above, keyOf) {
  const [, redraw] = useState(0);
  const kept = useRef(/** @type {Virtualizer<HTMLElement, HTMLElement> | null} */ (null));
  /** @type {import("../../vendor/core.js").VirtualizerOptions<HTMLElement, HTMLElement>} */
  const options = {
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    getItemKey: keyOf,
    overscan: 8,
    scrollMargin: above,
    scrollPaddingStart: above,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    onChange: () => redraw((n) => n + 1),
  };
  kept.current ??= new Virtualizer(options);
  const rows = kept.current;
  rows.setOptions(options);
  useLayoutEffect(() => rows._didMount(), []);
  useLayoutEffect(() => rows._willUpdate());
  return rows;
}
