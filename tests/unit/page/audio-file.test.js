import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { AudioFile, AudioFileError } from "../../../fastapi_service/static/audio/audio-file.js";

/** Channels of the decoded audio. @type {Float32Array[]} */
let channels = [];

/** Decodes anything but an empty file, as the browser does: at the rate that it is made with. */
class FakeContext {
  /** @param {number} _channels @param {number} _length @param {number} rate */
  constructor(_channels, _length, rate) {
    this.rate = rate;
  }

  /** @param {ArrayBuffer} bytes */
  async decodeAudioData(bytes) {
    if (!bytes.byteLength) throw new DOMException("unable to decode", "EncodingError");
    return {
      duration: channels[0].length / this.rate,
      numberOfChannels: channels.length,
      getChannelData: (/** @type {number} */ channel) => channels[channel],
    };
  }
}

beforeEach(() => {
  Object.assign(globalThis, { OfflineAudioContext: FakeContext });
});

/** @param {string} code */
const refuses = (code) => (/** @type {unknown} */ error) => error instanceof AudioFileError && error.code === code;

test("a file comes second by second, its channels mixed, and nothing of its end is missing", async () => {
  channels = [new Float32Array(40_000).fill(0.5), new Float32Array(40_000).fill(-0.25)];
  const file = await AudioFile.open(new Blob(["sound"]));
  assert.equal(file.seconds, 2.5);
  const pieces = [];
  for (const piece of file.pieces()) pieces.push(piece);
  assert.deepEqual(pieces.map(({ length }) => length), [16_000, 16_000, 8_000]);
  assert.ok(pieces.every((piece) => piece.every((sample) => sample === 4096)));
});

test("what is no sound is refused", async () => {
  await assert.rejects(AudioFile.open(new Blob([])), refuses("not_audio"));
});

test("what cannot be read is refused: a folder, or a file that changed or went since it was chosen", async () => {
  for (const name of ["NotFoundError", "NotReadableError", "SecurityError"]) {
    const file = Object.assign(new Blob(["sound"]), { arrayBuffer: () => Promise.reject(new DOMException("", name)) });
    await assert.rejects(AudioFile.open(file), refuses("not_audio"));
  }
});

test("what is too large is not even read", async () => {
  const file = /** @type {Blob} */ ({ size: 200_000_001 });
  await assert.rejects(AudioFile.open(file), refuses("too_large"));
});

test("what is too long is refused", async () => {
  channels = [new Float32Array(16_001)];
  await assert.rejects(AudioFile.open(new Blob(["sound"]), 1), refuses("too_long"));
});

const SERVICE = new URL("ws://service/decode");
/** Kinds of decoders that were used. @type {string[]} */
let used;
/** Sockets that the page closed. */
let closed = 0;

/**
 * Files whose duration is known, and a service that decodes, or answers with an error after some pieces.
 * @param {{ seconds: number, here?: boolean, error?: string, pieces?: number, refusals?: string[], silent?: boolean }} how
 * `refusals`: codes of the first answers; `silent`: the service does not answer
 */
function decoders({ seconds, here = true, error, pieces = 2, refusals = [], silent = false }) {
  used = [];
  closed = 0;
  refusals = [...refusals];
  channels = [new Float32Array(16_000)];
  class Context extends FakeContext {
    /** @param {ArrayBuffer} bytes */
    decodeAudioData(bytes) {
      used.push("here");
      return here ? super.decodeAudioData(bytes) : Promise.reject(new DOMException("", "EncodingError"));
    }
  }
  class Audio {
    duration = seconds;
    onloadedmetadata = () => {};
    set src(/** @type {string} */ _) {
      queueMicrotask(() => this.onloadedmetadata());
    }
  }
  class Socket {
    onopen = () => {};
    /** @type {((event: { data: unknown }) => void) | null} */
    onmessage = (/** @type {{ data: unknown }} */ { data }) => assert.ok(data);
    /** @type {(() => void) | null} */
    onclose = () => {};
    constructor() {
      used.push("there");
      queueMicrotask(() => this.onopen());
    }
    close() {
      closed++;
    }
    /** @param {string | Blob} message */
    async send(message) {
      if (silent) return;
      const refusal = refusals.shift();
      if (refusal === "unreachable") return this.onclose?.();
      if (refusal) return this.onmessage?.({ data: JSON.stringify({ type: "error", code: refusal }) });
      if (typeof message === "string") {
        assert.deepEqual(JSON.parse(message), { type: "open", size: file.size });
        return this.onmessage?.({ data: JSON.stringify({ type: "read", offset: 1, length: 3 }) });
      }
      assert.equal(await message.text(), "oun");
      for (let i = 0; i < pieces; i++) this.onmessage?.({ data: new Blob([new Int16Array(16_000).fill(i)]) });
      if (error !== "unreachable") this.onmessage?.({ data: JSON.stringify({ type: error ? "error" : "decoded", code: error }) });
      this.onclose?.();
    }
  }
  Object.assign(globalThis, { OfflineAudioContext: Context, Audio, WebSocket: Socket });
}

afterEach(() => {
  Object.assign(globalThis, { Audio: undefined, WebSocket: undefined });
});

/** @type {Blob} */
let file;
/** @param {import("../../../fastapi_service/static/audio/remote-decoder.js").Progress} [progress] */
const open = (progress, content = "sound") => {
  file = new Blob([content]);
  return AudioFile.open(file, undefined, SERVICE, { pauses: { againMs: 1 }, ...progress });
};

