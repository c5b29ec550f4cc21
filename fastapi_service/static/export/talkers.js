// @ts-check
/** Who talks in a conversation, and when it was on one clock for all. Knows no DOM. */

/** @typedef {import("../session/messages.js").SegmentEnd} SegmentEnd */

export class Talkers {
  /** Session → Unix seconds at which its audio clock began, in order of first appearance. @type {Map<string, number>} */
  #began = new Map();

  /**
   * Has to be called for every utterance before it is asked for.
   * @param {SegmentEnd} end
   * @returns {boolean} whether times of others may have changed with it
   */
  note({ session_id, clock, end_ms }) {
    if (this.#began.has(session_id)) return false;
    this.#began.set(session_id, clock.endpointed - end_ms / 1000);
    return this.#began.size > 1;
  }

  /** From 1. @param {string} session */
  number(session) {
    return [...this.#began.keys()].indexOf(session) + 1;
  }

  /** @param {string} session null where nobody else talks */
  name(session) {
    return this.#began.size > 1 ? `Speaker ${this.number(session)}` : null;
  }

  /** Milliseconds from the session's own audio clock to that of all; one talker keeps the own. @param {string} session */
  offset(session) {
    const began = this.#began.get(session) ?? 0;
    return halfUp((began - Math.min(...this.#began.values())) * 1000);
  }
}

/** As Python does it in the service. @param {number} value */
export function halfUp(value) {
  return Math.floor(value + 0.5);
}
