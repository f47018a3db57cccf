// The two ways to the feed. Both hand over the same messages.

/**
 * @typedef {object} Sub what is asked for
 * @property {string} filter
 * @property {number | null} after number of the last alert that is known; null: begin with a snapshot
 * @property {number} actions number of the last action that is known
 * @property {number} snapshot alerts in the snapshot at most
 */

/**
 * @typedef {object} Events
 * @property {() => void} opened
 * @property {(message: any) => void} message
 * @property {(everOpened: boolean) => void} closed once, at the end
 */

const EVERY = 100; // ms; frames need not come closer, nobody reads faster

/**
 * A WebSocket, for as long as it lasts. The function that is returned ends it.
 * @param {Sub} sub
 * @param {Events} on
 * @returns {() => void}
 */
export function overWebSocket(sub, on) {
  const url = new URL("/api/v1/stream", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const ws = new WebSocket(url);
  let open = false;
  let over = false;
  const end = () => {
    if (over) return;
    over = true;
    ws.close();
    on.closed(open);
  };
  ws.onopen = () => {
    open = true;
    /** @type {Record<string, unknown>} */
    const ask = { op: "sub", id: "a", topic: "alerts", every: EVERY };
    if (sub.filter) ask.filter = sub.filter;
    if (sub.after === null) ask.snapshot = sub.snapshot;
    else {
      ask.after = sub.after;
      ask.actions = sub.actions;
    }
    ws.send(JSON.stringify(ask));
    on.opened();
  };
  ws.onmessage = (e) => {
    if (!over) on.message(JSON.parse(e.data));
  };
  ws.onerror = end;
  ws.onclose = end;
  return () => {
    over = true;
    ws.close();
  };
}

/**
 * Server-sent events, for where something between browser and server lets no
 * WebSocket through.
 * @param {Sub} sub
 * @param {Events} on
 * @returns {() => void}
 */
export function overEvents(sub, on) {
  const url = new URL("/api/v1/stream", location.href);
  if (sub.filter) url.searchParams.set("filter", sub.filter);
  if (sub.after !== null) url.searchParams.set("after", `${sub.after}-${sub.actions}`);
  const es = new EventSource(url);
  let open = false;
  let over = false;
  es.onopen = () => {
    open = true;
    on.opened();
  };
  const take = (/** @type {MessageEvent} */ e) => {
    if (!over && e.data) on.message(JSON.parse(e.data));
  };
  es.onmessage = take;
  for (const type of ["snapshot", "batch", "update", "notice", "gap", "hb"]) es.addEventListener(type, take);
  // An event "error" with data is a message of the server's; without, the end.
  es.addEventListener("error", (e) => {
    if (e instanceof MessageEvent) return take(e);
    if (over) return;
    over = true;
    es.close();
    on.closed(open);
  });
  return () => {
    over = true;
    es.close();
  };
}
