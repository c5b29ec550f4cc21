import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { setImmediate } from "node:timers/promises";

import { Conversation } from "../../../fastapi_service/static/session/conversation.js";
import { FakeBrowser } from "./fake-browser.js";
import { FakeWebSocket, latest } from "./fake-web-socket.js";

const OPTIONS = { device: null, echoCancellation: true, noiseSuppression: true, autoGainControl: true, threshold: null };
const START = { languages: ["en"], prompt: "" };
const ENDPOINTING = { silence_ceiling: 0.0001, silence_ms: 900 };

const globals = { ...globalThis, navigator: globalThis.navigator };
/** @type {FakeBrowser} */
let browser;
/** @type {string[]} */
let statuses;

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  browser = new FakeBrowser();
  browser.install();
  FakeWebSocket.install();
  statuses = [];
  dividers = [];
});

afterEach(() => {
  mock.timers.reset();
  const { navigator, addEventListener, removeEventListener } = globals;
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
  Object.assign(globalThis, { addEventListener, removeEventListener });
});

/** Calls of the transcript's `addDivider`. @type {string[]} */
let dividers;

/** Topics of the notices that are shown. @type {Map<string, any[]>} */
let notices;

/** A session on a page whose parts ignore every call. @param {Partial<import("../../../fastapi_service/static/session/socket.js").Options>} [options] */
function prepare(options) {
  const part = new Proxy({}, { get: () => () => {} });
  const addDivider = (/** @type {() => string} */ text) => dividers.push(text());
  const transcript = new Proxy({}, { get: (_, name) => (name === "addDivider" ? addDivider : () => {}) });
  notices = new Map();
  const view = {
    notice: (/** @type {string} */ topic, /** @type {() => string} */ text, more = {}) => notices.set(topic, [text(), more]),
    dismiss: (/** @type {string} */ topic) => notices.delete(topic),
  };
  const page = /** @type {any} */ ({ view, transcript, statistics: part, meter: part, share: part });
  return new Conversation(
    page,
    { url: new URL("ws://service/ws"), start: START, ...options },
    { onSession() {}, onTrouble() {}, onOver() {}, onDeleted: () => statuses.push("deleted"), onStatus: (status) => statuses.push(status) },
  );
}

/** One that is connected. @param {Parameters<typeof prepare>[0]} [options] */
function converse(options) {
  const conversation = prepare(options);
  conversation.open(0);
  latest().onopen();
  return conversation;
}

/** @param {object | null} [endpointing] undefined: the message lacks the field */
function ready(endpointing) {
  latest().deliver({ type: "ready", session_id: "s", token: "key", samples: 0, endpointing });
}

/** Settings of the worklet in use: those at its construction, changed by its messages. */
function suppressor() {
  return browser.node.received.at(-1) ?? browser.node.suppressor;
}

test("a microphone opened after `ready` follows the gateway's endpointing", async () => {
  const conversation = converse();
  ready(ENDPOINTING);
  assert.ok(await conversation.openMicrophone(OPTIONS));
  assert.deepEqual(suppressor(), { threshold: null, endpointing: ENDPOINTING });
});

test("a `ready` that comes while the microphone opens is applied", async () => {
  const conversation = converse();
  const opening = conversation.openMicrophone(OPTIONS);
  ready(ENDPOINTING);
  assert.ok(await opening);
  assert.deepEqual(suppressor(), { threshold: null, endpointing: ENDPOINTING });
});

test("a `ready` after the microphone opened is applied to the running worklet", async () => {
  const conversation = converse();
  await conversation.openMicrophone({ ...OPTIONS, threshold: 0.001 });
  ready(ENDPOINTING);
  assert.deepEqual(suppressor(), { threshold: 0.001, endpointing: ENDPOINTING });
});

test("the `ready` of a resumed session replaces the endpointing of the first", async () => {
  const conversation = converse();
  await conversation.openMicrophone(OPTIONS);
  ready(ENDPOINTING);
  latest().onclose({ code: 1006 });
  mock.timers.tick(500);
  latest().onopen();
  ready({ silence_ceiling: 0.0002 });
  assert.deepEqual(suppressor(), { threshold: null, endpointing: { silence_ceiling: 0.0002 } });
});

test("a `ready` without endpointing, of an older gateway, restores the defaults", async () => {
  const conversation = converse();
  await conversation.openMicrophone(OPTIONS);
  ready(ENDPOINTING);
  ready();
  assert.deepEqual(suppressor(), { threshold: null, endpointing: null });
});

test("the microphone's chunks become audio and gaps of the session", async () => {
  const conversation = converse();
  ready();
  await conversation.openMicrophone(OPTIONS);
  browser.node.port.onmessage({ data: { gap: 300, pcm: new Int16Array(1600), energy: 1, threshold: 0 } });
  assert.deepEqual(latest().sent.slice(-2), [{ type: "gap", samples: 300 }, 1600]);
  assert.equal(statuses.at(-1), "listening");
});

