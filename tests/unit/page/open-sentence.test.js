import assert from "node:assert/strict";
import { test } from "node:test";

import { goesOn, LONGEST, LONGEST_WITHOUT_SPACES, MAX_PAUSE_MS } from "../../../fastapi_service/static/view/open-sentence.js";

/** Predicts for a final of a second; `next` begins with its end. @param {object} [final] @param {object} [next] */
function predict(final, next) {
  const before = { text: "I went to the", language: "en", end_ms: 1000, ...final };
  return goesOn(/** @type {any} */ (before), { start_ms: 1000, text: "shop", language: "en", ...next });
}

test("what follows an unfinished sentence at once goes on with it", () => {
  assert.ok(predict());
  assert.ok(predict({ text: "to the", sentence: "I went. To the" }));
});

test("nothing goes on with a finished sentence, by the whole of its text", () => {
  assert.ok(!predict({ text: "I went." }));
  assert.ok(!predict({ text: "정말 좋았어요!" }));
  assert.ok(!predict({ text: "the", sentence: "I went to the shop." }));
});

test("after a long pause, or one of unknown length, something else begins", () => {
  assert.ok(predict({}, { start_ms: 1000 + MAX_PAUSE_MS }));
  assert.ok(!predict({}, { start_ms: 1001 + MAX_PAUSE_MS }));
  assert.ok(!predict({}, { start_ms: undefined }));
});

test("another language is another sentence; an unknown one may be the same", () => {
  assert.ok(!predict({}, { language: "ko" }));
  assert.ok(predict({}, { language: undefined }));
});

test("a sentence goes on up to a length, which is shorter in scripts without spaces", () => {
  for (const [language, longest] of /** @type {const} */ ([["en", LONGEST], ["ko", LONGEST], ["ja", LONGEST_WITHOUT_SPACES]])) {
    const text = "あ".repeat(longest - 1);
    assert.ok(predict({ text, language }, { text: "い", language }), language);
    assert.ok(!predict({ text, language }, { text: "いう", language }), language);
  }
});