for (const [name, how, expected, seconds] of /** @type {[string, Parameters<typeof decoders>[0], string[], number][]} */ ([
  ["a short file is decoded here", { seconds: 600 }, ["here"], 1],
  ["a long one by the service", { seconds: 601 }, ["there"], 2],
  ["a small one of unknown length here", { seconds: Infinity }, ["here"], 1],
  ["what the browser cannot read by the service", { seconds: 3, here: false }, ["here", "there"], 2],
  ["a long one that the service does not read here", { seconds: 3600, error: "not_wav", pieces: 0 }, ["there", "here"], 1],
  ["one of unknown length, as a browser records it, here", { seconds: Infinity, here: true }, ["here"], 1],
  ["again when all decoders are busy", { seconds: 700, refusals: Array(5).fill("decoders_busy") }, Array(6).fill("there"), 2],
  ["again when the line is lost", { seconds: 700, refusals: ["unreachable", "unreachable"] }, Array(3).fill("there"), 2],
])) {
  test(name, async () => {
    decoders(how);
    assert.equal((await open()).seconds, seconds);
    assert.deepEqual(used, expected);
  });
}

for (const [code, how] of /** @type {[string, Parameters<typeof decoders>[0]][]} */ ([
  ["too_long", { seconds: 10_801 }],
  ["too_long", { seconds: NaN, here: false, error: "too_long", pieces: 0 }],
  ["memory", { seconds: 3601, error: "not_wav", pieces: 0 }],
  ["memory", { seconds: 3000, here: false, error: "wav_format", pieces: 0 }],
  ["empty", { seconds: 3, here: false, error: "wav_empty", pieces: 0 }],
  ["decoder_slow", { seconds: 3000, error: "decoder_slow", pieces: 0 }],
  ["not_audio", { seconds: NaN, here: false, error: "not_wav", pieces: 0 }],
  ["unreachable", { seconds: 700, error: "unreachable" }],
  ["unreachable", { seconds: 3, here: false, error: "unreachable" }],
  ["unreachable", { seconds: NaN, here: false, error: "unreachable" }],
])) {
  test(`it is refused as ${code}: ${JSON.stringify(how)}`, async () => {
    decoders(how);
    await assert.rejects(open(), refuses(code));
  });
}

test("what the service does not read, and is of unknown length, is not decoded here when it is large", async () => {
  for (const [seconds, code] of /** @type {[number, string][]} */ ([[Infinity, "memory"], [NaN, "not_audio"]])) {
    decoders({ seconds, refusals: ["not_wav"] });
    await assert.rejects(open({}, "x".repeat(4_000_001)), refuses(code));
    assert.deepEqual(used, ["there"]);
    decoders({ seconds, refusals: ["not_wav"] });
    assert.equal((await open({}, "x".repeat(4_000_000))).seconds, 1);
    assert.deepEqual(used, ["there", "here"]);
  }
});

test("a service that says nothing is unreachable, and its sockets are closed", async () => {
  decoders({ seconds: 700, silent: true });
  await assert.rejects(open({ pauses: { againMs: 1, silentMs: 5 } }), refuses("unreachable"));
  assert.deepEqual([used, closed], [["there", "there", "there"], 3]);
});

for (const [name, how] of /** @type {[string, Parameters<typeof decoders>[0]][]} */ ([
  ["while the service is silent", { seconds: 700, silent: true }],
  ["while it waits for its turn", { seconds: 700, refusals: Array(1000).fill("decoders_busy") }],
  ["while the line is away", { seconds: 700, refusals: ["unreachable", "unreachable"] }],
])) {
  test(`it can be ended ${name}`, async () => {
    decoders(how);
    const ended = new AbortController();
    setTimeout(() => ended.abort(), 20);
    await assert.rejects(open({ signal: ended.signal, pauses: { againMs: 15 } }), { name: "AbortError" });
    const before = used.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(used.length, before);
    assert.ok(!used.includes("here"));
  });
}

test("it shows the part of the file that was read, and that it waits", async () => {
  /** @type {[string, number][]} */
  const states = [];
  decoders({ seconds: 700, refusals: ["decoders_busy"] });
  await open({ onState: (state, share) => states.push([state, share]) });
  assert.deepEqual(states, [["queued", 0], ["reading", 0.2]]);
});

test("the pieces of the service come in order, and its reason for a missing end with them", async () => {
  decoders({ seconds: 3000, error: "file_truncated", pieces: 3 });
  const file = await open();
  const pieces = [];
  for await (const piece of file.pieces()) pieces.push(piece[0]);
  assert.deepEqual(pieces, [0, 1, 2]);
  assert.equal(file.problem?.code, "file_truncated");
});

test("channels that cancel each other out are not mixed: the loudest is heard", async () => {
  for (const [second, expected] of /** @type {[number, number][]} */ ([[-0.5, 16_384], [-0.45, 16_384], [0, 8192], [0.5, 16_384]])) {
    channels = [new Float32Array(16_000).fill(0.5), new Float32Array(16_000).fill(second)];
    Object.assign(globalThis, { OfflineAudioContext: FakeContext });
    const [piece] = (await AudioFile.open(new Blob(["sound"]))).pieces();
    assert.equal(/** @type {Int16Array} */ (piece)[0], expected, String(second));
  }
});
