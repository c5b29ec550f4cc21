import assert from "node:assert/strict";
import { test } from "node:test";

import { SAMPLE_RATE, toPcm } from "../../../fastapi_service/static/audio/pcm.js";
import { Resampler } from "../../../fastapi_service/static/audio/resampler.js";
import { FRAME, HANGOVER, PRE_ROLL, SilenceSuppressor } from "../../../fastapi_service/static/audio/silence-suppressor.js";
import { LOUD, QUIET, blocks, frames, noise, rms, times } from "./signals.js";

const ADAPTIVE = { threshold: null };

/** @typedef {import("../../../fastapi_service/static/audio/silence-suppressor.js").AudioChunk} AudioChunk */

/**
 * @param {SilenceSuppressor} suppressor
 * @param {Int16Array} pcm
 * @param {number} [size] of the blocks
 */
function suppress(suppressor, pcm, size = 128) {
  return [...blocks(pcm, size)].flatMap((block) => suppressor.push(block));
}

/** The stream as the service understands it: gaps are digital silence. @param {AudioChunk[]} chunks */
function stream(chunks) {
  return chunks.flatMap(({ gap, pcm }) => [...new Array(gap).fill(0), ...pcm]);
}

/** Frames, counted from the stream's start, that were sent. @param {AudioChunk[]} chunks */
function sentFrames(chunks) {
  let position = 0;
  return chunks.flatMap(({ gap, pcm }) => {
    const first = (position + gap) / FRAME;
    position += gap + pcm.length;
    return Array.from({ length: pcm.length / FRAME }, (_, i) => first + i);
  });
}

