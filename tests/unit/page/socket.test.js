import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { SpeechSocket } from "../../../fastapi_service/static/session/socket.js";
import { FakeWebSocket, latest } from "./fake-web-socket.js";

const SECOND = 16_000;
const KNOWN = { session_id: "known", token: "key" };
const OPTIONS = { languages: ["en"], prompt: "Valkey", room: "demo" };
/** The first message of a session with these options. */
const START = { type: "start", language: "en", prompt: "Valkey", room: "demo", sample_rate: SECOND };

/** @type {string[]} */
let events;

beforeEach(() => {
  events = [];
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  FakeWebSocket.install();
});

afterEach(() => {
  mock.timers.reset();
});

/** @param {{ resume?: import("../../../fastapi_service/static/session/socket.js").Session, seen?: number, start?: typeof OPTIONS, channels?: number }} [options] */
function open({ seen, ...options } = {}) {
  const socket = new SpeechSocket(
    { url: new URL("ws://service/ws"), start: OPTIONS, ...options },
    {
      onState: (state) => events.push(state),
      onMessage: ({ type }) => type !== "ready" && events.push(type), // what follows from it is recorded
      onSession: ({ session_id, token, second }) => events.push([session_id, token, second?.session_id].join(" ").trim()),
      onDropped: () => events.push("dropped"),
      onRenewed: () => events.push("renewed"),
      onWaiting: (pending) => events.push(`waiting ${pending}`),
      onEnd: (pending) => events.push(pending ? `end ${pending}` : "end"),
    },
  );
  socket.open(seen);
  return socket;
}

/** @param {SpeechSocket} socket @param {number} seconds */
function push(socket, seconds) {
  for (let second = 0; second < seconds; second++) socket.audio.push(new Int16Array(SECOND));
}

function breakConnection() {
  latest().onclose({ code: 1006 });
  mock.timers.tick(500);
}

test("`start` carries the options, and the new session is reported", () => {
  open();
  latest().onopen();
  assert.deepEqual(latest().sent, [{ ...START, last_seq: 0 }]);
  latest().ready(0, "key");
  assert.deepEqual(events, ["connecting", "known key", "open"]);
});

test("silence is sent as gaps before and after audio, and as one gap after a broken connection", () => {
  const socket = open();
  latest().ready(0, "key");
  socket.audio.skip(500);
  socket.audio.push(new Int16Array(1600));
  socket.audio.skip(300);
  socket.audio.skip(200);
  assert.deepEqual(latest().sent, [
    { type: "gap", samples: 500 },
    1600,
    { type: "gap", samples: 300 },
    { type: "gap", samples: 200 },
  ]);
  latest().deliver({ type: "ack", samples: 1000 });
  breakConnection();
  latest().ready(1000);
  assert.deepEqual(latest().sent, [1100, { type: "gap", samples: 500 }]);
  socket.stop();
  assert.deepEqual(latest().sent.at(-1), { type: "stop" });
});

test("after a reload, new audio continues at the service's position", () => {
  const socket = open({ resume: KNOWN, seen: 7 });
  socket.audio.skip(100);
  socket.audio.push(new Int16Array(1600));
  latest().onopen();
  assert.deepEqual(latest().sent, [{ ...START, last_seq: 7, ...KNOWN }]);
  latest().deliver({ type: "ready", session_id: "known", token: null, samples: 50_000 });
  assert.deepEqual(latest().sent.slice(1), [{ type: "gap", samples: 100 }, 1600]);
  assert.deepEqual(events, ["connecting", "open"]);
  breakConnection();
  latest().ready(51_000);
  socket.audio.push(new Int16Array(10));
  assert.deepEqual(latest().sent, [700, 10]);
});

test("an unknown session is replaced by a new one, which gets the audio that is kept", () => {
  const socket = open({ resume: KNOWN, seen: 7 });
  socket.audio.push(new Int16Array(1600));
  latest().onopen();
  latest().deliver({ type: "error", code: "session_unknown" });
  assert.deepEqual(latest().sent.at(-1), { ...START, last_seq: 0 });
  latest().deliver({ type: "ready", session_id: "new", token: "other", samples: 0 });
  assert.equal(latest().sent.at(-1), 1600);
  assert.deepEqual(events, ["connecting", "renewed", "new other", "open"]);
});

