// @ts-check
/** On the audio thread: any sample rate → 16 kHz Int16 in frames of 100 ms. Nothing else, so that it never stutters. */

import { FRAME_SAMPLES, SAMPLE_RATE, toInt16 } from "./pcm.js";
import { Resampler } from "./resampler.js";

// TypeScript's DOM library does not know the globals of a worklet.
const { AudioWorkletProcessor, registerProcessor, sampleRate } = /** @type {any} */ (globalThis);

class PcmProcessor extends AudioWorkletProcessor {
  #resampler = new Resampler(sampleRate, SAMPLE_RATE);
  #frame = new Int16Array(FRAME_SAMPLES);
  #filled = 0;
  #finished = false;

  constructor() {
    super();
    this.port.onmessage = () => this.#finish();
  }

  /** @param {Float32Array[][]} inputs */
  process([[channel]]) {
    if (channel && !this.#finished) this.#add(this.#resampler.push(channel));
    return !this.#finished;
  }

  /** @param {Float32Array} samples */
  #add(samples) {
    for (const sample of samples) {
      this.#frame[this.#filled++] = toInt16(sample);
      if (this.#filled === FRAME_SAMPLES) this.#post();
    }
  }

  /** The frame moves to the main thread without being copied. */
  #post() {
    const frame = this.#frame.subarray(0, this.#filled);
    this.port.postMessage(frame, [frame.buffer]);
    this.#frame = new Int16Array(FRAME_SAMPLES);
    this.#filled = 0;
  }

  /** The rest, however short, then `null`: nothing more comes. */
  #finish() {
    if (this.#finished) return;
    this.#finished = true;
    this.#add(this.#resampler.flush());
    if (this.#filled > 0) this.#post();
    this.port.postMessage(null);
  }
}

registerProcessor("pcm", PcmProcessor);