/** @param {number} from @param {number} to exclusive */
function range(from, to) {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

test("a sound is sent with a second before it and 600 ms after it, and nothing else is", () => {
  const suppressor = new SilenceSuppressor(ADAPTIVE);
  const chunks = suppress(suppressor, frames([...times(50, QUIET), ...times(7, LOUD), ...times(80, QUIET)]));
  chunks.push(suppressor.flush());
  assert.deepEqual(sentFrames(chunks), range(50 - 34, 57 + 20));
  assert.deepEqual([PRE_ROLL * FRAME, HANGOVER * FRAME], [1.02 * SAMPLE_RATE, 0.6 * SAMPLE_RATE]);
});

test("a pause that is shorter than the hangover is sent", () => {
  const suppressor = new SilenceSuppressor(ADAPTIVE);
  const chunks = suppress(suppressor, frames([LOUD, ...times(19, QUIET), LOUD, ...times(40, QUIET)]));
  assert.deepEqual(sentFrames(chunks), range(0, 41));
});

test("after a pause that is little longer than the hangover, the pre-roll begins where the hangover ended", () => {
  const suppressor = new SilenceSuppressor(ADAPTIVE);
  const chunks = suppress(suppressor, frames([LOUD, ...times(23, QUIET), LOUD, ...times(40, QUIET)]));
  assert.deepEqual(sentFrames(chunks), range(0, 45));
});

test("no voiced frame is lost, and what is sent keeps its position", () => {
  const random = noise(7);
  const energies = Array.from({ length: 3000 }, (_, i) => (Math.floor(i / 37) % 3 && random() > 0 ? LOUD : QUIET));
  const pcm = frames(energies);
  const suppressor = new SilenceSuppressor(ADAPTIVE);
  const chunks = [...suppress(suppressor, pcm, 43), suppressor.flush()];
  const sent = new Set(sentFrames(chunks));
  assert.deepEqual(
    energies.flatMap((energy, i) => (energy === LOUD && !sent.has(i) ? [i] : [])),
    [],
  );
  const received = stream(chunks);
  for (const frame of sent) {
    assert.deepEqual(received.slice(frame * FRAME, (frame + 1) * FRAME), [...pcm.slice(frame * FRAME, (frame + 1) * FRAME)]);
  }
});

test("the size of the blocks changes nothing", () => {
  const pcm = frames([...times(40, QUIET), ...times(9, LOUD), ...times(50, QUIET), LOUD, QUIET]);
  const [whole, ...others] = [pcm.length, 1, 43, 480, 1000].map((size) => {
    const suppressor = new SilenceSuppressor(ADAPTIVE);
    return [...suppress(suppressor, pcm, size), suppressor.flush()];
  });
  for (const other of others) assert.deepEqual(other, whole);
});

test("silence is reported at least once a second, and the level about every 100 ms", () => {
  const suppressor = new SilenceSuppressor(ADAPTIVE);
  const reports = [...blocks(frames(times(1000, QUIET)), FRAME)].map((frame) => suppressor.push(frame));
  const gaps = reports.flatMap((chunks, i) => (chunks.some(({ gap }) => gap) ? [i] : []));
  const between = gaps.slice(1).map((at, i) => ((at - gaps[i]) * FRAME) / SAMPLE_RATE);
  assert.ok(Math.max(...between) <= 1.1, `${Math.max(...between)} s`);
  assert.ok(gaps.length < 32, "once a second, not all the time");
  const levels = reports.flat();
  assert.equal(levels.length, Math.floor(1000 / 3));
  assert.ok(levels.every(({ energy, threshold }) => energy > 0 && energy < threshold));
});

test("speech is on its way within 100 ms", () => {
  const suppressor = new SilenceSuppressor(ADAPTIVE);
  suppressor.push(frames(times(100, QUIET)));
  const counts = [...blocks(frames(times(20, LOUD)), FRAME)].map((frame) => suppressor.push(frame).length);
  assert.ok(counts.indexOf(1) < 3);
  assert.equal(counts.reduce((sum, count) => sum + count), 7);
});

for (const rate of [44_100, 48_000]) {
  test(`ten minutes at ${rate} Hz through resampler and suppressor are exactly ten minutes, and the end is in time`, () => {
    const resampler = new Resampler(rate, SAMPLE_RATE);
    const suppressor = new SilenceSuppressor(ADAPTIVE);
    const angle = 2 * Math.PI * 997;
    const said = (/** @type {number} */ seconds) => Math.floor(seconds / 4) % 2 === 1; // 4 s of silence, 4 s of sound
    let length = 0;
    let sent = 0;
    /** @type {Int16Array} */
    let newest = new Int16Array(0);
    const take = (/** @type {AudioChunk[]} */ chunks) => {
      for (const { gap, pcm } of chunks) {
        length += gap + pcm.length;
        sent += pcm.length;
        if (pcm.length) newest = pcm;
      }
    };
    const block = new Float32Array(128);
    const total = 600 * rate;
    for (let start = 0; start < total; start += block.length) {
      const level = said(start / rate) ? 0.9 : 0.001;
      for (let i = 0; i < block.length; i++) block[i] = level * Math.sin((angle * (start + i)) / rate);
      take(suppressor.push(toPcm(resampler.push(block.subarray(0, Math.min(block.length, total - start))))));
    }
    take(suppressor.push(toPcm(resampler.flush())));
    const beforeFlush = length;
    take([suppressor.flush()]);

    assert.equal(length, 600 * SAMPLE_RATE);
    assert.ok(length - beforeFlush < SAMPLE_RATE, "at most a second stays inside");
    const saved = (length - sent) / length;
    assert.ok(Math.abs(saved - 0.3) < 0.01, `${saved} saved`); // 2.4 s of each 8 s

    const inTime = Float64Array.from(newest, (_, i) => Math.sin((angle * (length - newest.length + i)) / SAMPLE_RATE));
    const correlation = inTime.reduce((sum, x, i) => sum + x * newest[i], 0);
    assert.ok(correlation / (rms(inTime) * rms(newest) * newest.length) > 0.9999, "no drift: it is the same phase");
  });
}

test("a fixed threshold decides alone, also while it runs", () => {
  const suppressor = new SilenceSuppressor({ threshold: 2 * LOUD });
  assert.deepEqual(sentFrames(suppress(suppressor, frames(times(100, LOUD)))), []);
  suppressor.configure({ threshold: LOUD / 2 });
  const [first, ...rest] = suppress(suppressor, frames(times(30, LOUD)));
  assert.equal(first.threshold, LOUD / 2);
  assert.ok([first, ...rest].every(({ pcm }) => pcm.length));
  suppressor.configure(ADAPTIVE);
  assert.notEqual(suppressor.push(frames(times(3, QUIET)))[0].threshold, LOUD / 2);
});

test("a threshold of 0 sends everything that is not digital silence", () => {
  const suppressor = new SilenceSuppressor({ threshold: 0 });
  const pcm = frames(times(201, QUIET));
  const chunks = [...suppress(suppressor, pcm), suppressor.flush()];
  assert.deepEqual(stream(chunks), [...pcm]);
  assert.ok(chunks.every(({ gap }) => gap === 0));
});

/** Ordinary noise, then speech that is 4 times as strong, and silence again. */
const SOFT = 4e-5;
const SOFT_SPEECH = [...times(400, SOFT / 4), ...times(10, SOFT), ...times(100, SOFT / 4)];

test("with a lower ceiling of the gateway, softer speech is sent", () => {
  const usual = suppress(new SilenceSuppressor(ADAPTIVE), frames(SOFT_SPEECH));
  assert.deepEqual(sentFrames(usual), [], "6 × the noise floor is above it");
  const suppressor = new SilenceSuppressor({ threshold: null, endpointing: { silence_ceiling: SOFT / 2 } });
  const chunks = suppress(suppressor, frames(SOFT_SPEECH));
  assert.deepEqual(sentFrames(chunks), range(400 - PRE_ROLL, 410 + HANGOVER));
  assert.equal(chunks.at(-1)?.threshold, SOFT / 2);
});

test("a quiet word that a stream begins with is sent, and a quiet room is not", () => {
  const word = suppress(new SilenceSuppressor(ADAPTIVE), frames([...times(12, SOFT), ...times(80, 1e-7)]));
  assert.deepEqual(sentFrames(word), range(0, 12 + HANGOVER));
  assert.deepEqual(sentFrames(suppress(new SilenceSuppressor(ADAPTIVE), frames(times(200, SOFT / 4)))), []);
});

test("new noise factor, silence and pre-roll of the gateway apply while it runs; without them the defaults do", () => {
  const suppressor = new SilenceSuppressor(ADAPTIVE);
  const before = suppress(suppressor, frames(times(60, SOFT / 4)));
  suppressor.configure({ threshold: null, endpointing: { noise_factor: 2, silence_ms: 900, pre_roll_ms: 1500 } });
  const chunks = [...before, ...suppress(suppressor, frames(SOFT_SPEECH))];
  assert.deepEqual(sentFrames(chunks), range(460 - 50, 470 + Math.ceil(1000 / 30)));
  suppressor.configure({ threshold: null, endpointing: null });
  assert.deepEqual(sentFrames(suppress(suppressor, frames(SOFT_SPEECH))), []);
});

test("the person's threshold wins over the gateway's ceiling", () => {
  const endpointing = { silence_ceiling: SOFT / 2 };
  const suppressor = new SilenceSuppressor({ threshold: 2 * SOFT, endpointing });
  assert.deepEqual(sentFrames(suppress(suppressor, frames(SOFT_SPEECH))), []);
});

test("flush gives out the end of a word", () => {
  const suppressor = new SilenceSuppressor(ADAPTIVE);
  const pcm = frames([...times(40, QUIET), ...times(4, LOUD)]).subarray(0, 43.5 * FRAME);
  const chunks = [...suppress(suppressor, pcm), suppressor.flush()];
  const sent = chunks.flatMap((chunk) => [...chunk.pcm]);
  assert.deepEqual(sent, [...pcm.subarray(6 * FRAME)]);
});

test("time in which the device stood still is silence in its place", () => {
  const suppressor = new SilenceSuppressor(ADAPTIVE);
  const pcm = frames([LOUD, LOUD, QUIET, LOUD]);
  const chunks = [...suppress(suppressor, pcm.subarray(0, 700)), suppressor.skip(5000), ...suppress(suppressor, pcm.subarray(700)), suppressor.flush()];
  assert.deepEqual(stream(chunks), [...pcm.subarray(0, 700), ...new Array(5000).fill(0), ...pcm.subarray(700)]);
});

/** Both channels in turn, of frames with these energies. @param {number[]} left @param {number[]} right */
function stereo(left, right) {
  const [one, other] = [frames(left), frames(right)];
  return Int16Array.from({ length: 2 * one.length }, (_, i) => (i % 2 ? other : one)[i >> 1]);
}

test("two channels are silence while both are, and both are sent while one is not", () => {
  const suppressor = new SilenceSuppressor({ ...ADAPTIVE, channels: 2 });
  const left = [...times(50, QUIET), ...times(7, LOUD), ...times(143, QUIET)];
  const right = [...times(120, QUIET), ...times(7, LOUD), ...times(73, QUIET)];
  const pcm = stereo(left, right);
  const chunks = [...suppress(suppressor, pcm, 256), suppressor.flush()];
  let position = 0;
  const sent = chunks.flatMap(({ gap, pcm: samples }) => {
    const from = position + gap;
    position = from + samples.length / 2;
    assert.deepEqual([...samples], [...pcm.subarray(2 * from, 2 * position)]);
    return range(from / FRAME, position / FRAME);
  });
  assert.deepEqual(sent, [...range(50 - 34, 57 + 20), ...range(120 - 34, 127 + 20)]);
  assert.equal(position, pcm.length / 2);
});

test("each channel has the threshold of its own room, and the level is that of the one which is louder by it", () => {
  const suppressor = new SilenceSuppressor({ ...ADAPTIVE, channels: 2 });
  const [humming, soft] = [3e-5, 5e-5];
  const chunks = suppress(suppressor, stereo(times(400, humming), [...times(390, QUIET), ...times(10, soft)]), 256);
  const { energy, threshold, pcm } = /** @type {AudioChunk} */ (chunks.at(-1));
  assert.ok(pcm.length > 0, "what would be silence beside the humming is a voice in its own channel");
  assert.ok(energy > threshold && Math.abs(energy / soft - 1) < 0.2, `${energy} ${threshold}`);
});

test("a pause of the device is as long in each channel", () => {
  const suppressor = new SilenceSuppressor({ ...ADAPTIVE, channels: 2 });
  const pcm = stereo(times(4, LOUD), times(4, LOUD));
  const chunks = [...suppress(suppressor, pcm, 256), suppressor.skip(5000), ...suppress(suppressor, pcm, 256), suppressor.flush()];
  assert.equal(chunks.reduce((sum, chunk) => sum + chunk.gap + chunk.pcm.length / 2, 0), 5000 + pcm.length);
});