test("an outage of 60 s loses nothing; audio dropped after that is reported and replaced by a gap", () => {
  const socket = open();
  latest().ready(0, "key");
  push(socket, 29); // the utterance during which the connection breaks
  latest().onclose({ code: 1006 });
  push(socket, 60 + 14);
  assert.ok(!events.includes("dropped"));
  push(socket, 17);
  assert.ok(events.includes("dropped"));
  mock.timers.tick(500);
  latest().ready(0);
  assert.deepEqual(latest().sent[0], { type: "gap", samples: 10 * SECOND });
  assert.deepEqual(latest().sent.slice(1), new Array(110).fill(SECOND));
});

test("audio that went into an open connection is not reported as dropped", () => {
  const socket = open();
  latest().ready(0, "key");
  push(socket, 120);
  assert.deepEqual(events, ["connecting", "known key", "open"]);
  breakConnection();
  latest().ready(0);
  assert.ok(events.includes("dropped"), "only now the service lacks it");
});

test("a file waits for acknowledgements, and no longer when the session ends", async () => {
  const socket = open();
  latest().ready(0, "key");
  let pushed = 0;
  const whole = (async () => {
    for (; pushed < 60; pushed++) {
      await socket.audio.waitForCapacity();
      socket.audio.push(new Int16Array(SECOND));
    }
  })();
  await settle();
  assert.equal(pushed, 35, "more than the longest utterance, or it would never end");
  latest().deliver({ type: "ack", samples: 10 * SECOND });
  await settle();
  assert.equal(pushed, 45);
  latest().deliver({ type: "stopped", segments: 1, pending: 0 });
  await whole;
});

/** A session that was stopped, and whose service waited in vain for two results. */
function stopped() {
  const socket = open();
  latest().ready(0, "key");
  push(socket, 1);
  socket.stop();
  latest().deliver({ type: "stopped", segments: 3, pending: 2 });
  return socket;
}

test("results that wait in the queue are awaited: the session is resumed and stopped again until none is missing", () => {
  stopped();
  assert.equal(events.at(-2), "waiting 2");
  for (const pending of [2, 1, 0]) {
    mock.timers.tick(500);
    latest().onopen();
    assert.deepEqual(latest().sent, [{ ...START, last_seq: 2 - pending, ...KNOWN }]);
    latest().ready(SECOND);
    assert.deepEqual(latest().sent, [{ type: "stop" }]);
    latest().deliver({ type: "final", seq: 3 - pending });
    latest().deliver({ type: "stopped", segments: 3, pending });
    if (pending) assert.equal(events.at(-2), `waiting ${pending}`);
  }
  assert.equal(events.at(-1), "end");
  mock.timers.tick(60_000);
  assert.equal(FakeWebSocket.opened.length, 4);
});

test("a person who does not wait is told how many results are missing", () => {
  stopped().giveUp();
  assert.equal(events.at(-1), "end 2");
  mock.timers.tick(60_000);
  assert.equal(FakeWebSocket.opened.length, 1);
});

test("a session that expires while its results are awaited ends, and no new one begins", () => {
  stopped();
  mock.timers.tick(500);
  latest().onopen();
  latest().deliver({ type: "error", code: "session_unknown", fatal: false });
  assert.equal(events.at(-1), "end 2");
});

test("a service that ends a session by itself is not waited for", () => {
  open();
  latest().ready(0, "key");
  latest().deliver({ type: "stopped", segments: 1, pending: 2 });
  assert.equal(events.at(-1), "end 2");
});

test("after `stop`, 90 s without a message end the session; each message begins them again", (context) => {
  let now = 0;
  context.mock.method(performance, "now", () => now);
  const socket = open();
  latest().ready(0, "key");
  socket.stop();
  for (const seq of [1, 2, 3]) {
    now += 80_000;
    latest().deliver({ type: "final", seq });
    mock.timers.tick(1000);
    assert.equal(events.at(-1), "final");
  }
  now += 91_000;
  mock.timers.tick(1000);
  assert.equal(events.at(-1), "end");
});

