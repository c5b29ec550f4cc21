import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { setImmediate } from "node:timers/promises";

import { MicrophoneError } from "../../../fastapi_service/static/audio/input-devices.js";
import { Microphone } from "../../../fastapi_service/static/audio/microphone.js";
import { FakeBrowser, FakeContext } from "./fake-browser.js";

/** @type {import("../../../fastapi_service/static/audio/microphone.js").MicrophoneOptions} */
const DEFAULTS = {
  device: null,
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
  threshold: null,
};

const { navigator, addEventListener, removeEventListener } = globalThis;
/** @type {FakeBrowser} */
let browser;
/** @type {string[]} */
let states;
/** @type {unknown[]} */
let chunks;

beforeEach(() => {
  mock.method(console, "warn", () => {});
  browser = new FakeBrowser();
  browser.install();
  [states, chunks] = [[], []];
});

afterEach(() => {
  mock.restoreAll();
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
  Object.assign(globalThis, { addEventListener, removeEventListener });
});

/** @param {Partial<import("../../../fastapi_service/static/audio/microphone.js").MicrophoneOptions>} [options] */
function open(options) {
  return Microphone.open(
    { ...DEFAULTS, ...options },
    { onChunk: (chunk) => chunks.push(chunk), onState: (state) => states.push(state) },
  );
}

/** Runs all pending callbacks. */
async function settle() {
  for (let turn = 0; turn < 10; turn++) await setImmediate();
}

test("it opens at 16 kHz with the options; closing hands out the last audio and stops the track", async () => {
  const microphone = await open({ noiseSuppression: false, device: "headset" });
  assert.deepEqual(browser.requests, [
    {
      channelCount: 1,
      deviceId: { exact: "headset" },
      echoCancellation: true,
      noiseSuppression: false,
      autoGainControl: true,
    },
  ]);
  assert.equal(browser.context.sampleRate, 16_000);
  assert.deepEqual(browser.node.suppressor, { threshold: null, endpointing: null });
  browser.node.port.onmessage({ data: "a chunk" });
  await microphone.close();
  assert.deepEqual(chunks, ["a chunk", "the rest"]);
  assert.deepEqual(states, ["open"]);
  assert.ok(browser.track.stopped && browser.context.closed);
});

test("where a context of 16 kHz cannot take the stream, the device's rate is used", async () => {
  browser.only = 44_100;
  await open();
  assert.deepEqual(browser.contexts.map(({ sampleRate, closed }) => [sampleRate, closed]), [
    [16_000, true],
    [44_100, false],
  ]);
});

test("a stored device that is gone is replaced by the browser's choice", async () => {
  browser.errors = ["OverconstrainedError"];
  await open({ device: "gone" });
  assert.equal(browser.requests[1].deviceId, undefined);
  assert.deepEqual(states, ["open"]);
});

for (const [name, code] of Object.entries({
  NotAllowedError: "denied",
  NotFoundError: "missing",
  NotReadableError: "busy",
  TypeError: "broken",
})) {
  test(`a device that cannot be opened (${name}) is an error with a code`, async () => {
    browser.errors = [name];
    await assert.rejects(open(), (error) => error instanceof MicrophoneError && error.code === code);
    assert.deepEqual(states, []);
  });
}

test("an unplugged device is reported, and the next available one replaces it", async () => {
  await open({ device: "headset" });
  const [first] = browser.tracks;
  browser.errors = ["OverconstrainedError", "NotFoundError"];
  first.onended();
  await settle();
  assert.deepEqual(states, ["open", "lost"]);
  assert.ok(!browser.context.closed, "the former path still counts time");
  browser.plug();
  await settle();
  assert.deepEqual(states, ["open", "lost", "recovered"]);
  assert.deepEqual(chunks, ["the rest"]);
  assert.ok(browser.contexts[0].closed && !browser.context.closed);
});

test("a busy device is opened again after a second", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  await open();
  browser.errors = ["NotReadableError"];
  browser.track.onended();
  await settle();
  assert.deepEqual(states, ["open", "lost"]);
  mock.timers.tick(1000);
  await settle();
  assert.deepEqual(states, ["open", "lost", "recovered"]);
  mock.timers.reset();
});

test("a change of devices alone changes nothing", async () => {
  await open();
  browser.plug();
  await settle();
  assert.deepEqual([browser.requests.length, states], [1, ["open"]]);
});

test("a withdrawn permission is reported, and no device is opened until it is back", async () => {
  await open();
  browser.permission.state = "denied";
  browser.permission.onchange();
  browser.track.onended();
  browser.plug();
  await settle();
  assert.deepEqual([browser.requests.length, states], [1, ["open", "denied"]]);
  browser.permission.state = "granted";
  browser.permission.onchange();
  await settle();
  assert.deepEqual(states, ["open", "denied", "recovered"]);
});

test("an interrupted context is reported, and resumed when the page is visible again", async () => {
  await open();
  browser.context.resume = async () => {
    throw new DOMException("", "InvalidStateError"); // the call is still going on
  };
  browser.context.become("interrupted");
  await settle();
  assert.deepEqual(states, ["open", "interrupted"]);
  browser.context.resume = FakeContext.prototype.resume;
  globalThis.document.dispatchEvent(new Event("visibilitychange"));
  await settle();
  assert.deepEqual(states, ["open", "interrupted", "running"]);
});

test("a muted device is reported", async () => {
  await open();
  browser.track.onmute();
  browser.track.onunmute();
  assert.deepEqual(states, ["open", "muted", "unmuted"]);
});

test("a new threshold applies at once; a new device replaces the first", async () => {
  const microphone = await open();
  const threshold = 0.001;
  microphone.setOptions({ ...DEFAULTS, threshold });
  await settle();
  assert.deepEqual([browser.node.received, browser.requests.length], [[{ threshold, endpointing: null }], 1]);

  microphone.setOptions({ ...DEFAULTS, threshold, device: "headset" });
  await settle();
  assert.deepEqual(browser.requests[1].deviceId, { exact: "headset" });
  assert.ok(browser.tracks[0].stopped && browser.contexts[0].closed);
  assert.deepEqual(browser.node.suppressor, { threshold, endpointing: null });
  assert.deepEqual([states, chunks], [["open", "open"], ["the rest"]]);
});

test("endpointing reaches the worklet and that of the next device, and leaves the threshold as it is", async () => {
  const endpointing = { silence_ceiling: 0.0001 };
  const microphone = await open({ threshold: 0.001 });
  microphone.setEndpointing(endpointing);
  assert.deepEqual(browser.node.received, [{ threshold: 0.001, endpointing }]);
  microphone.setOptions({ ...DEFAULTS, threshold: null, device: "headset" });
  await settle();
  assert.deepEqual(browser.node.suppressor, { threshold: null, endpointing });
});

test("quick changes of settings open one device after the other, and the last one stays", async () => {
  const microphone = await open();
  for (const device of ["a", "b", "c"]) microphone.setOptions({ ...DEFAULTS, device });
  await settle();
  assert.deepEqual(browser.requests.at(-1)?.deviceId, { exact: "c" });
  assert.equal(browser.tracks.filter(({ stopped }) => !stopped).length, 1);
  assert.equal(browser.contexts.filter(({ closed }) => !closed).length, 1);
});

test("a closed microphone stays closed after events of the device", async () => {
  const microphone = await open();
  await microphone.close();
  browser.plug();
  browser.permission.onchange?.();
  globalThis.document.dispatchEvent(new Event("visibilitychange"));
  await settle();
  assert.deepEqual([browser.requests.length, states], [1, ["open"]]);
});
