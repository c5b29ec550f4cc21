// @ts-check
/** The session of this tab, kept so that a reload can resume it. */

import * as storage from "../storage.js";

const KEY = "session";
const FIRST = "first";
/** It is offered for this long after its end, or after the page was left. */
const KEPT_MS = 10 * 60 * 1000;

/**
 * @typedef {import("./socket.js").Session} Session
 * @typedef {Session & { over: boolean }} StoredSession `over`: it takes no more audio, but its text can be shown again
 */

/** @param {Session} session */
export function save({ session_id, token, second }) {
  storage.save("sessionStorage", KEY, { session_id, token, second, over: false, left: Date.now() });
}

export function markOver() {
  change({ over: true });
}

export function forget() {
  storage.save("sessionStorage", KEY, null);
}

export function forgetFirst() {
  storage.save("sessionStorage", FIRST, null);
}

/**
 * Returns the first session of this tab in a room, which this one is if there is none: only the first of all owns the room.
 * @param {string} room
 * @param {Session} session
 * @returns {Session}
 */
export function firstIn(room, session) {
  const stored = storage.load("sessionStorage", FIRST);
  if (stored?.room === room) return stored;
  storage.save("sessionStorage", FIRST, { room, ...session });
  return session;
}

/**
 * Returns the latest session of this tab, unless it is too old.
 * @returns {StoredSession | null}
 */
export function load() {
  const stored = storage.load("sessionStorage", KEY);
  return stored && Date.now() - stored.left <= KEPT_MS ? stored : null;
}

/** @param {Partial<StoredSession>} changes */
function change(changes) {
  const stored = storage.load("sessionStorage", KEY);
  if (stored) storage.save("sessionStorage", KEY, { ...stored, ...changes, left: Date.now() });
}

// A page that is hidden may never be shown again.
document.addEventListener("visibilitychange", () => change({}));
addEventListener("pagehide", () => change({}));