for (const code of [1000, 1002, 1003, 1007, 1008, 1009, 1010, 4409]) {
  test(`close code ${code} ends the session without another connection`, () => {
    open();
    latest().ready(0, "key");
    latest().onclose({ code });
    assert.equal(events.at(-1), "end");
    mock.timers.tick(60_000);
    assert.equal(FakeWebSocket.opened.length, 1);
  });
}

for (const code of [1001, 1005, 1006, 1011, 1012, 1013, 4000]) {
  test(`after close code ${code} the session resumes on another connection`, () => {
    open();
    latest().ready(0, "key");
    latest().onclose({ code });
    assert.equal(events.at(-1), "reconnecting");
    mock.timers.tick(500);
    assert.equal(FakeWebSocket.opened.length, 2);
    latest().onopen();
    assert.deepEqual(latest().sent, [{ ...START, last_seq: 0, ...KNOWN }]);
  });
}

/** Delivers `ready` of a service that applies languages and a prompt. @param {string[]} languages @param {string} prompt */
function readyWith(languages, prompt = "Valkey") {
  latest().onopen();
  latest().sent = [];
  latest().deliver({ type: "ready", session_id: "known", token: "key", samples: 0, languages, prompt });
}

test("one language is fixed in `start`, of several each sentence has its own, none is any", () => {
  for (const [languages, spoken] of [
    [["ko"], { language: "ko" }],
    [["ko", "en"], { languages: ["ko", "en"] }],
    [[], { language: null }],
  ]) {
    const { language: _, ...others } = START;
    open({ start: { ...OPTIONS, languages } });
    latest().onopen();
    assert.deepEqual(latest().sent, [{ ...others, ...spoken, last_seq: 0 }]);
  }
});

test("a change during the session is sent at once, between audio before and after it, and once", () => {
  const socket = open();
  readyWith(["en"]);
  socket.audio.push(new Int16Array(1600));
  socket.configure({ languages: ["ko", "en"], prompt: "Valkey" });
  socket.configure({ languages: ["ko", "en"], prompt: "Valkey" });
  socket.audio.push(new Int16Array(160));
  socket.configure({ languages: [], prompt: "" });
  assert.deepEqual(latest().sent, [
    1600,
    { type: "configure", languages: ["ko", "en"], prompt: "Valkey" },
    160,
    { type: "configure", languages: [], prompt: "" },
  ]);
});

test("a change without a connection is sent after `ready`, unless the service applies it already", () => {
  const socket = open();
  readyWith(["en"]);
  breakConnection();
  socket.configure({ languages: ["ko"], prompt: "Valkey" });
  assert.deepEqual(latest().sent, []);
  readyWith(["en"]);
  assert.deepEqual(latest().sent, [{ type: "configure", languages: ["ko"], prompt: "Valkey" }]);
  breakConnection();
  readyWith(["ko"]);
  assert.deepEqual(latest().sent, []);
});

test("a session of an earlier page is changed to what this page has", () => {
  open({ resume: KNOWN });
  readyWith(["de", "fr"], "");
  assert.deepEqual(latest().sent, [{ type: "configure", languages: ["en"], prompt: "Valkey" }]);
});

test("a new session in place of an expired one begins with the newest choice", () => {
  const socket = open();
  readyWith(["en"]);
  socket.configure({ languages: ["ko"], prompt: "" });
  breakConnection();
  latest().onopen();
  latest().deliver({ type: "error", code: "session_unknown", fatal: false });
  assert.deepEqual(latest().sent.at(-1), { ...START, language: "ko", prompt: "", last_seq: 0 });
});

test("an older service, which refuses a change, gets none", () => {
  const socket = open();
  latest().ready(0, "key");
  socket.configure({ languages: ["ko"], prompt: "" });
  assert.deepEqual(latest().sent, []);
});

