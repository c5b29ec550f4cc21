// @ts-check
/** On the audio thread: any sample rate → 16 kHz Int16 → what is worth sending. Nothing else, so that it never stutters. */

import { SAMPLE_RATE, toPcm } from "./pcm.js";
import { Resampler } from "./resampler.js";
import { VoiceGate } from "./voice-gate.js";

/** The thread stood still when it was not called for so long: a phone call, a laptop asleep. */
const STANDSTILL_MS = 500;
/** Without a device there are no channels, but time goes on. */
const SILENCE = new Float32Array(128);

// TypeScript's DOM library does not know the globals of a worklet.
const { AudioWorkletProcessor, registerProcessor, sampleRate } = /** @type {any} */ (globalThis);

/** Takes `GateOptions`, at first and as messages; `null` asks for the rest. Posts `Sound`s; `null`: nothing more comes. */
class PcmProcessor extends AudioWorkletProcessor {
  #resampler = new Resampler(sampleRate, SAMPLE_RATE);
  #gate;
  #called = Date.now();
  #finished = false;

  /** @param {{ processorOptions: import("./voice-gate.js").GateOptions }} options */
  constructor({ processorOptions }) {
    super();
    this.#gate = new VoiceGate(processorOptions);
    this.port.onmessage = (/** @type {MessageEvent} */ { data }) => {
      if (data) this.#gate.configure(data);
      else this.#finish();
    };
  }

  /** @param {Float32Array[][]} inputs */
  process([[channel]]) {
    if (this.#finished) return false;
    const stood = Date.now() - this.#called;
    this.#called += stood;
    if (stood > STANDSTILL_MS) this.#post(this.#gate.skip(Math.round((stood * SAMPLE_RATE) / 1000)));
    this.#add(this.#resampler.push(channel ?? SILENCE));
    return true;
  }

  /** @param {Float32Array} samples */
  #add(samples) {
    for (const sound of this.#gate.push(toPcm(samples))) this.#post(sound);
  }

  /** The samples move to the main thread without being copied. @param {import("./voice-gate.js").Sound} sound */
  #post(sound) {
    this.port.postMessage(sound, [sound.pcm.buffer]);
  }

  #finish() {
    if (this.#finished) return;
    this.#finished = true;
    this.#add(this.#resampler.flush());
    this.#post(this.#gate.flush());
    this.port.postMessage(null);
  }
}

registerProcessor("pcm", PcmProcessor);
