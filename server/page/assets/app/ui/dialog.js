// A dialog over the page: the browser keeps the focus in it, ends it with Esc
// and gives the focus back.

import { html, useEffect, useRef } from "../../vendor/core.js";

/**
 * @param {{title: string, onClose: () => void, children?: import("../../vendor/core.js").ComponentChildren, wide?: boolean}} props
 */
export function Dialog({ title, onClose, children, wide }) {
  const ref = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => {
    const from = document.activeElement;
    ref.current?.showModal();
    return () => {
      if (from instanceof HTMLElement && from.isConnected) from.focus();
    };
  }, []);
  const outside = (/** @type {MouseEvent} */ e) => {
    if (e.target === ref.current) onClose();
  };
  // At once, and not when the browser gets to it: the next key may ask the next thing.
  const left = (/** @type {Event} */ e) => {
    e.preventDefault();
    onClose();
  };
  return html`<dialog ref=${ref} class=${wide ? "wide" : ""} aria-labelledby="dialog-title" onCancel=${left} onClose=${onClose} onMouseDown=${outside}>
    <div class="dialog">
      <header>
        <h2 id="dialog-title">${title}</h2>
        <button type="button" class="quiet icon" aria-label="Close this dialog" onClick=${onClose}>×</button>
      </header>
      ${children}
    </div>
  </dialog>`;
}
