// @ts-check
/** The speakers of a conversation, and one clock for all of them. No DOM. */

import { Voices } from "./voices.js";

/**
 * @typedef {Pick<import("../wire/messages.js").Final, "session_id" | "clock" | "end_ms"> &
 *   Partial<import("./voices.js").Voiced>} SegmentEnd
 */

export class Speakers {
  /** Session → Unix seconds at which its audio clock began, in order of first appearance. @type {Map<string, number>} */
  #began = new Map();
  voices = new Voices();

  /**
   * Adds an utterance; comes before the other methods are called for its session.
   * @param {SegmentEnd} end
   * @returns {boolean} true if the times of other sessions may have changed
   */
  note(end) {
    const { session_id, clock, end_ms } = end;
    this.voices.note(end);
    if (this.#began.has(session_id)) return false;
    this.#began.set(session_id, (clock.audio_end ?? clock.endpointed) - end_ms / 1000);
    return this.#began.size > 1;
  }

  /** From 1. @param {string} session */
  number(session) {
    return [...this.#began.keys()].indexOf(session) + 1;
  }

  /** Null with a single speaker. @param {SegmentEnd} end */
  name(end) {
    const { session_id } = end;
    const name = this.#began.size > 1 ? `Speaker ${this.number(session_id)}` : null;
    const voice = this.voices.several(session_id) && this.voices.number(end);
    return voice ? (name ? `${name}, voice ` : "Speaker ") + voice : name;
  }

  /**
   * Milliseconds from the session's audio clock to the common one; 0 with a single speaker, or without an utterance.
   * @param {string} session
   */
  offset(session) {
    const first = Math.min(...this.#began.values());
    return halfUp(((this.#began.get(session) ?? first) - first) * 1000) || 0;
  }
}

/** Rounds as fastapi_service/export/ does. @param {number} value */
export function halfUp(value) {
  return Math.floor(value + 0.5);
}
