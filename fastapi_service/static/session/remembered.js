// @ts-check
/** The session of this tab, so that a reload can go on with it. */

const KEY = "session";
/** How long after a reload it is offered. */
const KEPT_MS = 10 * 60 * 1000;

/** @typedef {import("./socket.js").Session} Session */

/**
 * Note a session, until `forget`. A page that goes away notes when.
 * @param {Session} session
 */
export function remember(session) {
  sessionStorage.setItem(KEY, JSON.stringify({ ...session, left: Date.now() }));
  addEventListener("pagehide", leave);
}

export function forget() {
  removeEventListener("pagehide", leave);
  sessionStorage.removeItem(KEY);
}

/**
 * The session that this tab had a moment ago.
 * @returns {Session | null}
 */
export function recall() {
  const known = stored();
  if (!known || Date.now() - known.left > KEPT_MS) return null;
  return { session_id: known.session_id, token: known.token };
}

function leave() {
  const known = stored();
  if (known) sessionStorage.setItem(KEY, JSON.stringify({ ...known, left: Date.now() }));
}

/** @returns {(Session & { left: number }) | null} */
function stored() {
  return JSON.parse(sessionStorage.getItem(KEY) ?? "null");
}
