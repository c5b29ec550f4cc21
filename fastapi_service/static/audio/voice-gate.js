// @ts-check
/** Pure: which part of a stream is worth sending? Silence becomes a count of samples, and no sample gets lost. */

import { EnergyGate, FLOOR_PERCENTILE, FLOOR_WINDOW } from "./energy-gate.js";
import { SAMPLE_RATE } from "./pcm.js";

/** 30 ms. */
export const FRAME = (SAMPLE_RATE * 30) / 1000; // 480 samples
/**
 * Frames before the first loud one that are sent with it. 300 ms would do for the syllable; but the gateway judges anew by
 * the noise that it hears, and finds the floor too high, and soft ends silent, unless it gets the whole percentile.
 */
export const PRE_ROLL = Math.ceil((FLOOR_WINDOW * FLOOR_PERCENTILE) / 100); // 34: 1 s
/** Silent frames that are still sent: the service hears the 500 ms that end an utterance. */
export const HANGOVER = 20; // 600 ms
/** Frames in one message. */
const MESSAGE = 3; // 90 ms
/** Silence is told at least this often, so that the service's clock goes on. */
const LONGEST_GAP = SAMPLE_RATE; // 1 s

/**
 * @typedef {object} GateOptions
 * @property {boolean} enabled false: everything is sent
 * @property {number | null} threshold a fixed one, as mean square; null: it adapts to the room
 *
 * @typedef {object} Sound a stretch of the stream; without `pcm` it may be empty, for the level alone
 * @property {number} gap samples of silence that are not sent
 * @property {Int16Array<ArrayBuffer>} pcm what comes behind them
 * @property {number} energy mean square of the loudest frame since the last message
 * @property {number} threshold
 */

export class VoiceGate {
  /** Samples that came in, and those of them that were given out as gaps. */
  total = 0;
  saved = 0;
  #rule = new EnergyGate();
  #enabled = true;
  #frame = new Int16Array(FRAME);
  #filled = 0;
  /** Whole frames that are not given out: the next message, or, while the gate is closed, the pre-roll. */
  #frames = /** @type {Int16Array[]} */ ([]);
  #gap = 0;
  #open = false;
  /** Frames since the last loud one. */
  #silent = 0;
  /** Frames since the last message. */
  #untold = 0;
  #loudest = 0;

  /** @param {GateOptions} options */
  constructor(options) {
    this.configure(options);
  }

  /** @param {GateOptions} options */
  configure({ enabled, threshold }) {
    this.#enabled = enabled;
    this.#rule.fixed = threshold;
  }

  /**
   * What these samples complete, in order.
   * @param {Int16Array} samples of any length
   */
  push(samples) {
    this.total += samples.length;
    /** @type {Sound[]} */
    const sounds = [];
    for (let taken = 0; taken < samples.length; ) {
      const part = samples.subarray(taken, taken + FRAME - this.#filled);
      this.#frame.set(part, this.#filled);
      this.#filled += part.length;
      taken += part.length;
      if (this.#filled === FRAME) this.#judge(sounds);
    }
    return sounds;
  }

  /** The rest, however short. The stream may go on afterwards. */
  flush() {
    if (this.#filled) this.#frames.push(this.#frame.slice(0, this.#filled));
    this.#filled = 0;
    if (!this.#open) this.#forget(0);
    const rest = this.#tell(true);
    this.#open = false;
    return rest;
  }

  /**
   * Samples that the stream lacks here, such as those of a device that stood still.
   * @param {number} samples
   */
  skip(samples) {
    const rest = this.flush();
    this.#gap = samples;
    return rest;
  }

  /** @param {Sound[]} sounds */
  #judge(sounds) {
    const energy = meanSquare(this.#frame);
    const loud = this.#rule.isLoud(energy) || !this.#enabled;
    this.#loudest = Math.max(this.#loudest, energy);
    this.#frames.push(this.#frame);
    this.#frame = new Int16Array(FRAME);
    this.#filled = 0;
    this.#untold++;
    this.#silent = loud ? 0 : this.#silent + 1;
    this.#open ||= loud;
    const closes = this.#open && this.#silent >= HANGOVER;
    if (!this.#open) this.#forget(PRE_ROLL);
    if (closes || this.#untold >= MESSAGE) sounds.push(this.#tell(this.#open || this.#gap >= LONGEST_GAP));
    if (closes) this.#open = false;
  }

  /**
   * Silence that is too old for the pre-roll.
   * @param {number} most frames to keep
   */
  #forget(most) {
    for (const frame of this.#frames.splice(0, this.#frames.length - most)) {
      this.#gap += frame.length;
      this.saved += frame.length;
    }
  }

  /**
   * @param {boolean} whole false: the level only
   * @returns {Sound}
   */
  #tell(whole) {
    const sound = { gap: 0, pcm: new Int16Array(0), energy: this.#loudest, threshold: this.#rule.threshold };
    this.#untold = this.#loudest = 0;
    if (!whole) return sound;
    sound.gap = this.#gap;
    this.#gap = 0;
    if (this.#open) sound.pcm = join(this.#frames.splice(0));
    return sound;
  }
}

/** @param {Int16Array} frame */
function meanSquare(frame) {
  const sum = frame.reduce((total, sample) => total + sample * sample, 0);
  return Math.fround(sum / frame.length / 32_768 ** 2);
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
