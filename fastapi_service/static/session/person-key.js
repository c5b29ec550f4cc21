// @ts-check
/** A random secret for each room, by which the service recognises this browser's person there, and nowhere else. */

import * as storage from "../storage.js";

const STORED_AS = "person-keys";
/** Rooms; of older ones the person is another one the next time. */
const MOST = 50;
/** What also a page has that may not store anything. @type {Map<string, string>} */
const made = new Map();

/** Returns the key of a room, the same each time. @param {string} room */
export function personKey(room) {
  const stored = storage.load("localStorage", STORED_AS);
  const keys = new Map([...(Array.isArray(stored) ? stored : []), ...made]);
  const key = keys.get(room) ?? newKey();
  keys.delete(room); // the latest one is the last
  made.set(room, key);
  storage.save("localStorage", STORED_AS, [...keys, [room, key]].slice(-MOST));
  return key;
}

/** 128 bits as 32 hexadecimal digits. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
