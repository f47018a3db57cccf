// Types of core.js, for the checks of the page's code.
import type { ComponentChild, VNode } from "preact";

export {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
  type VirtualizerOptions,
} from "@tanstack/virtual-core";
export { batch, computed, effect, type ReadonlySignal, type Signal, signal, useSignal } from "@preact/signals";
export { type ComponentChild, type ComponentChildren, render, type VNode } from "preact";
export { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

export function html(strings: TemplateStringsArray, ...values: unknown[]): VNode;
