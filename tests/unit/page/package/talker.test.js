import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { setImmediate } from "node:timers/promises";

import { ServiceError, Talker } from "../../../../packages/browser/src/index.js";
import { FakeBrowser } from "../fake-browser.js";
import { FakeWebSocket, latest } from "../fake-web-socket.js";

const PAGE = "https://page.example";
const SERVICE = "http://service:8000/talk";
const KNOWN = { session_id: "known", token: "key" };
const REFUSAL = { type: "error", code: "no_grant", message: "Access is closed.", remedy: "Send a key.", fatal: true };

const globals = { ...globalThis, navigator: globalThis.navigator };
/** @type {FakeBrowser} */
let browser;
/** Names and values of the events of the newest talker. @type {unknown[][]} */
let events;
/** Path → answer; null: none that the page may read. @type {Record<string, object | null>} */
let answers;
/** Addresses of requests. @type {string[]} */
let requests;

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  browser = new FakeBrowser();
  browser.install();
  browser.rest = { gap: 0, pcm: new Int16Array(0), energy: 0, threshold: 0 };
  FakeWebSocket.install();
  events = [];
  requests = [];
  answers = {};
  const fetch = async (/** @type {URL} */ url) => {
    requests.push(url.href);
    const answer = answers[url.pathname.split("/").at(-1) ?? ""];
    if (!answer) throw new TypeError("Failed to fetch");
    return { ok: true, json: async () => answer };
  };
  Object.assign(globalThis, { fetch, location: { origin: PAGE } });
});

afterEach(() => {
  mock.timers.reset();
  const { navigator, addEventListener, removeEventListener, fetch } = globals;
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
  Object.assign(globalThis, { addEventListener, removeEventListener, fetch });
});

/** @param {ConstructorParameters<typeof Talker>[1]} [options] */
function make(options) {
  const talker = new Talker(SERVICE, options);
  for (const name of /** @type {const} */ (["state", "error", "final", "level", "microphone", "waiting"]))
    talker.on(name, (value) => events.push([name, value instanceof ServiceError ? value.code : value]));
  return talker;
}

/** One whose session stands. @param {ConstructorParameters<typeof Talker>[1]} [options] */
async function talking(options) {
  const talker = make(options);
  const started = talker.start();
  await setImmediate();
  latest().ready(0, "key");
  await started;
  return talker;
}

function breakConnection() {
  latest().onclose({ code: 1006 });
  mock.timers.tick(500);
}

test("start opens the microphone, then the session, with the options as the fields of `start`", async () => {
  const talker = make({ languages: ["ko"], room: "demo", name: "Ann", invite: "secret" });
  const started = talker.start({ noiseSuppression: true });
  await setImmediate();
  assert.deepEqual([browser.requests.length, browser.requests[0].noiseSuppression, browser.requests[0].echoCancellation], [1, true, true]);
  latest().onopen();
  const start = { type: "start", language: "ko", prompt: "", room: "demo", invite: "secret", sample_rate: 16_000 };
  assert.deepEqual(latest().sent, [{ ...start, last_seq: 0, name: "Ann" }]);
  latest().ready(0, "key");
  await started;
  assert.deepEqual(talker.session, KNOWN);
  assert.deepEqual(events, [["microphone", "open"], ["state", "connecting"], ["state", "open"]]);
});

test("chunks of the microphone become audio and gaps, and levels", async () => {
  await talking();
  browser.node.port.onmessage({ data: { gap: 300, pcm: new Int16Array(1600), energy: 1, threshold: 0.5 } });
  assert.deepEqual(latest().sent.slice(-2), [{ type: "gap", samples: 300 }, 1600]);
  assert.deepEqual(events.at(-1), ["level", { energy: 1, threshold: 0.5 }]);
});

test("messages are events of their type, until the listener is removed", async () => {
  const talker = await talking();
  /** @type {string[]} */
  const texts = [];
  const remove = talker.on("final", ({ text }) => texts.push(text));
  latest().deliver({ type: "final", seq: 1, text: "One." });
  latest().deliver({ type: "final", seq: 1, text: "One." }); // sent again
  remove();
  latest().deliver({ type: "final", seq: 2, text: "Two." });
  assert.deepEqual(texts, ["One."]);
  assert.equal(talker.lastSeq, 2);
});

