// @ts-check
/** The voices of each session: speakers of one microphone. Numbers of finals stay; what they stand for may be revised. No DOM. */

/** @typedef {Pick<import("../wire/messages.js").Final, "session_id" | "voice" | "merged_voices">} Voiced */

export class Voices {
  /** Session → number in a final → the voice that it turned out to be. @type {Map<string, Map<number, number>>} */
  #sessions = new Map();

  /**
   * Adds a final.
   * @param {Voiced} final
   * @returns {unknown} something if earlier finals have another voice now
   */
  note({ session_id, voice, merged_voices }) {
    if (!voice) return;
    const voices = this.#sessions.get(session_id) ?? new Map();
    this.#sessions.set(session_id, voices.set(voice, voice));
    for (const [number, is] of voices) voices.set(number, merged_voices?.[is] ?? is);
    return merged_voices;
  }

  /** The number of a final's voice by now; null without one. @param {Partial<Voiced>} final */
  number({ session_id = "", voice }) {
    return this.#sessions.get(session_id)?.get(/** @type {number} */ (voice)) ?? null;
  }

  /** The highest number that a voice has by now; 0 without any. @param {string} session */
  highest(session) {
    return Math.max(0, ...(this.#sessions.get(session)?.values() ?? []));
  }

  /** True if there are several. @param {string} session */
  several(session) {
    return new Set(this.#sessions.get(session)?.values()).size > 1;
  }
}
