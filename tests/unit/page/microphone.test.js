import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { setImmediate } from "node:timers/promises";

import { MicrophoneError } from "../../../fastapi_service/static/audio/input-devices.js";
import { Microphone } from "../../../fastapi_service/static/audio/microphone.js";

/** @type {import("../../../fastapi_service/static/audio/microphone.js").MicrophoneOptions} */
const DEFAULTS = {
  device: null,
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
  threshold: null,
};

/** A browser as far as a microphone needs one; what it was asked is kept, and what happens to it is told by hand. */
class FakeBrowser {
  /** Every request for a stream. @type {MediaTrackConstraints[]} */
  asked = [];
  /** @type {FakeTrack[]} */
  tracks = [];
  /** @type {FakeContext[]} */
  contexts = [];
  /** @type {FakeNode[]} */
  nodes = [];
  /** What `getUserMedia` answers next: the names of errors. @type {string[]} */
  errors = [];
  /** The rate of the sound card if a context of another rate is refused. @type {number | null} */
  only = null;
  media = new EventTarget();
  permission = { state: "granted", onchange: () => {} };

  install() {
    const getUserMedia = async (/** @type {{ audio: MediaTrackConstraints }} */ { audio }) => {
      this.asked.push(audio);
      const error = this.errors.shift();
      if (error) throw new DOMException("", error);
      const track = new FakeTrack();
      this.tracks.push(track);
      return { active: true, getTracks: () => [track], getAudioTracks: () => [track] };
    };
    const node = { query: async () => this.permission };
    Object.defineProperty(globalThis, "navigator", {
      value: { mediaDevices: Object.assign(this.media, { getUserMedia }), permissions: node },
      configurable: true,
    });
    const browser = this;
    const events = new EventTarget();
    Object.assign(globalThis, {
      isSecureContext: true,
      document: new EventTarget(),
      addEventListener: events.addEventListener.bind(events),
      removeEventListener: events.removeEventListener.bind(events),
      AudioContext: class extends FakeContext {
        /** @param {AudioContextOptions} options */
        constructor(options) {
          super(options, browser);
        }
      },
      AudioWorkletNode: class extends FakeNode {
        /** @param {FakeContext} context @param {string} _name @param {AudioWorkletNodeOptions} options */
        constructor(context, _name, options) {
          super(options);
          browser.nodes.push(this);
        }
      },
    });
    Object.assign(globalThis, { window: globalThis });
  }

  plug() {
    this.media.dispatchEvent(new Event("devicechange"));
  }

  get track() {
    return /** @type {FakeTrack} */ (this.tracks.at(-1));
  }

  get context() {
    return /** @type {FakeContext} */ (this.contexts.at(-1));
  }

  get node() {
    return /** @type {FakeNode} */ (this.nodes.at(-1));
  }
}

class FakeTrack {
  muted = false;
  stopped = false;
  onended = () => {};
  onmute = () => {};
  onunmute = () => {};

  stop() {
    this.stopped = true;
  }
}

class FakeContext {
  state = "suspended";
  closed = false;
  onstatechange = () => {};
  destination = {};
  audioWorklet = { addModule: async () => {} };

  /** @param {AudioContextOptions} options @param {FakeBrowser} browser */
  constructor({ sampleRate }, browser) {
    this.sampleRate = sampleRate ?? browser.only;
    this.browser = browser;
    browser.contexts.push(this);
  }

  createMediaStreamSource() {
    if (this.browser.only && this.sampleRate !== this.browser.only) throw new DOMException("", "NotSupportedError");
    return { connect: (/** @type {FakeNode} */ node) => node };
  }

  async resume() {
    this.become("running");
  }

  /** @param {string} state */
  become(state) {
    this.state = state;
    this.onstatechange?.();
  }

  close() {
    this.closed = true;
  }
}

class FakeNode {
  /** What it was told. @type {unknown[]} */
  told = [];
  port = {
    /** @type {(message: { data: unknown }) => void} */
    onmessage: () => {},
    postMessage: (/** @type {unknown} */ message) => {
      this.told.push(message);
      if (message === null) for (const data of ["the rest", null]) this.port.onmessage({ data });
    },
  };

  /** @param {AudioWorkletNodeOptions} options */
  constructor(options) {
    this.suppressor = options.processorOptions;
  }

  connect() {}
}

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

/** Everything that waits for nothing but its turn. */
async function settle() {
  for (let turn = 0; turn < 10; turn++) await setImmediate();
}

