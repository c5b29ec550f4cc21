/** Who this browser is in a room. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

/** @type {Record<string, string>} */
let stored;
/** @type {(room: string) => string} */
let personKey;
let pages = 0;

beforeEach(async () => {
  stored = {};
  const storage = { getItem: (/** @type {string} */ key) => stored[key] ?? null, setItem: (/** @type {string} */ key, /** @type {string} */ value) => void (stored[key] = value) };
  Object.defineProperty(globalThis, "localStorage", { value: storage, configurable: true, writable: true });
  await reload();
});

async function reload() {
  ({ personKey } = await import(`../../../fastapi_service/static/session/person-key.js?${pages++}`));
}

test("a key is as the service wants it, the same in one room, also after a reload, and another one in each room", async () => {
  const key = personKey("kitchen");
  assert.match(key, /^[A-Za-z0-9_-]{16,128}$/);
  assert.notEqual(personKey("cellar"), key);
  await reload();
  assert.equal(personKey("kitchen"), key);
  assert.equal(personKey("kitchen"), key);
});

test("a page that may not store anything is one person as long as it is open", () => {
  Reflect.deleteProperty(globalThis, "localStorage");
  assert.equal(personKey("kitchen"), personKey("kitchen"));
});

test("what is stored and no list of keys is as none", async () => {
  for (const damaged of ['"text"', "{}", "7", "not JSON"]) {
    stored["person-keys"] = damaged;
    await reload();
    assert.match(personKey("kitchen"), /^[0-9a-f]{32}$/);
  }
});

test("the fifty rooms that one was in last are kept", async () => {
  const first = personKey("first");
  const second = personKey("second");
  await reload();
  personKey("first");
  for (let room = 0; room < 49; room++) personKey(`room-${room}`);
  await reload();
  assert.equal(JSON.parse(stored["person-keys"]).length, 50);
  assert.equal(personKey("first"), first);
  assert.notEqual(personKey("second"), second);
});
