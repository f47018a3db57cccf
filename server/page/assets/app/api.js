// The HTTP API, called as a script would call it: what the page may do is
// decided by the server alone.

import { signal } from "../vendor/core.js";

/** Whether the server has said that it wants to know who this is. */
export const refused = signal(false);

/** What the server answered instead of what was asked for. */
export class ApiError extends Error {
  /**
   * @param {number} status 0: no answer came
   * @param {{code?: string, message?: string, hint?: string}} said
   */
  constructor(status, said) {
    super(said.message || `the server answered ${status}`);
    this.status = status;
    this.code = said.code || "";
    this.hint = said.hint || "";
  }
}

/**
 * Asks the server. It throws an ApiError for every answer that is none.
 * @param {string} method
 * @param {string} path below /api/v1
 * @param {unknown} [body]
 * @returns {Promise<any>}
 */
export async function call(method, path, body) {
  /** @type {RequestInit} */
  const init = { method, headers: { Accept: "application/json" }, credentials: "same-origin" };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { ...init.headers, "Content-Type": "application/json" };
  }
  let answer;
  try {
    answer = await fetch(`/api/v1${path}`, init);
  } catch {
    throw new ApiError(0, { code: "unreachable", message: "Weir does not answer", hint: "is it running?" });
  }
  const text = await answer.text();
  let told = null;
  try {
    told = text ? JSON.parse(text) : null;
  } catch {
    throw new ApiError(answer.status, { message: `the answer to ${path} is no JSON` });
  }
  if (!answer.ok) {
    if (answer.status === 401) refused.value = true;
    throw new ApiError(answer.status, told?.error ?? {});
  }
  return told;
}

/**
 * A query string of what is not empty.
 * @param {Record<string, string | number | undefined>} of
 */
export function query(of) {
  const q = new URLSearchParams();
  for (const [name, v] of Object.entries(of)) if (v !== undefined && v !== "") q.set(name, String(v));
  const text = q.toString();
  return text ? `?${text}` : "";
}

/**
 * An error as one sentence for people.
 * @param {unknown} e
 */
export function told(e) {
  if (e instanceof ApiError && e.hint) return `${e.message} (${e.hint})`;
  return e instanceof Error ? e.message : String(e);
}
