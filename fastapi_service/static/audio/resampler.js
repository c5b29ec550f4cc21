// @ts-check
/** One sample rate → another as a continuous stream: windowed-sinc, polyphase. Pure, so that a worklet can import it. */

/** The filter reaches over this many samples of the lower rate to each side: 3 ms at 16 kHz. */
const REACH = 48;
/** dB by which everything above half the lower rate is weakened, so that it does not fold back as noise. */
const STOP_BAND = 80;
/** Kaiser's formulas for a stop band of this depth. */
const BETA = 0.1102 * (STOP_BAND - 8.7);
/** Width between pass and stop band, as a fraction of the lower rate; the stop band begins at half of that rate. */
const TRANSITION = (STOP_BAND - 7.95) / (14.36 * 2 * REACH);

export class Resampler {
  /** The rates' ratio in lowest terms: `#up` outputs for `#down` inputs. */
  #up;
  #down;
  /** Input samples on each side of an output. */
  #reach;
  /** One set of weights for each position that an output can have between two inputs. */
  #phases;
  /** Inputs that are still needed. */
  #kept;
  #phase = 0;

  /**
   * @param {number} from hertz
   * @param {number} to hertz
   */
  constructor(from, to) {
    const divisor = greatestCommonDivisor(from, to);
    this.#up = to / divisor;
    this.#down = from / divisor;
    this.#reach = Math.ceil(REACH * Math.max(1, from / to));
    this.#phases = design(this.#up, this.#reach, Math.min(1, to / from));
    this.#kept = new Float32Array(this.#reach - 1); // before the first sample there was silence
  }

  /**
   * The outputs that these inputs complete; the last few milliseconds stay inside.
   * @param {Float32Array} input of any length
   */
  push(input) {
    if (this.#up === this.#down) return input;
    const samples = new Float32Array(this.#kept.length + input.length);
    samples.set(this.#kept);
    samples.set(input, this.#kept.length);

    const output = new Float32Array(Math.ceil((samples.length * this.#up) / this.#down));
    let written = 0;
    let first = 0;
    while (first + 2 * this.#reach <= samples.length) {
      output[written++] = weigh(samples, first, this.#phases[this.#phase]);
      this.#phase += this.#down;
      first += Math.floor(this.#phase / this.#up);
      this.#phase %= this.#up;
    }
    this.#kept = samples.slice(first);
    return output.subarray(0, written);
  }

  /** Returns the remaining outputs; with them, exactly ⌈inputs × to / from⌉ were made. */
  flush() {
    return this.push(new Float32Array(this.#up === this.#down ? 0 : this.#reach));
  }
}

/**
 * @param {Float32Array} samples
 * @param {number} first
 * @param {Float32Array} weights
 */
function weigh(samples, first, weights) {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += samples[first + i] * weights[i];
  return sum;
}

/**
 * A low-pass filter for each phase, every one with a gain of exactly 1 at 0 Hz.
 * @param {number} up
 * @param {number} reach
 * @param {number} lower the lower rate, as a fraction of the input's
 */
function design(up, reach, lower) {
  const cutoff = lower * (0.5 - TRANSITION / 2); // cycles per input sample
  return Array.from({ length: up }, (_, phase) => {
    const weights = Float32Array.from({ length: 2 * reach }, (_, i) => {
      const distance = i - (reach - 1) - phase / up;
      return sinc(2 * cutoff * distance) * kaiser(distance / reach);
    });
    const gain = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.map((weight) => weight / gain);
  });
}

/** @param {number} x */
function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** @param {number} x position in the window, −1…1 */
function kaiser(x) {
  return bessel(BETA * Math.sqrt(Math.max(0, 1 - x * x)));
}

/**
 * Modified Bessel function of order 0, by its series.
 * @param {number} x
 */
function bessel(x) {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > 1e-12 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

/**
 * @param {number} a
 * @param {number} b
 * @returns {number}
 */
function greatestCommonDivisor(a, b) {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