test("unknown types and fields have no effect on the session", () => {
  const socket = open();
  latest().onopen();
  latest().deliver({ type: "hello", version: 9 });
  latest().deliver({ type: "ready", session_id: "known", token: "key", samples: 0, codecs: ["opus"], endpointing: { vad: "x" } });
  latest().deliver({ type: "final", seq: 1, emotion: "joy" });
  socket.audio.push(new Int16Array(1600));
  latest().deliver({ type: "ack", samples: 1600, checksum: 7 });
  assert.deepEqual(events, ["connecting", "hello", "known key", "open", "final", "ack"]);
  assert.equal(latest().sent.at(-1), 1600);
  assert.equal(socket.lastSeq, 1);
});

async function settle() {
  for (let turn = 0; turn < 500; turn++) await null;
}

const KEY = "0123456789abcdef";

test("`start` says who talks, and leaves out what is not given", () => {
  open({ start: /** @type {any} */ ({ ...OPTIONS, name: "Ann", role: null, person_key: KEY }) });
  latest().onopen();
  assert.deepEqual(latest().sent, [{ ...START, name: "Ann", person_key: KEY, last_seq: 0 }]);
});

test("another name is sent alone, once, and again after a new connection if the service has the former one", () => {
  const socket = open({ start: /** @type {any} */ ({ ...OPTIONS, name: "Ann" }) });
  const applied = { type: "ready", session_id: "s", token: "t", samples: 0, languages: ["en"], prompt: "Valkey", person: "p" };
  latest().onopen();
  latest().deliver({ ...applied, name: "Ann" });
  const renamed = { languages: ["en"], prompt: "Valkey", name: "Anna", role: "agent" };
  latest().sent.length = 0;
  for (let time = 0; time < 2; time++) socket.configure(renamed);
  assert.deepEqual(latest().sent, [{ type: "configure", name: "Anna", role: "agent" }]);
  socket.configure({ ...renamed, prompt: "Redis" });
  assert.deepEqual(latest().sent.at(-1), { type: "configure", languages: ["en"], prompt: "Redis" });
  breakConnection();
  latest().onopen();
  latest().sent.length = 0;
  latest().deliver({ ...applied, prompt: "Redis", name: "Ann" });
  assert.deepEqual(latest().sent, [{ type: "configure", name: "Anna", role: "agent" }]);
});

test("a service without names is told none", () => {
  const socket = open();
  latest().onopen();
  latest().deliver({ type: "ready", session_id: "s", token: "t", samples: 0, languages: ["en"], prompt: "Valkey" });
  const before = latest().sent.length;
  socket.configure({ languages: ["en"], prompt: "Valkey", name: "Ann" });
  assert.equal(latest().sent.length, before);
});

test("a service that refuses to be told who talks is told the rest", () => {
  open({ start: /** @type {any} */ ({ ...OPTIONS, name: "Ann", person_key: KEY }) });
  latest().onopen();
  const refusal = { type: "error", code: "bad_message", message: "m", remedy: "r", fatal: false };
  latest().deliver(refusal);
  assert.deepEqual(latest().sent.at(-1), { ...START, last_seq: 0 });
  latest().ready(0, "key");
  assert.deepEqual(events, ["connecting", "known key", "open"]);
});

const LEFT = { session_id: "left", token: "l" };
const RIGHT = { session_id: "right", token: "r" };
const SPEAKERS = [{ name: "Ann", role: null }, { name: "Bob", role: null }];
const TWO = { ...OPTIONS, speakers: SPEAKERS };
/** The first message of a session of two talkers. */
const START_TWO = { ...START, channels: 2, speakers: SPEAKERS };

/** Delivers `ready` of both channels. @param {number[]} samples @param {object} [more] */
function readyBoth([left, right], more) {
  latest().onopen();
  latest().sent.length = 0;
  latest().deliver({ type: "ready", channel: 0, ...LEFT, samples: left, ...more });
  latest().deliver({ type: "ready", channel: 1, ...RIGHT, samples: right, ...more });
}

test("two talkers have one connection: `start` has both, and audio goes when both sessions stand", () => {
  const socket = open({ start: TWO, channels: 2 });
  socket.audio.push(new Int16Array(3200));
  latest().onopen();
  assert.deepEqual(latest().sent, [{ ...START_TWO, last_seq: 0 }]);
  latest().deliver({ type: "ready", channel: 0, ...LEFT, samples: 0 });
  assert.deepEqual([latest().sent.length, events], [1, ["connecting"]]);
  latest().deliver({ type: "ready", channel: 1, ...RIGHT, samples: 0 });
  assert.deepEqual(latest().sent.slice(1), [3200]);
  assert.deepEqual(events, ["connecting", "left l right", "open"]);
});

