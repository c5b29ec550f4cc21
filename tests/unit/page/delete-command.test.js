/** The command that deletes the conversation: it makes sure, says what became of it, and needs the right session. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { setImmediate } from "node:timers/promises";

import { DeleteCommand } from "../../../fastapi_service/static/view/delete-command.js";

const SESSION = { session_id: "a".repeat(32), token: "secret" };
const former = { fetch: globalThis.fetch, document: globalThis.document, addEventListener: globalThis.addEventListener };

/** Elements by their id. */
let elements = {};
/** Requests to the service. */
let requests = [];
/** What the command reported: `deleted`, or the text of a refusal. */
let reported = [];
/** @type {DeleteCommand} */
let command;

beforeEach(() => {
  elements = { delete: { disabled: true }, keep: {}, "delete-it": {}, sure: { open: false } };
  elements.sure.showModal = () => (elements.sure.open = true);
  elements.sure.close = () => (elements.sure.open = false);
  globalThis.document = { getElementById: (id) => elements[id] };
  [requests, reported] = [[], []];
  command = new DeleteCommand({ onDeleted: () => reported.push("deleted"), onRefused: (text) => reported.push(text()) });
});

afterEach(() => Object.assign(globalThis, former));

/** Presses both buttons, with a service that answers so. */
async function remove(answer) {
  globalThis.fetch = async (path, { method, headers }) => {
    requests.push([method, path, headers.Authorization]);
    return answer();
  };
  elements.delete.onclick();
  assert.equal(elements.sure.open, true);
  assert.deepEqual(requests, []);
  elements["delete-it"].onclick();
  assert.equal(elements.sure.open, false);
  await setImmediate();
}

test("it is disabled without a session", () => {
  assert.equal(elements.delete.disabled, true);
  command.session = SESSION;
  assert.equal(elements.delete.disabled, false);
  command.session = null;
  assert.equal(elements.delete.disabled, true);
});

test("the service deletes it for the session's token", async () => {
  command.session = SESSION;
  await remove(() => new Response(null, { status: 204 }));
  assert.deepEqual(requests, [["DELETE", `sessions/${SESSION.session_id}`, "Bearer secret"]]);
  assert.deepEqual(reported, ["deleted"]);
});

test("to keep it changes nothing", () => {
  command.session = SESSION;
  elements.delete.onclick();
  elements.keep.onclick();
  assert.deepEqual([elements.sure.open, requests, reported], [false, [], []]);
});

test("a refusal is shown in the service's words", async () => {
  command.session = SESSION;
  const problem = { code: "not_owner", message: "Only the first may.", remedy: "Find it." };
  await remove(() => new Response(JSON.stringify(problem), { status: 403 }));
  assert.deepEqual(reported, ["Only the first may. Find it."]);
});

for (const [what, answer] of Object.entries({
  "is away": () => Promise.reject(new TypeError("no network")),
  "answers something else": () => new Response("<html>", { status: 502 }),
})) {
  test(`a service that ${what} has deleted nothing`, async () => {
    command.session = SESSION;
    await remove(answer);
    assert.match(reported[0], /cannot be reached/);
  });
}

test("a conversation that is deleted elsewhere meanwhile closes the dialog", () => {
  command.session = SESSION;
  elements.delete.onclick();
  command.session = null;
  elements["delete-it"].onclick();
  assert.deepEqual([elements.sure.open, requests], [false, []]);
});

test("in a room the first session of the tab stays the one that may delete", async () => {
  Object.assign(globalThis, { document: new EventTarget(), addEventListener() {} });
  const { firstIn, forgetFirst } = await import("../../../fastapi_service/static/session/session-store.js");
  const kept = new Map();
  globalThis.sessionStorage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) };
  const later = { session_id: "b".repeat(32), token: "other" };
  assert.equal(firstIn("kitchen", SESSION), SESSION);
  assert.deepEqual(firstIn("kitchen", later), { room: "kitchen", ...SESSION });
  assert.equal(firstIn("hall", later), later);
  forgetFirst();
  assert.equal(firstIn("hall", SESSION), SESSION);
  delete globalThis.sessionStorage;
});
