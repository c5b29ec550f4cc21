// @ts-check
/** Marks that end a sentence, and texts that turned out to be one sentence. `wire/sentence_ends.py` has the same rules. */

const MARKS = ".!?…。．！？｡।॥؟۔։።፧၊။។៕᙮᠃᠉⁇⁈⁉‼‽⸮";
/** Ends a sentence in Greek only. */
const GREEK_QUESTION_MARK = ";";
const GREEK = /[\u0370-\u037d\u037f-\u03ff\u1f00-\u1fff]/;
// eslint-disable-next-line no-control-regex
const BLANK = /[\s\x1c-\x1f\x85]/;
/** Spaces, quotation marks and brackets. */
// eslint-disable-next-line no-control-regex
const BEHIND = /[\s\x1c-\x1f\x85"'\p{Pe}\p{Pf}\p{Pi}]/u;
const WITHOUT_SPACES = new Set(["bo", "ja", "km", "lo", "my", "th", "yue", "zh"]);

/** True if a text ends with a sentence's last mark, perhaps before closing quotation marks or brackets. @param {string} text */
export function isFinished(text) {
  const [start, end] = lastMark(text);
  return start < end;
}

/**
 * Where a text's last mark begins and ends; twice the same place if the text is not finished. Several marks in a row are one,
 * as in `?!` or `...`, and so are spaces before and between them.
 * @param {string} text
 * @returns {[number, number]}
 */
export function lastMark(text) {
  let end = text.length;
  while (end > 0 && BEHIND.test(text[end - 1])) end -= 1;
  const marks = GREEK.test(text) ? MARKS + GREEK_QUESTION_MARK : MARKS;
  let start = end;
  while (start > 0 && (marks.includes(text[start - 1]) || (start < end && BLANK.test(text[start - 1])))) start -= 1;
  return [start, end];
}

/**
 * Two texts as one sentence: the last mark of the first one is left out.
 * @param {string} before
 * @param {string} text
 * @param {string} language ISO 639 code of both
 */
export function joined(before, text, language) {
  const [start, end] = lastMark(before);
  const [beginning, rest] = [trimmed(before.slice(0, start) + before.slice(end)), trimmed(text)];
  return beginning + spaceBetween(beginning, rest, language) + rest;
}

/**
 * What stands between two texts of a sentence: nothing in scripts without spaces, or without a text.
 * @param {string} before
 * @param {string} text
 * @param {string} language
 */
export function spaceBetween(before, text, language) {
  return before && text && !WITHOUT_SPACES.has(language) ? " " : "";
}

/** Without spaces at its beginning. @param {string} text */
export function trimmedStart(text) {
  let start = 0;
  while (start < text.length && BLANK.test(text[start])) start += 1;
  return text.slice(start);
}

/** True if a text has spaces only, or nothing. @param {string} text */
export function isBlank(text) {
  return !trimmedStart(text);
}

/** @param {string} text */
function trimmed(text) {
  const begun = trimmedStart(text);
  let end = begun.length;
  while (end > 0 && BLANK.test(begun[end - 1])) end -= 1;
  return begun.slice(0, end);
}
