// @ts-check
/**
 * Runs on the audio thread: one channel or two of any sample rate → 16 kHz Int16 in turn → silence suppressed. Nothing else,
 * so that it never stutters.
 */

import { SAMPLE_RATE, interleave, toPcm } from "./pcm.js";
import { Resampler } from "./resampler.js";
import { SilenceSuppressor } from "./silence-suppressor.js";

/** Without a call for this long the thread stood still: a phone call, a laptop asleep. */
const STANDSTILL_MS = 500;
/** Stands in for the input while there is no device and so no channel: time goes on. */
const SILENCE = new Float32Array(128);

// TypeScript's DOM library lacks the globals of a worklet.
const { AudioWorkletProcessor, registerProcessor, sampleRate } = /** @type {any} */ (globalThis);

/**
 * Receives `SuppressorOptions`, at construction and as messages; `null` requests the rest. Posts each `AudioChunk`, and
 * `null` after the last.
 */
class PcmProcessor extends AudioWorkletProcessor {
  /** One for each channel. @type {Resampler[]} */
  #resamplers;
  #suppressor;
  #called = Date.now();
  #finished = false;

  /** @param {{ processorOptions: import("./silence-suppressor.js").SuppressorOptions }} options */
  constructor({ processorOptions }) {
    super();
    this.#resamplers = Array.from({ length: processorOptions.channels ?? 1 }, () => new Resampler(sampleRate, SAMPLE_RATE));
    this.#suppressor = new SilenceSuppressor(processorOptions);
    this.port.onmessage = (/** @type {MessageEvent} */ { data }) => {
      if (data) this.#suppressor.configure(data);
      else this.#finish();
    };
  }

  /** @param {Float32Array[][]} inputs */
  process([channels]) {
    if (this.#finished) return false;
    const stood = Date.now() - this.#called;
    this.#called += stood;
    if (stood > STANDSTILL_MS) this.#post(this.#suppressor.skip(Math.round((stood * SAMPLE_RATE) / 1000)));
    this.#add(this.#resamplers.map((resampler, number) => resampler.push(channels[number] ?? SILENCE)));
    return true;
  }

  /** @param {Float32Array[]} channels */
  #add(channels) {
    for (const chunk of this.#suppressor.push(toPcm(interleave(channels)))) this.#post(chunk);
  }

  /** Moves the samples to the main thread without a copy. @param {import("./silence-suppressor.js").AudioChunk} chunk */
  #post(chunk) {
    this.port.postMessage({ ...chunk, at: Date.now() }, [chunk.pcm.buffer]);
  }

  #finish() {
    if (this.#finished) return;
    this.#finished = true;
    this.#add(this.#resamplers.map((resampler) => resampler.flush()));
    this.#post(this.#suppressor.flush());
    this.port.postMessage(null);
  }
}

registerProcessor("pcm", PcmProcessor);
