import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { setImmediate } from "node:timers/promises";

import { keepAwake } from "../../../fastapi_service/static/session/wake-lock.js";

const { navigator } = globalThis;
/** Locks that were given. @type {{ released: boolean, release: () => Promise<void> }[]} */
let locks;
/** @type {EventTarget & { visibilityState: string }} */
let page;

/** @param {unknown} wakeLock */
function install(wakeLock) {
  Object.defineProperty(globalThis, "navigator", { value: { wakeLock }, configurable: true });
}

beforeEach(() => {
  locks = [];
  page = Object.assign(new EventTarget(), { visibilityState: "visible" });
  Object.assign(globalThis, { document: page });
  install({
    async request(/** @type {string} */ type) {
      assert.equal(type, "screen");
      const lock = { released: false, release: async () => void (lock.released = true) };
      locks.push(lock);
      return lock;
    },
  });
});

afterEach(() => {
  keepAwake(false);
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
});

/** @param {string} state */
async function become(state) {
  page.visibilityState = state;
  page.dispatchEvent(new Event("visibilitychange"));
  await setImmediate();
}

/** @returns {number} locks that are held */
const held = () => locks.filter(({ released }) => !released).length;

test("the lock is taken once, and released at the end", async () => {
  keepAwake(true);
  keepAwake(true);
  await setImmediate();
  assert.deepEqual([locks.length, held()], [1, 1]);
  keepAwake(false);
  assert.equal(held(), 0);
  await become("visible");
  assert.equal(locks.length, 1);
});

test("it is taken again on each return to the page, and one is held", async () => {
  keepAwake(true);
  await setImmediate();
  for (const returns of [1, 2, 3]) {
    await become("hidden");
    assert.equal(locks.length, returns);
    await become("visible");
    assert.deepEqual([locks.length, held()], [returns + 1, 1]);
  }
});

test("it is held until nothing wants it any more", async () => {
  keepAwake(true, "file");
  keepAwake(true);
  keepAwake(false, "file");
  await setImmediate();
  assert.deepEqual([locks.length, held()], [1, 1]);
  keepAwake(false);
  assert.equal(held(), 0);
});

test("a lock that comes after the end is released", async () => {
  keepAwake(true);
  keepAwake(false);
  await setImmediate();
  assert.deepEqual([locks.length, held()], [1, 0]);
});

for (const [name, wakeLock] of /** @type {[string, unknown][]} */ ([
  ["has no locks", undefined],
  ["refuses", { request: () => Promise.reject(new DOMException("", "NotAllowedError")) }],
  ["fails at once", { request: () => { throw new TypeError(); } }], // prettier-ignore
])) {
  test(`a browser that ${name} is no error`, async () => {
    install(wakeLock);
    keepAwake(true);
    await become("visible");
    keepAwake(false);
  });
}
