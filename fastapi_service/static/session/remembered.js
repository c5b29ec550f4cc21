// @ts-check
/** The session of this tab, so that a reload can go on with it. */

import { load, save } from "../storage.js";

const KEY = "session";
/** How long after its end, or after the page was left, it is offered. */
const KEPT_MS = 10 * 60 * 1000;

/**
 * @typedef {import("./socket.js").Session} Session
 * @typedef {Session & { over: boolean }} Remembered `over`: nobody talks in it any more, but its text can be had
 */

/** @param {Session} session */
export function remember({ session_id, token }) {
  save("sessionStorage", KEY, { session_id, token, over: false, left: Date.now() });
}

/** It has ended. */
export function close() {
  change({ over: true });
}

export function forget() {
  save("sessionStorage", KEY, null);
}

/**
 * The session that this tab had a moment ago.
 * @returns {Remembered | null}
 */
export function recall() {
  const known = load("sessionStorage", KEY);
  return known && Date.now() - known.left <= KEPT_MS ? known : null;
}

/** @param {Partial<Remembered>} changes */
function change(changes) {
  const known = load("sessionStorage", KEY);
  if (known) save("sessionStorage", KEY, { ...known, ...changes, left: Date.now() });
}

// A page that is hidden may never be seen again.
document.addEventListener("visibilitychange", () => change({}));
addEventListener("pagehide", () => change({}));