test("an error in a listener is the page's, and the session goes on", async () => {
  /** @type {unknown[]} */
  const reported = [];
  Object.assign(globalThis, { reportError: (/** @type {unknown} */ error) => reported.push(error) });
  const talker = new Talker(SERVICE);
  talker.on("ready", () => {
    throw new Error("the page's");
  });
  const started = talker.watch();
  latest().ready(0, "key");
  await started;
  assert.equal(String(reported), "Error: the page's");
});

test("stop closes the microphone, sends `stop` and returns how many results are missing", async () => {
  const talker = await talking();
  browser.node.rest = { gap: 0, pcm: new Int16Array(100), energy: 0, threshold: 0 };
  const stopped = talker.stop();
  await setImmediate();
  assert.deepEqual(latest().sent.slice(-2), [100, { type: "stop" }]);
  assert.ok(browser.track.stopped);
  latest().deliver({ type: "stopped", segments: 1, pending: 0 });
  assert.equal(await stopped, 0);
  assert.deepEqual(events.at(-1), ["state", "ended"]);
  await assert.rejects(talker.start(), /make another one/);
});

test("a broken connection is taken up again by the session, and a ticket is not sent twice", async () => {
  const talker = await talking({ ticket: "once" });
  breakConnection();
  latest().onopen();
  const [start] = /** @type {any[]} */ (latest().sent);
  assert.deepEqual([start.session_id, start.token, "ticket" in start], ["known", "key", false]);
  assert.deepEqual(requests, []);
  talker.leave();
});

test("a ticket and a key are sent with a new session", async () => {
  const talker = make({ ticket: "once", key: "wta_1" });
  const watching = talker.watch();
  latest().onopen();
  const [start] = /** @type {any[]} */ (latest().sent);
  assert.deepEqual([start.ticket, start.key], ["once", "wta_1"]);
  latest().ready(0, "key");
  await watching;
});

test("an earlier session is resumed", async () => {
  const talker = make({ resume: KNOWN, lastSeq: 7 });
  const started = talker.start();
  await setImmediate();
  latest().onopen();
  const [start] = /** @type {any[]} */ (latest().sent);
  assert.deepEqual([start.session_id, start.token, start.last_seq], ["known", "key", 7]);
  latest().ready(16_000);
  await started;
  assert.equal(talker.lastSeq, 7);
});

test("a page without a microphone gets the reason, and the talker is over", async () => {
  browser.errors = ["NotAllowedError"];
  const talker = make();
  await assert.rejects(talker.start(), { code: "denied" });
  assert.equal(FakeWebSocket.opened.length, 0);
  assert.equal(await talker.stop(), null);
});

test("a session that the service refuses ends with its code, and the microphone is closed", async () => {
  const talker = make();
  const started = talker.start();
  await setImmediate();
  latest().onopen();
  latest().deliver(REFUSAL);
  latest().onclose({ code: 1008 });
  await assert.rejects(started, { name: "ServiceError", code: "no_grant", message: "Access is closed.", remedy: "Send a key." });
  assert.ok(browser.track.stopped);
  assert.deepEqual(events.filter(([name]) => name !== "level"), [["microphone", "open"], ["state", "connecting"], ["state", "ended"]]);
});

test("an origin that the service does not let in ends the session with a code of its own", async () => {
  answers = { healthz: {} };
  const started = make().watch();
  latest().onclose({ code: 1006 });
  await assert.rejects(started, ({ code, message, remedy }) => {
    assert.equal(code, "origin_refused");
    assert.match(message, /http:\/\/service:8000 lets no pages of https:\/\/page.example in/);
    return /GATEWAY_ALLOWED_ORIGINS=https:\/\/page.example /.test(remedy);
  });
  assert.deepEqual(requests, [`${SERVICE}/readyz?origin=${PAGE}`, `${SERVICE}/healthz`]);
});

test("a service that does not answer is an event, and the session begins when it does", async () => {
  const started = make().watch();
  breakConnection();
  await setImmediate();
  assert.deepEqual(events.at(-1), ["error", "unreachable"]);
  answers = { readyz: { checks: { stt_worker: { ready: false, reason: "no stt_worker is running" } } } };
  breakConnection();
  await setImmediate();
  assert.deepEqual(events.at(-1), ["error", "not_ready"]);
  mock.timers.tick(2000);
  latest().ready(0, "key");
  await started;
});

