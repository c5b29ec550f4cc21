// @ts-check
/** Adaptive energy VAD, pure: the rule of fastapi_service/endpointing/energy_vad.py. A test compares the two. */

/** Frames that the noise floor is taken from: 10 s of 30 ms. */
export const FLOOR_WINDOW = 333;
export const FLOOR_PERCENTILE = 10;
/** Mean square of ±1 of 32,768, which no open microphone gives. Such frames do not count for the noise floor. */
export const DIGITAL_SILENCE = 1e-9;
/** −70 dBFS: noise below it comes from converters and codecs, not from rooms. */
export const LOWEST_FLOOR = 1e-7;
/** −54 dBFS: the floor before the room is known, so that a first quiet word is not taken for the room. */
export const FIRST_FLOOR = 2 ** -18;
/** Frames at `FIRST_FLOOR` that the window begins with. */
export const FIRST_FRAMES = 4;

export class EnergyVad {
  /** Mean square above which a frame is voiced, however noisy the room is. */
  ceiling = 0;
  /** A frame is voiced above this multiple of the noise floor, unless the ceiling is lower. */
  factor = 0;
  /** Replaces the adaptive threshold. @type {number | null} */
  fixed = null;
  #recent = new Float32Array(FLOOR_WINDOW).fill(FIRST_FLOOR, 0, FIRST_FRAMES);
  #seen = FIRST_FRAMES;
  #floor = FIRST_FLOOR;

  /** The mean square that separates silence from sound now. */
  get threshold() {
    return this.fixed ?? Math.min(this.ceiling, this.factor * Math.max(this.#floor, LOWEST_FLOOR));
  }

  /**
   * Adds one frame to the noise floor and judges it.
   * @param {number} energy mean square of a 30 ms frame, samples in −1…1
   * @returns {boolean} true if the frame is voiced
   */
  update(energy) {
    if (energy <= DIGITAL_SILENCE) return false;
    this.#recent[this.#seen++ % FLOOR_WINDOW] = energy;
    const sorted = this.#recent.slice(0, this.#seen).sort();
    this.#floor = sorted[Math.floor(((sorted.length - 1) * FLOOR_PERCENTILE) / 100)];
    return energy > this.threshold;
  }
}
