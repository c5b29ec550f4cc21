// @ts-check
/** The speakers of a conversation, and one clock for all of them. No DOM. */

import { Voices } from "./voices.js";

/**
 * @typedef {Pick<import("../wire/messages.js").Final, "session_id" | "clock" | "end_ms" | "speaker"> &
 *   Partial<import("./voices.js").Voiced>} SegmentEnd
 * @typedef {import("../wire/messages.js").Speaker} Speaker
 */

// eslint-disable-next-line no-control-regex
const BLANKS = /[\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]+/g;

/**
 * Single spaces for white space, control characters, and what some programs take for the end of a line.
 * @param {string} text
 */
export function plainText(text) {
  return text.replace(BLANKS, " ").trim();
}

export class Speakers {
  /** Session → Unix time in ms at which its audio clock began, in order of first appearance. @type {Map<string, number>} */
  #began = new Map();
  /** Session → person; without one, the session itself. @type {Map<string, string>} */
  #personOf = new Map();
  /** Person → name and role in the newest result, in order of first appearance. @type {Map<string, Speaker | null>} */
  #newest = new Map();
  voices = new Voices();

  /**
   * Adds an utterance; comes before the other methods are called for its session.
   * @param {SegmentEnd} end
   * @returns {boolean} true if the times of other sessions may have changed
   */
  note(end) {
    const { session_id, clock, end_ms, speaker } = end;
    this.voices.note(end);
    const person = speaker?.person ?? this.#key(session_id);
    this.#personOf.set(session_id, person);
    this.#newest.set(person, speaker ?? this.#newest.get(person) ?? null);
    if (person !== session_id) this.#newest.delete(session_id); // results of older services are of the same person
    if (this.#began.has(session_id)) return false;
    this.#began.set(session_id, halfUp((clock.audio_end ?? clock.endpointed) * 1000) - end_ms);
    return this.#began.size > 1;
  }

  /** @param {string} session */
  #key(session) {
    return this.#personOf.get(session) ?? session;
  }

  /** From 1, by person. @param {string} session */
  number(session) {
    return [...this.#newest.keys()].indexOf(this.#key(session)) + 1;
  }

  /** Public id; null from services older than names. @param {string} session */
  person(session) {
    return this.#newest.get(this.#key(session))?.person ?? null;
  }

  /** @param {string} session */
  role(session) {
    return plainText(this.#newest.get(this.#key(session))?.role ?? "") || null;
  }

  /** The chosen name, or a number; null with a single person who has none. @param {string} session */
  name(session) {
    return this.#labels().get(this.#key(session)) ?? null;
  }

  /** The name of who said a result: also which of several at that microphone. @param {SegmentEnd} end */
  voiced(end) {
    const name = this.name(end.session_id);
    const voice = this.voices.several(end.session_id) && this.voices.number(end);
    return voice ? (name ? `${name}, voice ` : "Speaker ") + (this.#namedBefore(end.session_id) + voice) : name;
  }

  /**
   * The highest number in the names of voices of the person's earlier sessions: none of them need be the same.
   * @param {string} session
   */
  #namedBefore(session) {
    const sessions = [...this.#began.keys()];
    const earlier = sessions.slice(0, sessions.indexOf(session)).filter((each) => this.#key(each) === this.#key(session));
    return earlier.reduce((sum, each) => sum + (this.voices.several(each) ? this.voices.highest(each) : 0), 0);
  }

  /** The name of each person; later ones of the same name get a number. */
  #labels() {
    /** @type {Map<string, string>} */
    const labels = new Map();
    const names = [...this.#newest].map(([person, known]) => ({ person, name: plainText(known?.name ?? "") }));
    if (names.length === 1 && !names[0].name) return labels;
    const used = new Set();
    for (const [i, { person, name }] of names.entries()) {
      const whole = name || `Speaker ${i + 1}`;
      let label = whole;
      for (let same = 2; used.has(label); same++) label = `${whole} (${same})`;
      used.add(label);
      labels.set(person, label);
    }
    return labels;
  }

  /**
   * Milliseconds from the session's audio clock to the common one; 0 with a single session, or without an utterance.
   * @param {string} session
   */
  offset(session) {
    const first = Math.min(...this.#began.values());
    return (this.#began.get(session) ?? first) - first || 0;
  }
}

/** Rounds as fastapi_service/export/ does. @param {number} value */
export function halfUp(value) {
  return Math.floor(value + 0.5);
}
