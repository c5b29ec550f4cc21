// @ts-check
/** The voices of each session: speakers of one microphone. Numbers of finals stay; what they stand for may be revised. No DOM. */

/** @typedef {Pick<import("../wire/messages.js").Final, "session_id" | "voice" | "merged_voices">} Voiced */

export class Voices {
  /** Session → number in a final → the voice that it turned out to be. @type {Map<string, Map<number, number>>} */
  #sessions = new Map();

  /**
   * Adds a final.
   * @param {Voiced} final
   * @returns {boolean} true if earlier finals have another voice now
   */
  note({ session_id, voice, merged_voices }) {
    if (!voice) return false;
    const voices = this.#sessions.get(session_id) ?? new Map();
    this.#sessions.set(session_id, voices.has(voice) ? voices : voices.set(voice, voice));
    for (const [gone, stays] of Object.entries(merged_voices ?? {})) {
      for (const [number, is] of voices) if (is === Number(gone)) voices.set(number, stays);
    }
    return Boolean(merged_voices);
  }

  /** The number of a final's voice by now; null without one. @param {Partial<Voiced>} final */
  number({ session_id = "", voice }) {
    return this.#sessions.get(session_id)?.get(voice ?? 0) ?? null;
  }

  /** True if there are several. @param {string} session */
  several(session) {
    return new Set(this.#sessions.get(session)?.values()).size > 1;
  }
}
