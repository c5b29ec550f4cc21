// @ts-check
/** Access: the sign-in of this browser, and the secrets of links into rooms. The contract is in docs/access.md. */

import { load, save } from "./storage.js";

/** Secrets of links, by room; those of this browser's own rooms let others talk. */
const STORED_AS = "invites";

/** @typedef {{ closed: boolean, rights: string[], login: string | null }} Access `login`: path at which a proxy signs people in */
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

/** @param {string} room @returns {string | undefined} */
export function inviteTo(room) {
  return load("localStorage", STORED_AS)?.[room];
}

/** @param {string} room @param {string} secret */
export function keepInvite(room, secret) {
  save("localStorage", STORED_AS, { ...load("localStorage", STORED_AS), [room]: secret });
}

/** Makes links into a room of this browser's own; false: it is another's. @param {string} room */
export async function makeInvite(room) {
  const links = await request("POST", `rooms/${room}/links`);
  if (links?.talk) keepInvite(room, links.talk);
  return Boolean(links?.talk);
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
    .then((answer) => answer.json())
    .catch(() => null);
}
