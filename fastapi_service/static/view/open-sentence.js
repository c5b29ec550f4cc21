// @ts-check
/**
 * Our open sentence, and a prediction whether speech goes on with it, by the rule of analyzer_worker/tasks/sentence.py. The
 * final text has the last word. No DOM.
 */

import { isFinished, spaceBetween } from "../wire/sentence-ends.js";

/** After a longer pause something else begins. */
const MAX_PAUSE_MS = 3000;
/** Characters up to which a sentence goes on. */
const LONGEST = 300;
const LONGEST_WITHOUT_SPACES = 100;

export class OpenSentence {
  /** Our latest session, which the interim texts belong to. */
  session = "";
  /** Its last sentence, if nothing came since that ends it. @type {import("./sentence-item.js").SentenceItem | undefined} */
  sentence;
  /** Segment → when it began, on the session's audio clock. @type {Map<number, number>} */
  began = new Map();

  /** Begins another session, unless it is the same. @param {string} session */
  own(session) {
    if (session === this.session) return;
    this.session = session;
    this.sentence = undefined;
    this.began.clear();
  }

  /**
   * The text of the sentence if an utterance goes on with it, as far as can be seen; null: it begins another one.
   * @param {number} segment
   * @param {string} [said] so far
   * @param {string} [spoken] language; undefined: unknown
   */
  goneOnWith(segment, said = "", spoken) {
    const { newest, text: place = null } = this.sentence ?? {};
    if (newest?.type !== "final") return null;
    const { sentence, text, language, end_ms } = newest;
    const before = sentence ?? text;
    const longest = spaceBetween("a", "b", language) ? LONGEST : LONGEST_WITHOUT_SPACES;
    const goesOn =
      !isFinished(before) &&
      (spoken ?? language) === language &&
      (this.began.get(segment) ?? Infinity) - end_ms <= MAX_PAUSE_MS &&
      before.length + said.length <= longest;
    return goesOn ? place : null;
  }
}
