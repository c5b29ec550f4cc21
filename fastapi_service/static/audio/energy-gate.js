// @ts-check
/** Pure: is a frame loud? The rule of fastapi_service/endpointing/energy_vad.py; a test holds the two together. */

/** Mean square above which a frame is loud, however noisy the room is. */
export const CEILING = 0.0005;
/** A frame is loud above this multiple of the noise floor, unless the ceiling is lower. */
export const FACTOR = 6;
/** Frames that the noise floor is taken from: 10 s of 30 ms. */
export const FLOOR_WINDOW = 333;
export const FLOOR_PERCENTILE = 10;
/** Mean square of ±1 of 32,768: what an open microphone never gives. Such frames say nothing about the room's noise. */
export const DIGITAL_SILENCE = 1e-9;
/** −70 dBFS: below it lies the noise of converters and codecs, not of rooms. */
export const LOWEST_FLOOR = 1e-7;

export class EnergyGate {
  /** Instead of the adaptive threshold. @type {number | null} */
  fixed = null;
  #recent = new Float32Array(FLOOR_WINDOW);
  #seen = 0;
  #adaptive = CEILING;

  /** The energy that separates silence from sound now. */
  get threshold() {
    return this.fixed ?? this.#adaptive;
  }

  /**
   * Judge one frame and remember it.
   * @param {number} energy mean square of a 30 ms frame, samples in −1…1
   */
  isLoud(energy) {
    if (energy <= DIGITAL_SILENCE) return false;
    this.#recent[this.#seen++ % FLOOR_WINDOW] = energy;
    const sorted = this.#recent.slice(0, this.#seen).sort();
    const floor = sorted[Math.floor(((sorted.length - 1) * FLOOR_PERCENTILE) / 100)];
    this.#adaptive = Math.min(CEILING, FACTOR * Math.max(floor, LOWEST_FLOOR));
    return energy > this.threshold;
  }
}
