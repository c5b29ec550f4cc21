// @ts-check
/**
 * Silence suppression (DTX), pure: speech passes with pre-roll and hangover, silence becomes a count of samples. The stream
 * keeps its length to the sample. Two channels are one stream: it is silent while both are.
 */

import { EnergyVad, FLOOR_PERCENTILE, FLOOR_WINDOW } from "./energy-vad.js";
import { SAMPLE_RATE } from "./pcm.js";

/** 30 ms. */
export const FRAME = (SAMPLE_RATE * 30) / 1000; // 480 samples
/**
 * Least pre-roll, in frames: the noise floor's percentile of its window. The gateway takes its noise floor from what is
 * sent; with less than that it finds the floor too high and cuts soft endings.
 */
export const PRE_ROLL = Math.ceil((FLOOR_WINDOW * FLOOR_PERCENTILE) / 100); // 34: 1 s
/** Least hangover, in frames. */
export const HANGOVER = 20; // 600 ms
/** The hangover is longer than the gateway's silence by this: the utterance ends within audio that was sent. */
const MARGIN_MS = 100;
/** Frames in one chunk. */
const CHUNK = 3; // 90 ms
/** Silence is reported at least this often, so that the gateway's audio clock advances. */
const LONGEST_GAP = SAMPLE_RATE; // 1 s

/**
 * The gateway's endpointer settings that count here. Defaults of an older gateway, which does not send its own.
 * @typedef {typeof ENDPOINTING} Endpointing
 */
export const ENDPOINTING = { silence_ceiling: 0.0005, noise_factor: 6, silence_ms: 500, pre_roll_ms: 300 };

/**
 * @typedef {object} SuppressorOptions
 * @property {number | null} threshold a fixed one, as mean square; null: it adapts to the room
 * @property {Partial<Endpointing> | null} [endpointing] as the gateway's `ready` has it
 * @property {number} [channels] of the stream, at construction; 1 if missing
 *
 * @typedef {object} AudioChunk a stretch of the stream; one without `gap` and `pcm` reports the level only
 * @property {number} gap samples of each channel that are silence and not sent
 * @property {Int16Array<ArrayBuffer>} pcm the samples after the gap, of all channels in turn
 * @property {number} energy mean square of the loudest frame since the last chunk, in the channel that is loudest by its threshold
 * @property {number} threshold mean square, of the same channel
 * @property {number} [at] time of its end, in milliseconds since 1970
 */

export class SilenceSuppressor {
  /** One for each channel: their rooms differ. @type {EnergyVad[]} */
  #vads;
  /** Frames. */
  #preRoll = 0;
  /** Frames. */
  #hangover = 0;
  #frame;
  #filled = 0;
  /** Whole frames that are not given out yet: the next chunk or, in silence, the pre-roll. */
  #frames = /** @type {Int16Array[]} */ ([]);
  #gap = 0;
  #open = false;
  /** Frames since the last voiced one. */
  #unvoiced = 0;
  /** Frames since the last chunk. */
  #unreported = 0;
  /** Mean square of the loudest frame since the last chunk, by channel. @type {number[]} */
  #loudest;

  /** @param {SuppressorOptions} options */
  constructor(options) {
    this.#vads = Array.from({ length: options.channels ?? 1 }, () => new EnergyVad());
    this.#loudest = this.#vads.map(() => 0);
    this.#frame = this.#emptyFrame();
    this.configure(options);
  }

