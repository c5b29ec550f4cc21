/** Signals for the tests, and their energies. */

import { FRAME } from "../../../fastapi_service/static/audio/silence-suppressor.js";

/** Mean square of a sound and of a quiet room: far above the threshold, and far below it. */
export const LOUD = 0.01;
export const QUIET = 1e-6;

/** Numbers in −1…1 that are the same in every run. */
export function noise(seed = 1) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

/**
 * Frames of 30 ms with these energies.
 * @param {number[]} energies mean squares
 */
export function frames(energies) {
  const next = noise();
  const pcm = new Int16Array(energies.length * FRAME);
  for (let i = 0; i < pcm.length; i++) {
    pcm[i] = Math.round(32_768 * next() * Math.sqrt(3 * energies[Math.floor(i / FRAME)]));
  }
  return pcm;
}

/**
 * @param {number} count
 * @param {number} energy
 * @returns {number[]}
 */
export function times(count, energy) {
  return Array.from({ length: count }, () => energy);
}

/**
 * @param {number} hertz
 * @param {number} rate
 * @param {number} seconds
 */
export function tone(hertz, rate, seconds) {
  return Float32Array.from({ length: rate * seconds }, (_, i) => Math.sin((2 * Math.PI * hertz * i) / rate));
}

/** @param {ArrayLike<number>} samples */
export function rms(samples) {
  return Math.sqrt(Array.from(samples).reduce((sum, x) => sum + x * x, 0) / samples.length);
}

/** @param {number} ratio */
export function decibels(ratio) {
  return 20 * Math.log10(Math.max(ratio, 1e-9));
}

/**
 * @template {Float32Array | Int16Array} T
 * @param {T} samples
 * @param {number} size
 */
export function* blocks(samples, size) {
  for (let i = 0; i < samples.length; i += size) yield /** @type {T} */ (samples.subarray(i, i + size));
}
