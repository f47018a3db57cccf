// How long to wait before the next try: longer each time, and never in step
// with other pages that lost the same server.

const FIRST = 400; // ms
const MOST = 20_000; // ms

/**
 * @param {number} tries that failed in a row, from 1
 * @param {() => number} [random] 0 to 1
 * @returns {number} ms
 */
export function backoff(tries, random = Math.random) {
  const most = Math.min(MOST, FIRST * 2 ** (tries - 1));
  return most / 2 + (most / 2) * random();
}
