// Who looks at the page, and what they may do.

import { effect, signal } from "../vendor/core.js";
import { ApiError, call, refused } from "./api.js";

/** @typedef {import("./types.js").Session} Session */

/** Null: the server has not been heard yet. */
export const session = signal(/** @type {Session | null} */ (null));

/** Whether somebody must log in before anything is shown. */
export const locked = signal(false);

const ranks = ["viewer", "analyst", "author", "approver", "operator", "admin"];

/**
 * Whether who looks may do what a role may.
 * @param {string} role
 */
export function may(role) {
  const s = session.value;
  return s !== null && ranks.indexOf(s.role) >= ranks.indexOf(role);
}

/** Asks the server who this is. It returns false where it does not answer. */
export async function whoAmI() {
  try {
    const s = await call("GET", "/session");
    session.value = s;
    locked.value = s.login === true && !s.name;
    refused.value = false;
  } catch (e) {
    if (!(e instanceof ApiError) || e.status !== 401) return false;
    session.value = { name: "", role: "", login: true };
    locked.value = true;
    refused.value = false;
  }
  return true;
}

/** @param {string} token */
export async function login(token) {
  await call("POST", "/session", { token });
  await whoAmI();
}

export async function logout() {
  await call("DELETE", "/session");
  await whoAmI();
}

// A session that ended while the page was open shows the login again.
effect(() => {
  if (refused.value && session.peek() !== null) {
    locked.value = true;
  }
});
