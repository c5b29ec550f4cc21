// @ts-check
/**
 * Predicts whether speech goes on with the sentence before it, by the rule of analyzer_worker/tasks/sentence.py. The final
 * text has the last word. No DOM.
 */

import { isFinished, spaceBetween } from "../wire/sentence-ends.js";

/** After a longer pause something else begins. */
export const MAX_PAUSE_MS = 3000;
/** Characters up to which a sentence goes on. */
export const LONGEST = 300;
export const LONGEST_WITHOUT_SPACES = 100;

/**
 * @typedef {object} Beginning of an utterance
 * @property {number | undefined} start_ms on the session's audio clock; undefined: unknown
 * @property {string} text so far
 * @property {string | undefined} language undefined: unknown
 *
 * @param {import("../wire/messages.js").Final} before
 * @param {Beginning} next of the same session
 */
export function goesOn({ sentence, text, language, end_ms }, next) {
  const said = sentence ?? text;
  return (
    !isFinished(said) &&
    (next.language ?? language) === language &&
    (next.start_ms ?? Infinity) - end_ms <= MAX_PAUSE_MS &&
    said.length + next.text.length <= (spaceBetween("a", "b", language) ? LONGEST : LONGEST_WITHOUT_SPACES)
  );
}
