// @ts-check
/** Pure: audio that the service has not acknowledged yet, and its place in the session. */

/** @typedef {{ start: number, pcm: Int16Array<ArrayBuffer> }} Frame `start` in samples since the session's start. */

export class Backlog {
  /** @type {Frame[]} */
  #frames = [];
  /** Where the next frame begins. */
  #end = 0;
  #longest;

  /** @param {number} longest samples to keep; beyond it the oldest are given up */
  constructor(longest) {
    this.#longest = longest;
  }

  /** @param {Int16Array<ArrayBuffer>} pcm */
  push(pcm) {
    this.#frames.push({ start: this.#end, pcm });
    this.#end += pcm.length;
    while (this.#end - this.#frames[0].start > this.#longest) this.#frames.shift();
  }

  /**
   * Everything before this sample is safe elsewhere.
   * @param {number} samples
   */
  acknowledge(samples) {
    while (this.#frames.length && endOf(this.#frames[0]) <= samples) this.#frames.shift();
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

  /** What is kept becomes the beginning of a new session. */
  rebase() {
    const moved = this.#frames[0]?.start ?? this.#end;
    this.#frames = this.#frames.map(({ start, pcm }) => ({ start: start - moved, pcm }));
    this.#end -= moved;
  }
}

/** @param {Frame} frame */
function endOf(frame) {
  return frame.start + frame.pcm.length;
}
