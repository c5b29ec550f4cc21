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
/** @type {string[]} */
let second;
/** @type {unknown[]} */
let chunks;

beforeEach(() => {
  mock.method(console, "warn", () => {});
  browser = new FakeBrowser();
  browser.install();
  [states, second, chunks] = [[], [], []];
});

afterEach(() => {
  mock.restoreAll();
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
  Object.assign(globalThis, { addEventListener, removeEventListener });
});

/**
 * @param {Partial<import("../../../fastapi_service/static/audio/microphone.js").MicrophoneOptions>} [options]
 * @param {number} [channels]
 */
function open(options, channels) {
  return Microphone.open(
    { ...DEFAULTS, ...options },
    {
      onChunk: (chunk) => chunks.push(chunk),
      onState: (state) => states.push(state),
      onSecond: (state) => second.push(state),
    },
    channels,
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

const PLAIN = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

test("for left and right, two channels are requested as they are, and kept apart", async () => {
  browser.channelCount = 2;
  await open({ talkers: "stereo" });
  assert.deepEqual(browser.requests, [{ channelCount: 2, ...PLAIN }]);
  assert.deepEqual(browser.node.suppressor, { threshold: null, endpointing: null, channels: 2 });
  assert.deepEqual([browser.node.options.channelCount, browser.node.options.channelInterpretation], [2, "discrete"]);
  assert.deepEqual([states, second], [["open"], ["stereo"]]);
});

test("a device with one channel is one talker, and that is reported before its first audio", async () => {
  browser.channelCount = 1;
  await open({ talkers: "stereo" });
  assert.deepEqual(browser.node.suppressor, { threshold: null, endpointing: null });
  assert.deepEqual([browser.node.options.channelCount, second], [1, ["mono"]]);
});

test("a device with one channel in the place of one with two leaves the stream with two", async () => {
  browser.channelCount = 2;
  const microphone = await open({ talkers: "stereo" });
  browser.channelCount = 1;
  microphone.setOptions({ ...DEFAULTS, talkers: "one", device: "headset" });
  await settle();
  assert.deepEqual(browser.requests[1], { channelCount: 2, ...PLAIN, deviceId: { exact: "headset" } });
  assert.deepEqual([browser.node.options.channelCount, second], [2, ["stereo", "mono"]]);
});

test("a session of two talkers that goes on has two channels on every device", async () => {
  browser.channelCount = 1;
  await open({ talkers: "stereo" }, 2);
  assert.deepEqual([browser.node.options.channelCount, second], [2, ["mono"]]);
});

test("shared sound is the right channel beside the microphone without its echo, and its pictures end at once", async () => {
  const microphone = await open({ talkers: "call", echoCancellation: false });
  const [[sound, pictures]] = browser.shared;
  assert.deepEqual([sound.stopped, pictures.stopped], [false, true]);
  assert.deepEqual(browser.requests.map(({ channelCount, echoCancellation }) => [channelCount, echoCancellation]), [[1, true]]);
  assert.deepEqual([browser.node.options.channelCount, browser.context.merged], [2, [1, 0]]);
  await microphone.close();
  assert.ok(sound.stopped && browser.track.stopped);
});

test("sound that is shared no longer is reported, the microphone goes on, and it can be shared again", async () => {
  const microphone = await open({ talkers: "call" });
  browser.shared[0][0].onended();
  assert.deepEqual([states, second, browser.track.stopped], [["open"], ["shared", "unshared"], false]);
  browser.shares = null;
  await assert.rejects(microphone.share(), (error) => error instanceof MicrophoneError && error.code === "unshared");
  browser.shares = ["audio", "video"];
  await microphone.share();
  assert.deepEqual([second, browser.context.merged], [["shared", "unshared", "shared"], [1, 0, 1]]);
  microphone.setOptions({ ...DEFAULTS, talkers: "call", device: "headset" });
  await settle();
  assert.deepEqual(browser.context.merged, [1, 0], "the next device's path has it, too");
});

test("what the person shares after the end is let go of", async () => {
  const microphone = await open({ talkers: "call" });
  await microphone.close();
  await microphone.share();
  assert.ok(browser.shared[1].every(({ stopped }) => stopped));
});

for (const [name, shares] of Object.entries({ nothing: null, "pictures only": ["video"] })) {
  test(`a person who shares ${name} gets no microphone either, and hears why`, async () => {
    browser.shares = shares;
    await assert.rejects(open({ talkers: "call" }), (error) => error instanceof MicrophoneError && error.code === "unshared");
    assert.deepEqual(browser.requests, []);
    assert.ok(browser.shared.flat().every(({ stopped }) => stopped));
  });
}

test("without a microphone, nothing stays shared", async () => {
  browser.errors = ["NotAllowedError"];
  await assert.rejects(open({ talkers: "call" }), (error) => error instanceof MicrophoneError && error.code === "denied");
  assert.ok(browser.shared.flat().every(({ stopped }) => stopped));
});
