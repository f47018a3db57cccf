// The shapes that the HTTP API and the feed speak in. Nothing runs here.

/** @typedef {"info" | "low" | "medium" | "high" | "critical"} Severity */
/** @typedef {"open" | "acknowledged" | "closed"} State */

/**
 * @typedef {object} BoundEvent an event of a match
 * @property {string} step
 * @property {string} type
 * @property {string} id
 * @property {string} at
 * @property {Record<string, unknown>} [data] gone with retention, or erased
 */

/**
 * @typedef {object} Alert
 * @property {string} alert_id
 * @property {number} seq
 * @property {string} rule
 * @property {string} version
 * @property {"live" | "shadow"} status
 * @property {Severity} severity
 * @property {number} [score]
 * @property {string} at
 * @property {string} first_at
 * @property {Record<string, unknown>} key
 * @property {string} message
 * @property {Record<string, string>} [labels]
 * @property {Record<string, unknown>} [fields]
 * @property {"match" | "timeout"} kind
 * @property {number} revision
 * @property {number} suppressed
 * @property {boolean} truncated
 * @property {BoundEvent[]} events
 * @property {State} [state] none: open
 * @property {string} [outcome]
 * @property {string} [assignee]
 * @property {string} [silence]
 * @property {number} [comments]
 * @property {string} [updated]
 * @property {string} [logged]
 * @property {number} [action] number of the last action that the page knows of
 */

/**
 * @typedef {object} Action what somebody did, as the audit trail has it
 * @property {number} action its number in the trail
 * @property {number} [seq]
 * @property {string} kind
 * @property {string} at
 * @property {string} by
 * @property {State} [state]
 * @property {string} [outcome]
 * @property {string} [assignee]
 * @property {string} [comment]
 * @property {string} [detail]
 */

/**
 * @typedef {object} Attempt
 * @property {string} at
 * @property {number} [seconds]
 * @property {number} [status]
 * @property {string} [error]
 * @property {string} [response]
 */

/**
 * @typedef {object} Delivery
 * @property {string} id
 * @property {string} sink
 * @property {string} type
 * @property {"pending" | "delivered" | "dead"} state
 * @property {string} created
 * @property {string} [next]
 * @property {number} tries
 * @property {Attempt[]} [attempts]
 * @property {string} [reason]
 */

/**
 * @typedef {object} Group alerts of one rule or key, counted
 * @property {string} rule
 * @property {string} key
 * @property {number} alerts
 * @property {number} open those that are not closed
 * @property {string} first
 * @property {string} last
 * @property {number} first_seq
 * @property {number} last_seq
 * @property {Severity} severity the highest
 */

/**
 * @typedef {object} Silence
 * @property {string} id
 * @property {string} [rule] none: every rule
 * @property {string} [key] none: every key
 * @property {Record<string, string>} [labels]
 * @property {string} reason
 * @property {string} by
 * @property {string} starts
 * @property {string} ends
 * @property {number} alerts how many it has kept from the sinks
 */

/** @typedef {{name: string, ok: boolean, text: string}} Check */
/** @typedef {{ready: boolean, sentence: string, checks: Check[]}} Health */
/** @typedef {{name: string, role: string, login: boolean}} Session */

export {};
