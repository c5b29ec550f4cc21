import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { SpeechSocket } from "../../../fastapi_service/static/session/socket.js";

const SECOND = 16_000;
const KNOWN = { session_id: "known", token: "key" };
const START = { language: "en", room: "demo" };

/** The service's end of a line: what was sent, and what it says. */
class FakeWebSocket {
  /** @type {FakeWebSocket[]} */
  static lines = [];
  bufferedAmount = 0;
  /** Messages as objects, audio as its length. @type {unknown[]} */
  sent = [];
  onopen = () => {};
  onclose = (/** @type {{ code: number }} */ { code }) => assert.ok(code);
  onmessage = (/** @type {{ data: string }} */ { data }) => assert.ok(data);

  constructor() {
    FakeWebSocket.lines.push(this);
  }

  /** @param {string | Int16Array} data */
  send(data) {
    this.sent.push(typeof data === "string" ? JSON.parse(data) : data.length);
  }

  close() {}

  /** @param {object} message */
  say(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }

  /** @param {number} samples @param {string | null} [token] */
  ready(samples, token = null) {
    this.onopen();
    this.sent = [];
    this.say({ type: "ready", session_id: "known", token, samples });
  }
}

/** @type {string[]} */
let told;

beforeEach(() => {
  FakeWebSocket.lines = [];
  told = [];
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  Object.assign(globalThis, { WebSocket: FakeWebSocket, addEventListener() {}, removeEventListener() {} });
});

afterEach(() => {
  mock.timers.reset();
});

/** @param {{ resume?: typeof KNOWN, seen?: number }} [options] */
function open({ seen, ...options } = {}) {
  const socket = new SpeechSocket(
    { url: new URL("ws://service/ws"), start: START, ...options },
    {
      onState: (state) => told.push(state),
      onMessage: ({ type }) => type !== "ready" && told.push(type), // it is told by what follows from it
      onSession: ({ session_id, token }) => told.push(`${session_id} ${token}`),
      onDropped: () => told.push("given up"),
      onRenewed: () => told.push("renewed"),
      onEnd: () => told.push("end"),
    },
  );
  socket.open(seen);
  return socket;
}

function line() {
  return /** @type {FakeWebSocket} */ (FakeWebSocket.lines.at(-1));
}

/** @param {SpeechSocket} socket @param {number} seconds */
function push(socket, seconds) {
  for (let second = 0; second < seconds; second++) socket.audio.push(new Int16Array(SECOND));
}

function breakLine() {
  line().onclose({ code: 1006 });
  mock.timers.tick(500);
}

test("it starts as it was asked to, and tells the session that then stands", () => {
  open();
  line().onopen();
  assert.deepEqual(line().sent, [{ type: "start", ...START, sample_rate: SECOND, last_seq: 0 }]);
  line().ready(0, "key");
  assert.deepEqual(told, ["connecting", "known key", "open"]);
});

test("silence is sent as what it is, before audio and behind it, and once after a broken line", () => {
  const socket = open();
  line().ready(0, "key");
  socket.audio.skip(500);
  socket.audio.push(new Int16Array(1600));
  socket.audio.skip(300);
  socket.audio.skip(200);
  assert.deepEqual(line().sent, [
    { type: "gap", samples: 500 },
    1600,
    { type: "gap", samples: 300 },
    { type: "gap", samples: 200 },
  ]);
  line().say({ type: "ack", samples: 1000 });
  breakLine();
  line().ready(1000);
  assert.deepEqual(line().sent, [1100, { type: "gap", samples: 500 }]);
  socket.stop();
  assert.deepEqual(line().sent.at(-1), { type: "stop" });
});

test("after a reload, what is said meanwhile continues where the service has it", () => {
  const socket = open({ resume: KNOWN, seen: 7 });
  socket.audio.skip(100);
  socket.audio.push(new Int16Array(1600));
  line().onopen();
  assert.deepEqual(line().sent, [{ type: "start", ...START, sample_rate: SECOND, last_seq: 7, ...KNOWN }]);
  line().say({ type: "ready", session_id: "known", token: null, samples: 50_000 });
  assert.deepEqual(line().sent.slice(1), [{ type: "gap", samples: 100 }, 1600]);
  assert.deepEqual(told, ["connecting", "open"]);
  breakLine();
  line().ready(51_000);
  socket.audio.push(new Int16Array(10));
  assert.deepEqual(line().sent, [700, 10]);
});

test("a session that is not known any more begins anew with what was said", () => {
  const socket = open({ resume: KNOWN, seen: 7 });
  socket.audio.push(new Int16Array(1600));
  line().onopen();
  line().say({ type: "error", code: "session_unknown" });
  assert.deepEqual(line().sent.at(-1), { type: "start", ...START, sample_rate: SECOND, last_seq: 0 });
  line().say({ type: "ready", session_id: "new", token: "other", samples: 0 });
  assert.equal(line().sent.at(-1), 1600);
  assert.deepEqual(told, ["connecting", "renewed", "new other", "open"]);
});

test("an outage of 60 s loses nothing; audio that is given up is told, and silence stands in its place", () => {
  const socket = open();
  line().ready(0, "key");
  push(socket, 29); // the utterance in which the line breaks
  line().onclose({ code: 1006 });
  push(socket, 60 + 14);
  assert.ok(!told.includes("given up"));
  push(socket, 17);
  assert.ok(told.includes("given up"));
  mock.timers.tick(500);
  line().ready(0);
  assert.deepEqual(line().sent[0], { type: "gap", samples: 10 * SECOND });
  assert.deepEqual(line().sent.slice(1), new Array(110).fill(SECOND));
});

test("audio that went into a line that stands is not called lost", () => {
  const socket = open();
  line().ready(0, "key");
  push(socket, 120);
  assert.deepEqual(told, ["connecting", "known key", "open"]);
  breakLine();
  line().ready(0);
  assert.ok(told.includes("given up"), "only now the service lacks it");
});

test("a file waits until the service has got on, and goes on when the session ends", async () => {
  const socket = open();
  line().ready(0, "key");
  let pushed = 0;
  const whole = (async () => {
    for (; pushed < 60; pushed++) {
      await socket.audio.waitForCapacity();
      socket.audio.push(new Int16Array(SECOND));
    }
  })();
  await settle();
  assert.equal(pushed, 35, "more than the longest utterance, or it would never end");
  line().say({ type: "ack", samples: 10 * SECOND });
  await settle();
  assert.equal(pushed, 45);
  line().say({ type: "stopped", segments: 1, pending: 0 });
  await whole;
});

test("types and fields that the page does not have disturb nothing", () => {
  const socket = open();
  line().onopen();
  line().say({ type: "hello", version: 9 });
  line().say({ type: "ready", session_id: "known", token: "key", samples: 0, codecs: ["opus"], endpointing: { vad: "x" } });
  line().say({ type: "final", seq: 1, emotion: "joy" });
  socket.audio.push(new Int16Array(1600));
  line().say({ type: "ack", samples: 1600, checksum: 7 });
  assert.deepEqual(told, ["connecting", "hello", "known key", "open", "final", "ack"]);
  assert.equal(line().sent.at(-1), 1600);
  assert.equal(socket.lastSeq, 1);
});

async function settle() {
  for (let turn = 0; turn < 500; turn++) await null;
}