test("stop closes the microphone, and `stop` follows its last audio", async () => {
  const conversation = converse();
  ready();
  await conversation.openMicrophone(OPTIONS);
  browser.node.rest = { gap: 0, pcm: new Int16Array(160), energy: 1, threshold: 0 };
  conversation.stop();
  await setImmediate();
  assert.ok(browser.track.stopped);
  assert.deepEqual(latest().sent.slice(-2), [160, { type: "stop" }]);
  assert.equal(statuses.at(-1), "finishing");
});

/** Ways in which a session ends. @type {Record<string, (conversation: Conversation) => unknown>} */
const ENDS = {
  "another connection takes it over": () => latest().onclose({ code: 4409 }),
  "the service ends it": () => latest().deliver({ type: "stopped", pending: 0 }),
  "another session takes its place": (conversation) => conversation.leave(),
  "it is stopped": (conversation) => conversation.stop(),
};

for (const [name, end] of Object.entries(ENDS)) {
  test(`the microphone is off if, while it opens, ${name}`, async () => {
    const conversation = converse();
    ready();
    browser.rest = { gap: 0, pcm: new Int16Array(160), energy: 1, threshold: 0 };
    const opening = conversation.openMicrophone(OPTIONS);
    end(conversation);
    assert.equal(await opening, false);
    assert.equal(browser.tracks.length, 1);
    assert.ok(browser.track.stopped);
  });
}

test("languages chosen during the session are sent, and leave the microphone alone", async () => {
  const conversation = converse();
  latest().deliver({ type: "ready", session_id: "s", token: "key", samples: 0, ...START });
  await conversation.openMicrophone(OPTIONS);
  conversation.configure({ ...OPTIONS, languages: ["ko", "en"], prompt: "" });
  assert.deepEqual(latest().sent.at(-1), { type: "configure", languages: ["ko", "en"], prompt: "" });
  assert.equal(browser.requests.length, 1);
});

/** A chunk of audio that ended at this time. @param {number} seconds */
function chunkAt(seconds) {
  browser.node.port.onmessage({ data: { gap: 0, pcm: new Int16Array(1600), energy: 1, threshold: 0, at: 1e12 + seconds * 1000 } });
}

/** Ways in which a phone takes the microphone away for 42 s. @type {Record<string, () => void>} */
const ABSENCES = {
  "the page was asleep": () => {},
  "the context was suspended": () => {
    browser.context.become("suspended");
    browser.context.become("running");
  },
  "the microphone was muted": () => {
    browser.track.onmute();
    for (const second of [10, 20, 30]) chunkAt(second); // silence
    browser.track.onunmute();
  },
  "the context was interrupted, and a short pause came before": () => {
    chunkAt(2);
    browser.context.become("interrupted");
    browser.context.become("running");
  },
};

for (const [name, absence] of Object.entries(ABSENCES)) {
  test(`what was not recorded is said with its duration: ${name}`, async () => {
    const conversation = converse();
    ready();
    await conversation.openMicrophone(OPTIONS);
    chunkAt(0);
    absence();
    chunkAt(44);
    chunkAt(44.1);
    assert.equal(dividers.length, 1);
    assert.match(dividers[0], /^Nothing was recorded for 4[24] seconds/);
  });
}

test("short pauses, and audio that comes late, are not worth a line", async () => {
  const conversation = converse();
  ready();
  await conversation.openMicrophone(OPTIONS);
  for (const second of [0, 2, 4.5, 4.6]) chunkAt(second);
  assert.deepEqual(dividers, []);
});

test("the screen stays on while a microphone is open, and no longer", async () => {
  const locks = /** @type {string[]} */ ([]);
  const lock = { release: async () => void locks.push("released") };
  Object.assign(globalThis.navigator, { wakeLock: { request: async () => (locks.push("taken"), lock) } });
  const conversation = converse();
  ready();
  await setImmediate();
  assert.deepEqual(locks, []);
  await conversation.openMicrophone(OPTIONS);
  await setImmediate();
  assert.deepEqual(locks, ["taken"]);
  browser.node.rest = { gap: 0, pcm: new Int16Array(160), energy: 1, threshold: 0 };
  conversation.stop();
  assert.deepEqual(locks, ["taken", "released"]);
  await setImmediate();
});

test("a deleted conversation ends without a word about missing results", () => {
  const conversation = converse();
  ready(ENDPOINTING);
  statuses = [];
  latest().deliver({ type: "deleted", session_id: "s" });
  assert.deepEqual(statuses, ["deleted"]);
  conversation.leave(); // as the page does
  assert.deepEqual(statuses, ["deleted"]);
});

const TWO = { channels: 2, start: { ...START, speakers: [{ name: "Ann" }, { name: "Bob" }] } };

test("two talkers of a device with two channels begin as two", async () => {
  browser.channelCount = 2;
  const conversation = prepare(TWO);
  assert.ok(await conversation.openMicrophone({ ...OPTIONS, talkers: "stereo" }));
  conversation.open(0);
  latest().onopen();
  assert.equal(/** @type {any} */ (latest().sent[0]).channels, 2);
  assert.deepEqual([...notices], []);
});

