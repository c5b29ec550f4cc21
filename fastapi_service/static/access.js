// @ts-check
/** Access: the sign-in of this browser, and the secrets of links into rooms. The contract is in docs/access.md. */

import { load, save } from "./storage.js";

/** Secrets of links that this browser was given, by room. */
const STORED_AS = "invites";
/** Links into the rooms of this browser's own. */
const OWN = "own-links";

/** @typedef {{ talk: string, read: string }} Links their secrets */
/**
 * @typedef {object} Access
 * @property {boolean} closed
 * @property {string[]} rights none: nobody has signed in
 * @property {string | null} name of a person whom a proxy has signed in
 * @property {string | null} login path at which a proxy signs people in
 */
/** @typedef {import("./wire/messages.js").Error} Refusal */

/** Returns what stands behind `#` in the page's address; a pass-phrase is taken out of it. */
export function fromAddress() {
  const secrets = new URLSearchParams(location.hash.slice(1));
  const passphrase = secrets.get("pass");
  if (passphrase) history.replaceState(null, "", location.pathname + location.search);
  return { passphrase, invite: secrets.get("invite") };
}

/** Returns this browser's access; null: the service does not answer. @returns {Promise<Access | null>} */
export async function readAccess() {
  const state = await request("GET", "access");
  return state && "access" in state ? { ...state, closed: state.access === "closed" } : null;
}

/** @param {string} passphrase @returns {Promise<Refusal | null>} null: this browser is signed in */
export async function signIn(passphrase) {
  const answer = await request("POST", "login", { passphrase });
  return answer && "code" in answer ? answer : null;
}

/** Where a browser goes when it has signed out; empty: only the proxy that signed it in has the way. @param {Access} access */
export function signOutPath({ name, login }) {
  if (name === null) return location.pathname;
  return login?.startsWith("/oauth2/") ? "/oauth2/sign_out?rd=/" : "";
}

/** Ends the sign-in of this browser, which forgets its links too. A proxy's sign-in ends at its `signOutPath`. */
export async function signOut() {
  for (const key of [STORED_AS, OWN]) save("localStorage", key, null);
  await request("DELETE", "login");
}

/** @param {string} room @returns {string | undefined} */
export function inviteTo(room) {
  return load("localStorage", STORED_AS)?.[room] ?? linksInto(room)?.talk;
}

/** Returns the links into a room of this browser's own, if it has them. @param {string} room @returns {Links | undefined} */
export function linksInto(room) {
  return load("localStorage", OWN)?.[room];
}

/** @param {string} room @param {string} secret */
export function keepInvite(room, secret) {
  save("localStorage", STORED_AS, { ...load("localStorage", STORED_AS), [room]: secret });
}

/**
 * Manages a room of this browser's own; new links are kept.
 * @param {"POST" | "DELETE"} method
 * @param {string} room
 * @param {string} what `/links`: makes new ones; `/people/…`: removes a person, which makes new ones too; none: closes it
 * @returns {Promise<Refusal | null | undefined>} null: done; undefined: the service does not answer
 */
export async function manage(method, room, what = "") {
  const answer = await request(method, `rooms/${room}${what}`);
  if (answer?.talk) save("localStorage", OWN, { ...load("localStorage", OWN), [room]: answer });
  return answer ? (answer.code ? answer : null) : undefined;
}

/**
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<any>} the answer, also one that refuses; null without one
 */
async function request(method, path, body) {
  const headers = { "Content-Type": "application/json" };
  const sent = body ? { method, headers, body: JSON.stringify(body) } : { method };
  return fetch(new URL(path, document.baseURI), sent)
    .then((answer) => (answer.status === 204 ? {} : answer.json()))
    .catch(() => null);
}
