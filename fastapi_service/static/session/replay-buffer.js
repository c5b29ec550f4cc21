// @ts-check
/** Replay buffer, pure: audio that the service has not acknowledged yet, and its position in the session, in samples of a channel. */

/** @typedef {{ start: number, pcm: Int16Array<ArrayBuffer> }} Frame `start` in samples since the session's start. */

export class ReplayBuffer {
  /** Channels of the audio, whose samples come in turn. Only while there is none. */
  channels = 1;
  /** Position of the next frame. */
  end = 0;
  /** Samples that are kept. */
  kept = 0;
  /** Position up to which audio was dropped without an acknowledgement. */
  dropped = 0;
  /** @type {Frame[]} */
  #frames = [];
  /** Position up to which audio was acknowledged or dropped. */
  #begin = 0;
  #capacity;

  /** @param {number} capacity samples; beyond it the oldest frames are dropped */
  constructor(capacity) {
    this.#capacity = capacity;
  }

  /** @param {Int16Array<ArrayBuffer>} pcm */
  push(pcm) {
    const frame = { start: this.end, pcm };
    this.#frames.push(frame);
    this.end = this.endOf(frame);
    this.kept += this.end - frame.start;
    while (this.kept > this.#capacity) this.dropped = this.#begin = this.#shift();
  }

  /**
   * Advances the position by silence that is not sent.
   * @param {number} samples
   */
  skip(samples) {
    this.end += samples;
  }

  /**
   * Forgets everything before a position.
   * @param {number} position in samples
   */
  acknowledge(position) {
    this.#begin = Math.max(this.#begin, position);
    while (this.#frames.length && this.endOf(this.#frames[0]) <= position) this.#shift();
  }

  /**
   * Returns the earliest audio that is kept at or after a position.
   * @param {number} position
   * @returns {Frame | undefined}
   */
  next(position) {
    const frame = this.#frames.find((candidate) => this.endOf(candidate) > position);
    if (!frame || frame.start >= position) return frame;
    return { start: position, pcm: frame.pcm.slice((position - frame.start) * this.channels) };
  }

  /** @param {Frame} frame */
  endOf({ start, pcm }) {
    return start + pcm.length / this.channels;
  }

  /** Makes what is not acknowledged the beginning of a new session. */
  rebase() {
    this.continueAt(0);
  }

  /**
   * Moves what is not acknowledged to a position of another session.
   * @param {number} position in samples
   */
  continueAt(position) {
    const moved = position - this.#begin;
    this.#frames = this.#frames.map(({ start, pcm }) => ({ start: start + moved, pcm }));
    this.#begin = position;
    this.end += moved;
    this.dropped = 0;
  }

  /** Removes the oldest frame and returns its end. */
  #shift() {
    const oldest = /** @type {Frame} */ (this.#frames.shift());
    const end = this.endOf(oldest);
    this.kept -= end - oldest.start;
    return end;
  }
}