  /** @param {SuppressorOptions} options */
  configure({ threshold, endpointing }) {
    const { silence_ceiling, noise_factor, silence_ms, pre_roll_ms } = { ...ENDPOINTING, ...endpointing };
    for (const vad of this.#vads) Object.assign(vad, { fixed: threshold, ceiling: silence_ceiling, factor: noise_factor });
    this.#preRoll = Math.max(PRE_ROLL, inFrames(pre_roll_ms));
    this.#hangover = Math.max(HANGOVER, inFrames(silence_ms + MARGIN_MS));
  }

  /**
   * The chunks that these samples complete, in order.
   * @param {Int16Array} samples of any length, of all channels in turn
   */
  push(samples) {
    /** @type {AudioChunk[]} */
    const chunks = [];
    for (let taken = 0; taken < samples.length; ) {
      const part = samples.subarray(taken, taken + this.#frame.length - this.#filled);
      this.#frame.set(part, this.#filled);
      this.#filled += part.length;
      taken += part.length;
      if (this.#filled === this.#frame.length) this.#judge(chunks);
    }
    return chunks;
  }

  /** The rest, however short. The stream may go on afterwards. */
  flush() {
    if (this.#filled) this.#frames.push(this.#frame.slice(0, this.#filled));
    this.#filled = 0;
    if (!this.#open) this.#suppress(0);
    const rest = this.#takeChunk(true);
    this.#open = false;
    return rest;
  }

  /**
   * Adds samples that the stream lacks here, such as those of a device that stood still, as silence.
   * @param {number} samples of each channel
   */
  skip(samples) {
    const rest = this.flush();
    this.#gap = samples;
    return rest;
  }

  /** @param {AudioChunk[]} chunks */
  #judge(chunks) {
    const energies = this.#vads.map((_, channel) => meanSquare(this.#frame, channel, this.#vads.length));
    const voiced = this.#vads.filter((vad, channel) => vad.update(energies[channel])).length > 0; // each takes part
    this.#loudest = this.#loudest.map((loudest, channel) => Math.max(loudest, energies[channel]));
    this.#frames.push(this.#frame);
    this.#frame = this.#emptyFrame();
    this.#filled = 0;
    this.#unreported++;
    this.#unvoiced = voiced ? 0 : this.#unvoiced + 1;
    this.#open ||= voiced;
    const closes = this.#open && this.#unvoiced >= this.#hangover;
    if (!this.#open) this.#suppress(this.#preRoll);
    if (closes || this.#unreported >= CHUNK) chunks.push(this.#takeChunk(this.#open || this.#gap >= LONGEST_GAP));
    if (closes) this.#open = false;
  }

  /**
   * Turns frames that are too old for the pre-roll into a gap.
   * @param {number} most frames to keep
   */
  #suppress(most) {
    for (const frame of this.#frames.splice(0, this.#frames.length - most)) {
      this.#gap += frame.length / this.#vads.length;
    }
  }

  #emptyFrame() {
    return new Int16Array(FRAME * this.#vads.length);
  }

  /**
   * @param {boolean} whole false: the level only
   * @returns {AudioChunk}
   */
  #takeChunk(whole) {
    const levels = this.#vads.map(({ threshold }, channel) => ({ energy: this.#loudest[channel], threshold }));
    const [level] = levels.sort((a, b) => b.energy / b.threshold - a.energy / a.threshold);
    const chunk = { gap: 0, pcm: new Int16Array(0), ...level };
    this.#unreported = 0;
    this.#loudest.fill(0);
    if (!whole) return chunk;
    chunk.gap = this.#gap;
    this.#gap = 0;
    if (this.#open) chunk.pcm = join(this.#frames.splice(0));
    return chunk;
  }
}

/** Rounded up. @param {number} ms */
function inFrames(ms) {
  return Math.ceil((ms * SAMPLE_RATE) / 1000 / FRAME);
}

/**
 * Mean square of a channel of a frame scaled to −1…1, in single precision as in the gateway.
 * @param {Int16Array} frame
 * @param {number} channel
 * @param {number} channels
 */
function meanSquare(frame, channel, channels) {
  let sum = 0;
  for (let i = channel; i < frame.length; i += channels) sum += frame[i] * frame[i];
  return Math.fround((sum * channels) / frame.length / 32_768 ** 2);
}

/** @param {Int16Array[]} frames */
function join(frames) {
  const whole = new Int16Array(frames.reduce((sum, frame) => sum + frame.length, 0));
  let filled = 0;
  for (const frame of frames) {
    whole.set(frame, filled);
    filled += frame.length;
  }
  return whole;
}
