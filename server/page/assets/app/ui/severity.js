// A severity as a shape, a word and a colour: any one of them says it.

import { html } from "../../vendor/core.js";

/** @type {Record<import("../types.js").Severity, [string, string]>} shape as a path in a box of 12, word */
const looks = {
  critical: ["M6 .5 11.5 6 6 11.5.5 6z", "Critical"],
  high: ["M6 1 11.5 11H.5z", "High"],
  medium: ["M1.5 1.5h9v9h-9z", "Medium"],
  low: ["M6 1a5 5 0 1 0 0 10A5 5 0 0 0 6 1z", "Low"],
  info: ["M1 5h10v2H1z", "Info"],
};

/** @param {{of: import("../types.js").Severity}} props */
export function SeverityMark({ of }) {
  const [path, word] = looks[of] ?? looks.medium;
  return html`<span class=${`severity ${of}`}>
    <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true"><path d=${path} /></svg>${word}
  </span>`;
}
