import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { showEnd, showMessage, showRenewed, showWaiting } from "../../../fastapi_service/static/session/presenter.js";

/** Calls of the page's parts: names and first arguments. @type {unknown[][]} */
let calls;

/** Records every call. @param {string} part @returns {any} */
function recorder(part) {
  return new Proxy({}, { get: (_, name) => (/** @type {unknown} */ first) => void calls.push([`${part}.${String(name)}`, first]) });
}

const PAGE = Object.fromEntries(["view", "transcript", "statistics", "meter", "share", "who"].map((part) => [part, recorder(part)]));

beforeEach(() => {
  calls = [];
});

/** @param {object} message @param {string | null} [room] */
function show(message, room = null) {
  showMessage(/** @type {any} */ (PAGE), room, /** @type {any} */ (message));
  return calls.splice(0);
}

test("a message of a type that the page does not have changes nothing", () => {
  assert.deepEqual(show({ type: "diarized", session_id: "s", speakers: [{ name: "A" }] }), []);
});

test("fields that the page does not have change nothing", () => {
  const final = { type: "final", session_id: "s", segment: 0, seq: 1, text: "Good.", emotion: { label: "joy" } };
  assert.deepEqual(show(final), [["transcript.addFinal", final]]);
  assert.deepEqual(show({ type: "ready", session_id: "s", codecs: ["opus"] }), [["transcript.own", "s"]]);
  assert.deepEqual(show({ type: "ack", samples: 1, latency: {} }), [["view.dismiss", "late"]]);
});

test("statistics are shown of the room in a room, and of the session outside", () => {
  for (const [scope, room, shown] of /** @type {const} */ ([
    ["session", null, true],
    ["room", null, false],
    ["session", "demo", false],
    ["room", "demo", true],
    ["global", "demo", false],
  ])) {
    assert.equal(show({ type: "stats", scope }, room).length, Number(shown), `${scope} in ${room}`);
  }
});

test("a new session in place of an expired one clears a room, whose results all come again, and nothing else", () => {
  showRenewed(/** @type {any} */ (PAGE), "demo");
  assert.deepEqual(calls.splice(0).map(([name]) => name), ["transcript.clear"]);
  showRenewed(/** @type {any} */ (PAGE), null);
  assert.deepEqual(calls.map(([name]) => name), ["transcript.dropPending", "statistics.clear", "transcript.addDivider"]);
});

test("the end is noticed only when results are missing", () => {
  for (const [pending, notices] of /** @type {const} */ ([
    [0, 0],
    [2, 1],
    [null, 1],
  ])) {
    showEnd(/** @type {any} */ (PAGE), pending);
    assert.equal(calls.splice(0).filter(([name]) => name === "view.notice").length, notices);
  }
});

test("the page says for how many results it waits, until the end", () => {
  showWaiting(/** @type {any} */ (PAGE), 3, () => {});
  assert.deepEqual(calls.splice(0), [["view.notice", "end"]]);
  showEnd(/** @type {any} */ (PAGE), 0);
  assert.ok(calls.some(([name, topic]) => name === "view.dismiss" && topic === "end"));
});

test("people, and the figures of one, go where they are shown; of an older service there is neither", () => {
  const who = [{ person: "a", name: "Ann", role: null, talker: true, talking: true }];
  const people = { type: "people", room: "demo", people: 3, talking: 1 };
  assert.deepEqual(show({ ...people, who }, "demo"), [["who.show", who], ["statistics.people", 3], ["share.people", 3]]);
  assert.deepEqual(show(people, "demo")[0], ["who.show", undefined]);
  const figures = { type: "person_stats", person: "a", timeline: [] };
  assert.deepEqual(show(figures, "demo"), [["statistics.showPerson", figures]]);
  const configured = { type: "configured", name: "Ann" };
  assert.deepEqual(show(configured), [["transcript.rename", configured]]);
});
