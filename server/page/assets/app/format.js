// How things are written: times, ages, numbers, values of events.

import { zone } from "./prefs.js";

/** @typedef {import("./types.js").Severity} Severity */

const two = (/** @type {number} */ n) => String(n).padStart(2, "0");

/**
 * Nanoseconds of RFC 3339 are cut to what a clock shows.
 * @param {string} at RFC 3339
 */
function parts(at) {
  const d = new Date(at);
  if (zone.value === "utc") {
    const iso = d.toISOString();
    return { day: iso.slice(0, 10), time: iso.slice(11, 19), ms: iso.slice(19, 23) };
  }
  return {
    day: `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`,
    time: `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`,
    ms: `.${String(d.getMilliseconds()).padStart(3, "0")}`,
  };
}

/** A time of today as a clock's, else with its day. @param {string} at @param {number} now ms */
export function clock(at, now) {
  if (!at) return "";
  const p = parts(at);
  return p.day === parts(new Date(now).toISOString()).day ? p.time : `${p.day} ${p.time}`;
}

/** The whole of a time. @param {string | undefined} at */
export function whole(at) {
  if (!at) return "";
  const p = parts(at);
  const ms = p.ms === ".000" ? "" : p.ms;
  return `${p.day} ${p.time}${ms} ${zone.value === "utc" ? "UTC" : zoneName()}`;
}

export function zoneName() {
  const min = -new Date().getTimezoneOffset();
  return `UTC${min < 0 ? "−" : "+"}${two(Math.floor(Math.abs(min) / 60))}:${two(Math.abs(min) % 60)}`;
}

/**
 * A span of time in at most two units: "12 s", "4 min 12 s", "3 d 2 h".
 * @param {number} ms
 */
export function span(ms) {
  const s = Math.abs(ms) / 1000;
  if (s < 1) return `${Math.round(Math.abs(ms))} ms`;
  if (s < 10 && s % 1 >= 0.05) return `${s.toFixed(1)} s`;
  if (s < 60) return `${Math.floor(s)} s`;
  const units = /** @type {[number, string][]} */ ([
    [86400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"],
  ]);
  const i = units.findIndex(([size]) => s >= size);
  const [size, name] = units[i];
  const whole = Math.floor(s / size);
  if (i + 1 >= units.length) return `${whole} ${name}`;
  const [small, smallName] = units[i + 1];
  const rest = Math.floor((s - whole * size) / small);
  return rest ? `${whole} ${name} ${rest} ${smallName}` : `${whole} ${name}`;
}

/** How long ago, in one unit: "12 s". @param {string | undefined} at @param {number} now ms */
export function age(at, now) {
  if (!at) return "";
  const s = Math.floor((now - Date.parse(at)) / 1000);
  if (s < -1) return `in ${coarse(-s)}`;
  if (s <= 0) return "now";
  return coarse(s);
}

/** @param {number} s */
function coarse(s) {
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400 * 2) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86400)} d`;
}

/** @param {number} n */
export const count = (n) => n.toLocaleString("en-GB");

/** @param {number} n @param {string} one @param {string} [many] */
export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

/** A value of an event or a field as people read it. @param {unknown} v */
export function value(v) {
  if (v === null || v === undefined) return "—";
  if (typeof v === "object") return JSON.stringify(v);
  return String(v);
}

/** The key of an alert as one text, as filters take it. @param {Record<string, unknown> | undefined} key */
export const keyText = (key) =>
  Object.values(key ?? {})
    .map(value)
    .join(", ");

/** From least to most. */
export const severities = /** @type {Severity[]} */ (["info", "low", "medium", "high", "critical"]);

/** @param {number} n */
export function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let i = 0;
  for (; n >= 1024 && i + 1 < units.length; i++) n /= 1024;
  return `${i === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${units[i]}`;
}
