/** Labels that are unsure, or in a language that the model was not trained with: said in words, in both languages. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { setLanguage } from "../../../fastapi_service/static/i18n/index.js";
import { localize } from "../../../fastapi_service/static/view/localize.js";
import { finalParts, latencyLine } from "../../../fastapi_service/static/view/sentence.js";
import { StatisticsPanel } from "../../../fastapi_service/static/view/statistics.js";
import { FakeDocument, FakeElement } from "./fake-document.js";

const page = new FakeDocument().install();
await localize();

const LANGUAGES = /** @type {const} */ (["en", "ko"]);
const WORDS = {
  en: {
    sure: "▲ Positive 82%",
    unsure: "● Neutral · unsure",
    zeroShot: "▲ Positive 82% *",
    both: "● Neutral · unsure *",
    footnote: "* Language not trained",
    rows: ["Sentiment unsure", "* Language not trained"],
  },
  ko: {
    sure: "▲ 긍정 82%",
    unsure: "● 중립 · 불확실",
    zeroShot: "▲ 긍정 82% *",
    both: "● 중립 · 불확실 *",
    footnote: "* 학습하지 않은 언어",
    rows: ["감정 불확실", "* 학습하지 않은 언어"],
  },
};

/** @param {object} [marks] */
function parts(marks) {
  const label = marks && "unsure" in marks ? { label: "neutral", score: 0.11 } : { label: "positive", score: 0.82 };
  const final = { text: "Hm.", language: "sv", sentiment: { ...label, ...marks }, sentiment_reason: null };
  page.children = [page.getElementById("ui-language"), ...finalParts(/** @type {any} */ (final)).slice(1)];
  return /** @type {FakeElement[]} */ (page.children.slice(1));
}

/** @param {FakeElement[]} elements */
function texts(elements) {
  return elements.map(({ textContent }) => textContent);
}

/** The panel inside of index.html. */
function panel() {
  const section = new FakeElement("section");
  section.setAttribute("id", "statistics");
  page.children = [page.getElementById("ui-language"), section];
  for (const id of ["totals", "rows"]) section.append(element(id));
  return new StatisticsPanel();
}

/** @param {string} id */
function element(id) {
  const made = new FakeElement("dl");
  made.setAttribute("id", id);
  return made;
}

/** @param {object} counts */
function figures(counts) {
  const none = { trend: null, sentiment: {}, languages: {}, latency: {}, timeline: [] };
  return /** @type {any} */ ({ utterances: 5, words: 20, speech_ms: 60_000, ...none, ...counts });
}

/** Texts of the rows that are shown. */
function rows() {
  const shown = page.querySelectorAll("dt").filter(({ parentElement }) => !parentElement?.hidden);
  return Object.fromEntries(shown.map((term) => texts(/** @type {FakeElement[]} */ (term.parentElement?.children))));
}

beforeEach(() => setLanguage("en"));

for (const language of LANGUAGES) {
  const words = WORDS[language];

  test(`${language}: an unsure label says so in place of its score, and is paler`, async () => {
    await setLanguage(language);
    const [badge, ...rest] = parts({ unsure: true });
    assert.deepEqual([badge.textContent, badge.className, rest], [words.unsure, "badge unsure", []]);
    assert.equal(badge.dataset.label, "neutral");
  });

  test(`${language}: a zero-shot label has an asterisk, and a footnote in words`, async () => {
    await setLanguage(language);
    const [badge, footnote] = parts({ zero_shot: true });
    assert.deepEqual([badge.textContent, badge.className], [words.zeroShot, "badge"]);
    assert.deepEqual([footnote.textContent, footnote.className], [words.footnote, "reason footnote"]);
    assert.equal(footnote.getAttribute("aria-hidden"), null);
  });

  test(`${language}: a label can be both, or neither`, async () => {
    await setLanguage(language);
    assert.deepEqual(texts(parts({ unsure: true, zero_shot: true })), [words.both, words.footnote]);
    assert.deepEqual(texts(parts()), [words.sure], "of an older service");
    assert.deepEqual(texts(parts({ zero_shot: false })), [words.sure]);
  });

  test(`${language}: the statistics count both`, async () => {
    await setLanguage(language);
    panel().show(figures({ unsure: 2, zero_shot: 1_234 }));
    const shown = rows();
    assert.deepEqual(words.rows.map((row) => shown[row]), ["2", "1,234"]);
  });
}

test("shown labels follow the language of the page", async () => {
  parts({ unsure: true, zero_shot: true });
  await setLanguage("ko");
  assert.deepEqual(texts(/** @type {FakeElement[]} */ (page.children.slice(1))), [WORDS.ko.both, WORDS.ko.footnote]);
});

test("the statistics have no row for what there is none of, nor for what an older service does not count", () => {
  const statistics = panel();
  const always = ["Sentences", "Words", "Time talked", "Words per minute", "Recent trend", "Languages", "Typical delay"];
  statistics.clear();
  assert.deepEqual(Object.keys(rows()), always);
  statistics.show(figures({ unsure: 0, zero_shot: 3, unanalysed: 1 }));
  assert.deepEqual(Object.keys(rows()), [...always, "Without sentiment", "* Language not trained"]);
  statistics.show(figures({}));
  assert.deepEqual(Object.keys(rows()), always);
  statistics.people(2);
  assert.deepEqual(Object.keys(rows()), [...always, "People in the room"]);
});

test("no stage takes less than no time, also of a text that was there before the end was found", () => {
  const clock = { speech_end: 10, endpointed: 10.8, stt_start: 10.2, stt_end: 10.4, analysed: 10.9, delivered: 11, published: 10.9 };
  const line = latencyLine(/** @type {any} */ ({ clock }));
  assert.equal(texts(/** @type {any} */ ([line]))[0], "Here after 1.0 s: pause 0.8 s · queue 0.0 s · speech to text 0.2 s · sentiment 0.5 s · delivery 0.1 s");
});
