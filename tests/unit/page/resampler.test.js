import assert from "node:assert/strict";
import { test } from "node:test";

import { SAMPLE_RATE } from "../../../fastapi_service/static/audio/pcm.js";
import { Resampler } from "../../../fastapi_service/static/audio/resampler.js";
import { blocks, decibels, rms, tone } from "./signals.js";

/** Rates of sound cards, in hertz. */
const RATES = [44_100, 48_000];
/** Samples that an audio worklet gets at once. */
const BLOCK = 128;

/**
 * @param {Float32Array} input
 * @param {number} rate
 * @param {number} size
 */
function resample(input, rate, size) {
  const resampler = new Resampler(rate, SAMPLE_RATE);
  const parts = [...blocks(input, size)].map((block) => Array.from(resampler.push(block)));
  return [...parts, Array.from(resampler.flush())].flat();
}

/** Without the filter's start and end. @param {number[]} samples */
function middle(samples) {
  return samples.slice(1600, -1600);
}

/** 0 Hz to 7 kHz within the given seconds. @param {number} rate @param {number} seconds */
function chirp(rate, seconds) {
  return Float32Array.from({ length: rate * seconds }, (_, i) =>
    Math.sin((Math.PI * 7000 * i * i) / rate / rate / seconds),
  );
}

for (const rate of [...RATES, 8_000, 16_000, 22_050, 96_000]) {
  test(`a minute at ${rate} Hz is a minute: no sample is lost or made up between blocks`, () => {
    const resampler = new Resampler(rate, SAMPLE_RATE);
    let count = 0;
    for (const block of blocks(new Float32Array(60 * rate), BLOCK)) count += resampler.push(block).length;
    assert.equal(count + resampler.flush().length, 60 * SAMPLE_RATE);
  });
}

for (const rate of RATES) {
  test(`what 16 kHz cannot hold does not fold back from ${rate} Hz: −60 dB at most`, () => {
    for (let hertz = 8000; hertz < rate / 2; hertz += 250) {
      const input = tone(hertz, rate, 0.5);
      const level = decibels(rms(middle(resample(input, rate, BLOCK))) / rms(input));
      assert.ok(level <= -60, `${hertz} Hz: ${level} dB`);
    }
  });

  test(`a tone below 7 kHz from ${rate} Hz is the same tone, neither weaker nor shifted`, () => {
    for (const hertz of [100, 440, 1000, 3000, 5000, 7000]) {
      const expected = middle(Array.from(tone(hertz, SAMPLE_RATE, 1)));
      const output = middle(resample(tone(hertz, rate, 1), rate, BLOCK));
      const difference = decibels(rms(expected.map((x, i) => x - output[i])) / rms(expected));
      assert.ok(difference <= -60, `${hertz} Hz: ${difference} dB`);
    }
  });

  test(`a chirp from ${rate} Hz is the chirp at 16 kHz, whatever the blocks`, () => {
    const whole = resample(chirp(rate, 1), rate, rate);
    const expected = middle(Array.from(chirp(SAMPLE_RATE, 1)));
    const difference = decibels(rms(middle(whole).map((x, i) => x - expected[i])) / rms(expected));
    assert.ok(difference <= -60, `${difference} dB`);
    for (const size of [1, BLOCK, 1000]) assert.deepEqual(resample(chirp(rate, 1), rate, size), whole);
  });
}
