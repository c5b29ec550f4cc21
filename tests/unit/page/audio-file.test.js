import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

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