test("of a device with one channel, two talkers begin as one, and the page says so", async () => {
  browser.channelCount = 1;
  const conversation = prepare(TWO);
  assert.ok(await conversation.openMicrophone({ ...OPTIONS, talkers: "stereo" }));
  assert.match(notices.get("mono")?.[0], /one channel only/);
  conversation.open(0);
  latest().onopen();
  assert.equal(/** @type {any} */ (latest().sent[0]).channels, undefined);
  ready();
  browser.node.port.onmessage({ data: { gap: 0, pcm: new Int16Array(1600), energy: 1, threshold: 0 } });
  assert.equal(latest().sent.at(-1), 1600);
});

test("two talkers who are resumed stay two, also on a device with one channel", async () => {
  browser.channelCount = 1;
  const second = { session_id: "t", token: "key" };
  const conversation = converse({ ...TWO, resume: { session_id: "s", token: "key", second } });
  assert.ok(await conversation.openMicrophone({ ...OPTIONS, talkers: "stereo" }));
  assert.equal(browser.node.options.channelCount, 2);
  assert.ok(notices.has("mono"));
});

test("the page listens to speech as long as one of two speaks", async () => {
  browser.channelCount = 2;
  const conversation = converse(TWO);
  for (const channel of [0, 1]) latest().deliver({ type: "ready", channel, session_id: `s${channel}`, token: "key", samples: 0, room: "r" });
  await conversation.openMicrophone({ ...OPTIONS, talkers: "stereo" });
  statuses = [];
  for (const [type, channel] of [["speech_started", 0], ["speech_started", 1], ["speech_ended", 0], ["speech_ended", 1]])
    latest().deliver({ type, segment: 0, channel });
  assert.deepEqual(statuses, ["hearing", "hearing", "hearing", "listening"]);
});

test("when the call's sound is no longer shared, the page says so, and offers to share it again", async (context) => {
  context.mock.method(console, "warn", () => {});
  const conversation = converse(TWO);
  assert.ok(await conversation.openMicrophone({ ...OPTIONS, talkers: "call" }));
  browser.shared[0][0].onended();
  const [text, { actions }] = notices.get("call") ?? [];
  assert.match(text, /no longer shared/);
  browser.shares = null;
  await actions[0].run();
  await setImmediate();
  assert.ok(notices.has("call"), "the person has cancelled it");
  browser.shares = ["audio", "video"];
  actions[0].run();
  await setImmediate();
  assert.ok(!notices.has("call"));
});

/** Loses the microphone of a call from 2 s to 42 s, and gets another one. @param {() => void} [meanwhile] */
async function loseMicrophone(meanwhile = () => {}) {
  browser.node.rest = { gap: 0, pcm: new Int16Array(0), energy: 0, threshold: 0, at: 1e12 + 42_000 };
  browser.errors = ["NotFoundError"];
  browser.track.onended();
  await setImmediate();
  meanwhile();
  for (let second = 3; second <= 42; second++) chunkAt(second);
  browser.plug();
  await setImmediate();
  assert.equal(statuses.at(-1), "listening");
}

/** Three seconds of a call. */
async function talkInCall() {
  const conversation = converse(TWO);
  for (const channel of [0, 1]) latest().deliver({ type: "ready", channel, session_id: `s${channel}`, token: "key", samples: 0, room: "r" });
  assert.ok(await conversation.openMicrophone({ ...OPTIONS, talkers: "call" }));
  for (const second of [0, 1, 2]) chunkAt(second);
}

test("a call that goes on without the microphone was recorded, and the page says so", async (context) => {
  context.mock.method(console, "warn", () => {});
  await talkInCall();
  await loseMicrophone();
  for (const second of [42, 43]) chunkAt(second);
  assert.deepEqual(dividers.map((text) => text.replace(/\d+/, "40")), ["Your microphone was away for 40 seconds; the call was recorded."]);
});

test("nothing was recorded while both were away", async (context) => {
  context.mock.method(console, "warn", () => {});
  await talkInCall();
  await loseMicrophone(() => browser.shared[0][0].onended());
  for (const second of [42, 43]) chunkAt(second);
  assert.equal(dividers.length, 1);
  assert.match(dividers[0], /^Nothing was recorded for 4\d seconds/);
});

test("a page that slept beside a call recorded nothing", async () => {
  const conversation = converse(TWO);
  assert.ok(await conversation.openMicrophone({ ...OPTIONS, talkers: "call" }));
  for (const second of [0, 42, 43]) chunkAt(second);
  assert.deepEqual(dividers.map((text) => text.slice(0, 20)), ["Nothing was recorded"]);
});

test("without shared sound nothing begins, and the page says what to share", async (context) => {
  context.mock.method(console, "warn", () => {});
  browser.shares = null;
  const conversation = prepare(TWO);
  assert.equal(await conversation.openMicrophone({ ...OPTIONS, talkers: "call" }), false);
  assert.match(notices.get("microphone")?.[0], /No sound was shared/);
});
