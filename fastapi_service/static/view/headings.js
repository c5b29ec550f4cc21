// @ts-check
/** Who says a sentence, and when: on one clock for all speakers. */

import { Speakers } from "../export/speakers.js";
import { minutes } from "../i18n/format.js";
import { texts } from "../i18n/index.js";
import { element } from "./element.js";
import { setText } from "./localize.js";

export class Headings {
  #speakers = new Speakers();
  /** Our own sessions: a new one follows when one has expired. @type {Set<string>} */
  #own = new Set();

  /** Takes a session as ours: its speaker is "You". @param {string} session */
  own(session) {
    this.#own.add(session);
  }

  clear() {
    this.#own.clear();
    this.#speakers = new Speakers();
  }

  /** @param {import("../export/speakers.js").SegmentEnd} end @returns {boolean} true if the times of others may have changed */
  note(end) {
    return this.#speakers.note(end);
  }

  /**
   * @param {string} session
   * @param {number} start_ms on its audio clock
   */
  time(session, start_ms) {
    return minutes(start_ms + this.#speakers.offset(session));
  }

  /** True if the place of a session on the common clock is known. @param {string} session */
  isPlaced(session) {
    return this.#speakers.number(session) > 0;
  }

  /** @param {string} session */
  speaker(session) {
    const number = this.#speakers.number(session);
    const own = this.#own.has(session);
    return setText(element("p", { class: "speaker" }), () => (own ? texts.you : texts.speaker(number)));
  }
}
