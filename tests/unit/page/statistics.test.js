/** What the panel counts and calls sentences. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { setLanguage } from "../../../fastapi_service/static/i18n/index.js";
import { localize } from "../../../fastapi_service/static/view/localize.js";
import { StatisticsPanel } from "../../../fastapi_service/static/view/statistics.js";
import { FakeDocument, FakeElement } from "./fake-document.js";

const page = new FakeDocument().install();
await localize();

const NONE = { words: 0, speech_ms: 0, trend: null, sentiment: {}, languages: {}, latency: {}, timeline: [] };
/** @type {StatisticsPanel} */
let panel;

beforeEach(() => {
  const section = new FakeElement("section");
  section.setAttribute("id", "statistics");
  page.children = [page.getElementById("ui-language"), section];
  for (const id of ["totals", "rows"]) {
    const list = new FakeElement("dl");
    list.setAttribute("id", id);
    section.append(list);
  }
  panel = new StatisticsPanel();
});

/** Name and figure of the sentences. @param {object} counts */
function sentences(counts) {
  panel.show(/** @type {any} */ ({ ...NONE, ...counts }));
  const figure = page.querySelectorAll("[data-figure=sentences]")[0];
  return figure.parentElement?.children.map((child) => /** @type {FakeElement} */ (child).textContent);
}

for (const [language, name] of /** @type {const} */ ([["en", "Sentences"], ["ko", "문장"]])) {
  test(`${language}: sentences are counted, however many utterances they are`, async () => {
    await setLanguage(language);
    assert.deepEqual(sentences({ utterances: 1_500, sentences: 1_200 }), [name, "1,200"]);
    assert.deepEqual(sentences({ utterances: 3, sentences: 0 }), [name, "0"]);
  });

  test(`${language}: the utterances of a service that does not count sentences are what the list shows`, async () => {
    await setLanguage(language);
    assert.deepEqual(sentences({ utterances: 3 }), [name, "3"]);
  });
}

test("voices of a session are shown where it has no room; in one they come with their people", () => {
  /** @param {number} voice */
  const voiceOf = (voice) => ({ session_id: "s", voice, speech_ms: 1_000, words: 1, words_per_minute: 60, share: 0.5, longest_monologue_ms: 1_000, trend: null, timeline: [] });
  const figures = { ...NONE, utterances: 2, voices: [voiceOf(1), voiceOf(2)] };
  panel.show(/** @type {any} */ (figures));
  assert.equal(page.getElementById("people-head").querySelectorAll("th").length, 2);
  panel.show(/** @type {any} */ ({ ...figures, room: "r" }));
  assert.equal(page.getElementById("people-figures").hidden, true);
});