test("a service that is full is an event, and the session begins later", async () => {
  const started = make().watch();
  latest().onopen();
  latest().deliver({ ...REFUSAL, code: "service_full" });
  latest().onclose({ code: 1013 });
  await setImmediate();
  assert.deepEqual([events.at(-1), requests], [["error", "service_full"], []]);
  mock.timers.tick(500);
  latest().ready(0, "key");
  await started;
});

test("an error of a session that stands is an event, and so is its end", async () => {
  await talking();
  latest().deliver({ ...REFUSAL, code: "grant_ended" });
  latest().onclose({ code: 1008 });
  await setImmediate();
  assert.deepEqual(events.filter(([name]) => name !== "level").slice(-2), [["error", "grant_ended"], ["state", "ended"]]);
});

test("a file that cannot be decoded ends the talker before it connects", async () => {
  const refuse = async () => { throw new DOMException("", "EncodingError"); };
  Object.assign(globalThis, { OfflineAudioContext: class { decodeAudioData = refuse; } });
  const talker = make();
  await assert.rejects(talker.play(new Blob(["none"])), { code: "not_audio" });
  assert.deepEqual([FakeWebSocket.opened.length, await talker.stop()], [0, null]);
});

test("who leaves while the browser requests the permission gets no session", async () => {
  const talker = make();
  const started = talker.start();
  talker.leave();
  await assert.rejects(started, { code: "ended" });
  assert.equal(FakeWebSocket.opened.length, 0);
  assert.ok(browser.track.stopped);
});

/** Two talkers begin with a microphone of so many channels. @param {number} channels */
async function startTwo(channels) {
  browser.channelCount = channels;
  const started = make({ speakers: [{ name: "Ann" }, { name: "Ben" }] }).start({ talkers: "stereo" });
  await setImmediate();
  latest().onopen();
  const [start] = /** @type {any[]} */ (latest().sent);
  return { started, start };
}

test("two talkers at one page are two channels", async () => {
  const { started, start } = await startTwo(2);
  assert.deepEqual([start.channels, start.speakers], [2, [{ name: "Ann" }, { name: "Ben" }]]);
  for (const channel of [0, 1]) latest().deliver({ type: "ready", session_id: `s${channel}`, token: "t", samples: 0, channel });
  await started;
});

test("a microphone with one channel is one talker's, if two were to talk", async () => {
  const { started, start } = await startTwo(1);
  assert.equal("channels" in start, false);
  latest().ready(0, "key");
  await started;
});

test("a session that has expired is begun again, and its results are counted from the first", async () => {
  const talker = make({ resume: KNOWN, lastSeq: 7 });
  const watching = talker.watch();
  latest().onopen();
  latest().deliver({ ...REFUSAL, code: "session_unknown" });
  assert.equal(talker.lastSeq, 0);
  latest().ready(0, "other");
  await watching;
  assert.deepEqual(talker.session, { session_id: "known", token: "other" });
});

test("a change of name and languages reaches the service", async () => {
  const talker = make({ languages: ["en"], name: "Ann" });
  const watching = talker.watch();
  latest().onopen();
  latest().deliver({ type: "ready", ...KNOWN, samples: 0, languages: ["en"], prompt: "", name: "Ann", person: "1" });
  await watching;
  talker.configure({ name: "Ben" });
  assert.deepEqual(latest().sent.at(-1), { type: "configure", name: "Ben", role: null });
});

test("a file is sent as fast as the service takes it, and stops", async () => {
  const samples = new Float32Array(24_000);
  const audio = { duration: 1.5, numberOfChannels: 1, getChannelData: () => samples };
  Object.assign(globalThis, { OfflineAudioContext: class { decodeAudioData = async () => audio; } });
  const talker = make();
  /** @type {number[]} */
  const shares = [];
  talker.on("progress", (share) => shares.push(share));
  const played = talker.play(new Blob(["sound"]));
  for (let turn = 0; !FakeWebSocket.opened.length && turn < 100; turn++) await setImmediate();
  latest().ready(0, "key");
  for (let turn = 0; shares.length < 2 && turn < 100; turn++) await setImmediate();
  latest().deliver({ ...REFUSAL, code: "busy", fatal: false });
  await setImmediate();
  assert.deepEqual(latest().sent, [16_000, 8_000, { type: "stop" }]);
  latest().deliver({ type: "stopped", segments: 1, pending: 0 });
  assert.equal(await played, 0);
  assert.deepEqual(shares.map((share) => share.toFixed(2)), ["0.67", "1.00"]);
  assert.deepEqual(events.filter(([name]) => name === "error"), []);
});
