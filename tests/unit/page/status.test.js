import assert from "node:assert/strict";
import { test } from "node:test";

import { SessionStatus } from "../../../fastapi_service/static/session/status.js";

/** @param {Partial<SessionStatus>} fields */
function status(fields) {
  return Object.assign(new SessionStatus(), fields);
}

test("what keeps the person from going on comes first", () => {
  assert.equal(status({}).value, "joining");
  assert.equal(status({ connection: "open" }).value, "watching");
  assert.equal(status({ microphone: true }).value, "connecting");
  assert.equal(status({ microphone: true, connection: "open" }).value, "listening");
  assert.equal(status({ microphone: true, connection: "open", speech: true }).value, "hearing");
  assert.equal(status({ microphone: true, connection: "reconnecting", speech: true }).value, "reconnecting");
  assert.equal(status({ progress: 0, connection: "open" }).value, "sending");
  assert.equal(status({ permission: true, connection: "open" }).value, "permission");
  assert.equal(status({ permission: true, finishing: true }).value, "finishing");
});

test("a lost microphone is shown before an interrupted one, and that before a muted one; each passes by itself", () => {
  const shown = status({ microphone: true, connection: "open" });
  for (const [state, value, silent] of /** @type {const} */ ([
    ["muted", "muted", true],
    ["interrupted", "interrupted", true],
    ["lost", "lost", true],
    ["recovered", "interrupted", true],
    ["running", "listening", false],
    ["muted", "muted", true],
    ["unmuted", "listening", false],
    ["denied", "lost", true],
    ["open", "listening", false],
  ])) {
    shown.note(state);
    assert.deepEqual([shown.value, shown.withoutAudio], [value, silent], state);
  }
});

test("whoever may only read is told nothing of a button, which is not there", () => {
  assert.equal(status({ connection: "open", reader: true }).value, "following");
  assert.equal(status({ connection: "reconnecting", reader: true }).value, "joining");
});
