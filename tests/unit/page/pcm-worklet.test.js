/** The audio thread's part, with a stand-in for its globals. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { tone } from "./signals.js";

const RATE = 48_000;
/** @type {any} */
let Processor;
Object.assign(globalThis, {
  sampleRate: RATE,
  registerProcessor: (/** @type {string} */ _name, /** @type {unknown} */ made) => (Processor = made),
  AudioWorkletProcessor: class {
    port = { onmessage: (/** @type {{ data: unknown }} */ _message) => {}, postMessage: (/** @type {any} */ chunk) => posted.push(chunk) };
  },
});
/** What went to the main thread. @type {any[]} */
let posted = [];
await import("../../../fastapi_service/static/audio/pcm-worklet.js");

/** Runs it over blocks of these channels to its end; returns all samples. @param {Float32Array[]} channels @param {object} [more] */
function run(channels, more) {
  posted = [];
  const processor = new Processor({ processorOptions: { threshold: 0, endpointing: null, ...more } });
  for (let at = 0; at < channels[0].length; at += 128) {
    assert.ok(processor.process([channels.map((channel) => channel.subarray(at, at + 128))]));
  }
  processor.port.onmessage({ data: null });
  assert.equal(posted.at(-1), null);
  assert.equal(processor.process([[]]), false);
  return posted.slice(0, -1).flatMap(({ pcm }) => [...pcm]);
}

test("one channel becomes 16 kHz", () => {
  assert.equal(run([tone(440, RATE, 0.96)]).length, 0.96 * 16_000);
});

test("two channels become 16 kHz beside each other, each as it would be alone", () => {
  const [left, right] = [tone(440, RATE, 0.96), tone(1000, RATE, 0.96).map((sample) => sample / 2)];
  const both = run([left, right], { channels: 2 });
  assert.equal(both.length, 2 * 0.96 * 16_000);
  assert.deepEqual(both.filter((_, i) => i % 2 === 0), run([left]));
  assert.deepEqual(both.filter((_, i) => i % 2 === 1), run([right]));
});

test("a second channel that is not there is silence", () => {
  const left = tone(440, RATE, 0.48);
  const both = run([left], { channels: 2 });
  assert.equal(both.length, 2 * 0.48 * 16_000);
  assert.ok(both.every((sample, i) => i % 2 === 0 || sample === 0));
  assert.ok(both.some((sample) => sample > 30_000));
});
