import assert from "node:assert/strict";
import { test } from "node:test";

import { OpenSentence } from "../../../fastapi_service/static/view/open-sentence.js";

/** Predicts for a final of a second; `next` begins with its end. @param {object} [final] @param {object} [next] */
function predict(final, next) {
  const before = { type: "final", text: "I went to the", language: "en", end_ms: 1000, ...final };
  const { start_ms, text, language } = { start_ms: 1000, text: "shop", language: "en", ...next };
  const open = new OpenSentence();
  open.own("s");
  open.sentence = /** @type {any} */ ({ newest: before, text: "its place" });
  if (start_ms !== undefined) open.began.set(1, start_ms);
  return open.goneOnWith(1, text, language) === "its place";
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
  assert.ok(predict({}, { start_ms: 1000 + 3000 }));
  assert.ok(!predict({}, { start_ms: 1001 + 3000 }));
  assert.ok(!predict({}, { start_ms: undefined }));
});

test("another language is another sentence; an unknown one may be the same", () => {
  assert.ok(!predict({}, { language: "ko" }));
  assert.ok(predict({}, { language: undefined }));
});

test("a sentence goes on up to a length, which is shorter in scripts without spaces", () => {
  for (const [language, longest] of /** @type {const} */ ([["en", 300], ["ko", 300], ["ja", 100]])) {
    const text = "あ".repeat(longest - 1);
    assert.ok(predict({ text, language }, { text: "い", language }), language);
    assert.ok(!predict({ text, language }, { text: "いう", language }), language);
  }
});

test("nothing goes on with a failure, nor in another session", () => {
  assert.ok(!predict({ type: "segment_failed" }));
  const open = new OpenSentence();
  open.own("s");
  open.sentence = /** @type {any} */ ({ newest: {} });
  open.own("s");
  assert.ok(open.sentence);
  open.own("t");
  assert.deepEqual([open.sentence, open.goneOnWith(1)], [undefined, null]);
});