test("it opens at 16 kHz with the options, and closes with the last sound and without a recording sign", async () => {
  const microphone = await open({ noiseSuppression: false, device: "headset" });
  assert.deepEqual(browser.asked, [
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

test("where a context of 16 kHz takes no microphone, it has the rate of the device", async () => {
  browser.only = 44_100;
  await open();
  assert.deepEqual(browser.contexts.map(({ sampleRate, closed }) => [sampleRate, closed]), [
    [16_000, true],
    [44_100, false],
  ]);
});

test("a remembered device that is gone gives way to the browser's choice", async () => {
  browser.errors = ["OverconstrainedError"];
  await open({ device: "gone" });
  assert.equal(browser.asked[1].deviceId, undefined);
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

test("an unplugged device is told, and the next one that is there goes on", async () => {
  await open({ device: "headset" });
  const [first] = browser.tracks;
  browser.errors = ["OverconstrainedError", "NotFoundError"];
  first.onended();
  await settle();
  assert.deepEqual(states, ["open", "lost"]);
  assert.ok(!browser.context.closed, "the former path goes on counting time");
  browser.plug();
  await settle();
  assert.deepEqual(states, ["open", "lost", "recovered"]);
  assert.deepEqual(chunks, ["the rest"]);
  assert.ok(browser.contexts[0].closed && !browser.context.closed);
});

test("a device that is there but does not answer yet is tried again by itself", async () => {
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
  assert.deepEqual([browser.asked.length, states], [1, ["open"]]);
});

test("a permission that is taken away is told, and nothing is asked until it is there again", async () => {
  await open();
  browser.permission.state = "denied";
  browser.permission.onchange();
  browser.track.onended();
  browser.plug();
  await settle();
  assert.deepEqual([browser.asked.length, states], [1, ["open", "denied"]]);
  browser.permission.state = "granted";
  browser.permission.onchange();
  await settle();
  assert.deepEqual(states, ["open", "denied", "recovered"]);
});

test("an interrupted context is told and started again when the page is looked at", async () => {
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

test("a muted device is told, also when it is so from the beginning", async () => {
  await open();
  browser.track.onmute();
  browser.track.onunmute();
  assert.deepEqual(states, ["open", "muted", "unmuted"]);
});

test("the threshold applies at once; another device is opened in place of the first", async () => {
  const microphone = await open();
  const threshold = 0.001;
  microphone.setOptions({ ...DEFAULTS, threshold });
  await settle();
  assert.deepEqual([browser.node.told, browser.asked.length], [[{ threshold, endpointing: null }], 1]);

  microphone.setOptions({ ...DEFAULTS, threshold, device: "headset" });
  await settle();
  assert.deepEqual(browser.asked[1].deviceId, { exact: "headset" });
  assert.ok(browser.tracks[0].stopped && browser.contexts[0].closed);
  assert.deepEqual(browser.node.suppressor, { threshold, endpointing: null });
  assert.deepEqual([states, chunks], [["open", "open"], ["the rest"]]);
});

test("the gateway's endpointing reaches the worklet, stays with the next device, and keeps the person's threshold", async () => {
  const endpointing = { silence_ceiling: 0.0001 };
  const microphone = await open({ threshold: 0.001 });
  microphone.setEndpointing(endpointing);
  assert.deepEqual(browser.node.told, [{ threshold: 0.001, endpointing }]);
  microphone.setOptions({ ...DEFAULTS, threshold: null, device: "headset" });
  await settle();
  assert.deepEqual(browser.node.suppressor, { threshold: null, endpointing });
});

test("settings that change quickly are opened one after the other, and the last one stays", async () => {
  const microphone = await open();
  for (const device of ["a", "b", "c"]) microphone.setOptions({ ...DEFAULTS, device });
  await settle();
  assert.deepEqual(browser.asked.at(-1)?.deviceId, { exact: "c" });
  assert.equal(browser.tracks.filter(({ stopped }) => !stopped).length, 1);
  assert.equal(browser.contexts.filter(({ closed }) => !closed).length, 1);
});

test("what is closed stays closed, whatever happens to the device", async () => {
  const microphone = await open();
  await microphone.close();
  browser.plug();
  browser.permission.onchange?.();
  globalThis.document.dispatchEvent(new Event("visibilitychange"));
  await settle();
  assert.deepEqual([browser.asked.length, states], [1, ["open"]]);
});
