// @ts-check
/** Pure: audio that the service has not acknowledged yet, and its place in the session. */

/** @typedef {{ start: number, pcm: Int16Array<ArrayBuffer> }} Frame `start` in samples since the session's start. */

export class Backlog {
  /** Where the next frame begins. */
  end = 0;
  /** Samples that are kept. */
  kept = 0;
  /** Some of what lies before this sample was given up. */
  givenUp = 0;
  /** @type {Frame[]} */
  #frames = [];
  /** Where what is not safe elsewhere begins. */
  #begin = 0;
  #most;

  /** @param {number} most samples to keep; beyond it the oldest are given up */
  constructor(most) {
    this.#most = most;
  }

  /** @param {Int16Array<ArrayBuffer>} pcm */
  push(pcm) {
    this.#frames.push({ start: this.end, pcm });
    this.end += pcm.length;
    this.kept += pcm.length;
    while (this.kept > this.#most) this.givenUp = this.#begin = this.#shift();
  }

  /**
   * Silence that is not sent moves the clock.
   * @param {number} samples
   */
  skip(samples) {
    this.end += samples;
  }

  /**
   * Everything before this sample is safe elsewhere.
   * @param {number} samples
   */
  acknowledge(samples) {
    this.#begin = Math.max(this.#begin, samples);
    while (this.#frames.length && endOf(this.#frames[0]) <= samples) this.#shift();
  }

  /**
   * The earliest audio that is kept at or after a position.
   * @param {number} position
   * @returns {Frame | undefined}
   */
  next(position) {
    const frame = this.#frames.find((candidate) => endOf(candidate) > position);
    if (!frame || frame.start >= position) return frame;
    return { start: position, pcm: frame.pcm.slice(position - frame.start) };
  }

  /** What is not safe becomes the beginning of a new session. */
  rebase() {
    this.continueAt(0);
  }

  /**
   * What is not safe goes on at this sample of another session.
   * @param {number} samples
   */
  continueAt(samples) {
    const moved = samples - this.#begin;
    this.#frames = this.#frames.map(({ start, pcm }) => ({ start: start + moved, pcm }));
    this.#begin = samples;
    this.end += moved;
    this.givenUp = 0;
  }

  /** Forget the oldest frame; returns where it ended. */
  #shift() {
    const oldest = /** @type {Frame} */ (this.#frames.shift());
    this.kept -= oldest.pcm.length;
    return endOf(oldest);
  }
}

/** @param {Frame} frame */
function endOf(frame) {
  return frame.start + frame.pcm.length;
}
