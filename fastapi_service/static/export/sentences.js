// @ts-check
/**
 * Finals of one sentence as one result, which stands at the place of the first of them. `fastapi_service/export/sentences.py`
 * has the same rules.
 */

import { isBlank, joined, lastMark, spaceBetween, trimmedStart } from "../wire/sentence-ends.js";

/**
 * @typedef {import("../wire/messages.js").Final} Final
 * @typedef {import("../wire/messages.js").SegmentFailed} SegmentFailed
 * @typedef {import("../wire/messages.js").Word} Word
 */

/**
 * @param {(Final | SegmentFailed)[]} entries in the order of `seq`
 * @returns {{ result: Final | SegmentFailed, utterances: (Final | SegmentFailed)[] }[]}
 */
export function asSentences(entries) {
  /** The finals of each sentence that goes on, by session and first segment. @type {Map<string, Final[]>} */
  const sentences = new Map();
  /** @type {(SegmentFailed | Final[])[]} */
  const found = [];
  for (const entry of entries) {
    if (entry.type !== "final") {
      found.push(entry);
      continue;
    }
    const place = `${entry.session_id} ${entry.first_segment ?? entry.segment}`;
    const sentence = entry.continues ? sentences.get(place) : undefined;
    if (sentence) {
      sentence.push(entry);
    } else {
      const begun = [entry];
      sentences.set(place, begun);
      found.push(begun);
    }
  }
  return found.map((each) =>
    Array.isArray(each) ? { result: asOne(each), utterances: each } : { result: each, utterances: [each] },
  );
}

/**
 * From the beginning of the first to the end of the last, with the sentiment of the last. Marks that turned out to lie within
 * the sentence are left out of its text and of its words. If an engine gave no words for a part of the text, there are none.
 * @param {Final[]} finals
 * @returns {Final}
 */
function asOne(finals) {
  let { text, words = [] } = finals[0];
  for (const final of finals.slice(1)) {
    text = joined(text, final.text, final.language);
    words = joinedWords(words, final);
  }
  const complete = finals.every((final) => final.words?.length || isBlank(final.text));
  return { ...finals[finals.length - 1], start_ms: finals[0].start_ms, text, words: complete ? words : [] };
}

/**
 * @param {Word[]} before
 * @param {Final} final
 */
function joinedWords(before, final) {
  const words = without(before, ...lastMark(textOf(before)));
  const following = final.words ?? [];
  if (isBlank(textOf(words)) || !following.length) return [...words, ...following];
  const [first, ...rest] = following;
  const text = trimmedStart(first.text);
  return [...words, { ...first, text: spaceBetween(textOf(words), text, final.language) + text }, ...rest];
}

/** @param {Word[]} words */
function textOf(words) {
  return words.map(({ text }) => text).join("");
}

/**
 * Words without the characters of their text from `start` to `end`; none that is empty then.
 * @param {Word[]} words
 * @param {number} start
 * @param {number} end
 */
function without(words, start, end) {
  let at = 0;
  return words.flatMap((word) => {
    const text = word.text.slice(0, Math.max(0, start - at)) + word.text.slice(Math.max(0, end - at));
    at += word.text.length;
    if (text === word.text) return [word];
    return isBlank(text) ? [] : [{ ...word, text }];
  });
}