test("two talkers go on together: audio is kept until both have it, and continues where the one is that is behind", () => {
  const socket = open({ start: TWO, channels: 2 });
  readyBoth([0, 0]);
  socket.audio.push(new Int16Array(3200));
  socket.audio.skip(400);
  socket.audio.push(new Int16Array(3200));
  assert.deepEqual(latest().sent, [3200, { type: "gap", samples: 400 }, 3200]);
  latest().deliver({ type: "ack", channel: 0, samples: 3600 });
  latest().deliver({ type: "ack", channel: 1, samples: 1000 });
  breakConnection();
  latest().onopen();
  assert.deepEqual(latest().sent, [{ ...START_TWO, last_seq: 0, resume: [LEFT, RIGHT] }]);
  readyBoth([3600, 1000]);
  assert.deepEqual(latest().sent, [2 * 600, { type: "gap", samples: 400 }, 3200]);
});

test("after a reload, two talkers are resumed together", () => {
  open({ start: TWO, channels: 2, resume: { ...LEFT, second: RIGHT } });
  latest().onopen();
  assert.deepEqual(latest().sent, [{ ...START_TWO, last_seq: 0, resume: [LEFT, RIGHT] }]);
});

test("two talkers that the service no longer has begin again as two", () => {
  open({ start: TWO, channels: 2, resume: { ...LEFT, second: RIGHT } });
  latest().onopen();
  latest().deliver({ type: "error", code: "session_unknown" });
  assert.deepEqual(latest().sent.at(-1), { ...START_TWO, last_seq: 0 });
});

test("a second of two channels, as after silence, is no message that the service refuses", () => {
  const socket = open({ start: TWO, channels: 2 });
  readyBoth([0, 0]);
  socket.audio.push(new Int16Array(2 * 16_800));
  assert.deepEqual(latest().sent, [16_000, 16_000, 1600]);
});

test("the end of two talkers comes when both are answered, with all that is missing", () => {
  const socket = open({ start: TWO, channels: 2 });
  readyBoth([0, 0]);
  socket.stop();
  latest().deliver({ type: "stopped", channel: 1, pending: 1 });
  assert.equal(events.at(-1), "open");
  latest().deliver({ type: "stopped", channel: 0, pending: 2 });
  assert.equal(events.at(-2), "waiting 3");
});

test("another name is sent for its channel, another language for both", () => {
  const socket = open({ start: TWO, channels: 2 });
  const [left, right] = SPEAKERS;
  const applied = { languages: ["en"], prompt: "Valkey", person: "p" };
  latest().onopen();
  latest().deliver({ type: "ready", channel: 0, ...LEFT, samples: 0, ...applied, name: "Ann" });
  latest().deliver({ type: "ready", channel: 1, ...RIGHT, samples: 0, ...applied, name: "Bob" });
  latest().sent.length = 0;
  const options = { languages: ["en"], prompt: "Valkey" };
  socket.configure({ ...options, speakers: [left, { ...right, name: "Ben" }] });
  assert.deepEqual(latest().sent, [{ type: "configure", channel: 1, name: "Ben", role: null }]);
  socket.configure({ ...options, languages: ["ko"], speakers: [left, { ...right, name: "Ben" }] });
  assert.deepEqual(latest().sent.slice(1), [
    { type: "configure", channel: 0, languages: ["ko"], prompt: "Valkey" },
    { type: "configure", channel: 1, languages: ["ko"], prompt: "Valkey" },
  ]);
});

test("where the device has one channel, the session begins with one talker", () => {
  const socket = open({ start: /** @type {any} */ ({ ...TWO, name: "Ann" }), channels: 2 });
  socket.channels = 1;
  latest().onopen();
  assert.deepEqual(latest().sent, [{ ...START, name: "Ann", last_seq: 0 }]);
});
