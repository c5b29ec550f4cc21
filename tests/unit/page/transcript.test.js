/** Fragments of a sentence: one item of the list, whatever comes between. */

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { localize } from "../../../fastapi_service/static/view/localize.js";
import { Transcript } from "../../../fastapi_service/static/view/transcript.js";
import { FakeDocument } from "./fake-document.js";

const page = new FakeDocument().install();
await localize();

const [US, THEM] = ["us", "them"];
/** @type {Transcript} */
let transcript;

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  page.children = [page.getElementById("ui-language")];
  transcript = new Transcript();
  transcript.own(US);
});

/** A final of a second; that of segment n begins n times two seconds after the start. @param {number} segment @param {string} text */
function final(segment, text, { session = US, room = null, label = "neutral", ...more } = {}) {
  const end = segment * 2 + 1;
  const clock = { speech_end: end, endpointed: end, delivered: end + 1 };
  const sentiment = { label, score: 0.8, probabilities: {} };
  const times = { start_ms: segment * 2000, end_ms: end * 1000, clock };
  const said = { type: "final", session_id: session, room, segment, text, language: "en", sentiment, ...times, ...more };
  return /** @type {any} */ (said);
}

/** One that goes on with the sentence of the one before. @param {number} segment @param {string} text @param {string} sentence @param {object} [more] */
function further(segment, text, sentence, more) {
  return final(segment, text, { continues: true, continued_segment: segment - 1, sentence, ...more });
}

/** @param {number} segment @param {string} stable @param {object} [more] */
function interim(segment, stable, more) {
  transcript.begin({ segment, at_ms: segment * 2000 + 50 });
  transcript.showInterim(/** @type {any} */ ({ segment, stable, unstable: "", language: "en", ...more }));
}

/** @param {number} segment @param {string} [session] */
function fail(segment, session = US) {
  transcript.addFailed({ ...final(segment, ""), type: "segment_failed", session_id: session, message: "m", remedy: "r" });
}

/** The items of the list. */
const items = () => page.getElementById("sentences").querySelectorAll("li");
/** The texts of all items, without time and label; "…" of an item without a text. */
const texts = () => items().map((item) => item.querySelector(".text")?.textContent ?? "…");
const spoken = () => {
  mock.timers.tick(500);
  return page.getElementById("spoken").children.map((child) => (typeof child === "string" ? child : child.textContent));
};

test("three fragments are one item with the newest label and the first time, and three entries for the export", () => {
  transcript.addFinal(final(30, "I went to"));
  const [item] = items();
  transcript.addFinal(further(31, "the shop", "I went to the shop", { label: "negative" }));
  transcript.addFinal(further(32, "and it was great.", "I went to the shop and it was great.", { label: "positive" }));
  assert.deepEqual(items(), [item]);
  assert.deepEqual(texts(), ["I went to the shop and it was great."]);
  assert.equal(item.textContent, "01:00I went to the shop and it was great.▲ Positive 80%");
  assert.deepEqual(transcript.entries.map(({ segment }) => segment), [30, 31, 32]);
  assert.equal(item.dataset.entry, "0");
});

test("a sentence that looked finished and goes on gets the text without the full stop; the place of what followed goes", () => {
  transcript.addFinal(final(0, "It is."));
  interim(1, "Just bigger");
  assert.deepEqual(texts(), ["It is.", "Just bigger"]);
  transcript.addFinal(further(1, "Just bigger.", "It is just bigger."));
  assert.deepEqual(texts(), ["It is just bigger."]);
});

test("what others say in between stays behind the sentence, and who goes on is named again", () => {
  transcript.addFinal(final(0, "I think", { room: "r" }));
  transcript.addFinal(final(0, "Yes?", { room: "r", session: THEM }));
  transcript.addFinal(further(1, "we should.", "I think we should.", { room: "r" }));
  assert.deepEqual(texts(), ["I think we should.", "Yes?"]);
  transcript.addFinal(final(2, "Soon.", { room: "r" }));
  assert.deepEqual(items().map((item) => item.querySelector(".speaker")?.textContent), ["You", "Speaker 2", "You"]);
});

test("each session goes on with its own sentence", () => {
  transcript.addFinal(final(0, "Mine", { room: "r" }));
  transcript.addFinal(final(0, "Theirs", { room: "r", session: THEM }));
  transcript.addFinal(further(1, "too.", "Theirs too.", { room: "r", session: THEM }));
  transcript.addFinal(further(1, "as well.", "Mine as well.", { room: "r" }));
  assert.deepEqual(texts(), ["Mine as well.", "Theirs too."]);
});

test("without its beginning on the page, the whole sentence stands in an item of its own", () => {
  transcript.addFinal(further(5, "was great.", "I went, and it was great."));
  transcript.addFinal(final(7, "Then", {}));
  transcript.addFinal(further(9, "we left.", "So we left."));
  assert.deepEqual(texts(), ["I went, and it was great.", "Then", "So we left."]);
});

test("a service that sends no sentences has an item for each final", () => {
  for (const segment of [0, 1]) transcript.addFinal(final(segment, "went to"));
  assert.deepEqual(texts(), ["went to", "went to"]);
});

test("the text so far stands in the open sentence, unread, and becomes a part of it in place", () => {
  transcript.addFinal(final(0, "I went to"));
  const [item] = items();
  interim(1, "the", { unstable: "ship" });
  assert.deepEqual(texts(), ["I went to the ship"]);
  const [part] = item.querySelectorAll(".interim");
  assert.deepEqual([part.textContent, part.getAttribute("aria-hidden")], [" the ship", "true"]);
  assert.equal(part.querySelector(".unstable")?.textContent, " ship");
  interim(1, "the shop");
  transcript.awaitFinal({ segment: 1 });
  assert.deepEqual([texts(), part.className], [["I went to the shop"], "interim awaited"]);
  transcript.addFinal(further(1, "the shop.", "I went to the shop."));
  assert.deepEqual([items(), texts(), item.querySelectorAll(".interim")], [[item], ["I went to the shop."], []]);
});

test("in a script without spaces there is none before it", () => {
  transcript.addFinal(final(0, "私は", { language: "ja" }));
  interim(1, "店に", { unstable: "行", language: "ja" });
  assert.deepEqual(texts(), ["私は店に行"]);
});

test("without interim text the open sentence waits as it is", () => {
  transcript.addFinal(final(0, "I went to"));
  transcript.begin({ segment: 1, at_ms: 1800 });
  transcript.awaitFinal({ segment: 1 });
  assert.deepEqual([texts(), items()[0].querySelectorAll(".awaited").length], [["I went to"], 1]);
});

test("what does not go on after all gets an item of its own", () => {
  transcript.addFinal(final(0, "I went to"));
  interim(1, "Hello");
  transcript.addFinal(final(1, "Hello."));
  assert.deepEqual(texts(), ["I went to", "Hello."]);
});

test("nothing but the waiting part goes where there was no speech, where it failed, and at the end", () => {
  transcript.addFinal(final(0, "I went to"));
  interim(1, "uh");
  transcript.drop({ session_id: US, segment: 1 });
  assert.deepEqual(texts(), ["I went to"]);
  interim(2, "the", { unstable: "" });
  assert.deepEqual(texts(), ["I went to", "the"], "too long a pause");
  transcript.dropPending();
  transcript.addFinal(further(2, "the", "I went to the", { continued_segment: 0 }));
  interim(3, "shop");
  assert.deepEqual(texts(), ["I went to the shop"]);
  transcript.dropPending();
  assert.deepEqual(texts(), ["I went to the"]);
  interim(3, "shop");
  fail(3);
  assert.deepEqual(texts(), ["I went to the", "Not transcribed."]);
  interim(4, "and");
  assert.deepEqual(texts(), ["I went to the", "Not transcribed.", "and"], "a failure ends the sentence for the reader");
});

test("the text so far has an item of its own behind a finished sentence, a divider, and in a new session", () => {
  transcript.addFinal(final(0, "Done."));
  interim(1, "New");
  transcript.drop({ session_id: US, segment: 1 });
  transcript.addFinal(final(1, "Lost in"));
  transcript.addDivider(() => "a gap");
  interim(2, "the");
  assert.deepEqual(texts(), ["Done.", "Lost in", "…", "the"]);
  transcript.dropPending();
  transcript.addFinal(final(2, "open"));
  transcript.own("another");
  interim(3, "so");
  assert.deepEqual(texts(), ["Done.", "Lost in", "…", "open", "so"]);
});

test("behind one that waits it has its own item until that is there, and then goes on with it", () => {
  interim(0, "I went");
  transcript.awaitFinal({ segment: 0 });
  interim(1, "to the");
  assert.deepEqual(texts(), ["I went", "to the"]);
  transcript.addFinal(final(0, "I went"));
  interim(1, "to the shop");
  assert.deepEqual(texts(), ["I went to the shop"]);
});

test("a part that becomes too long for the sentence moves to an item of its own, before what waits behind it", () => {
  transcript.addFinal(final(0, "a".repeat(250)));
  interim(1, "b");
  assert.equal(items().length, 1);
  interim(2, "c");
  interim(1, "b".repeat(60));
  assert.deepEqual(texts().slice(1), ["b".repeat(60), "c"]);
});

test("in a room, our text so far says who talks where somebody else talked before", () => {
  transcript.addFinal(final(0, "Yes?", { room: "r", session: THEM }));
  interim(0, "I");
  assert.equal(items()[1].querySelector(".speaker")?.textContent, "You");
  transcript.addFinal(final(0, "I do.", { room: "r" }));
  interim(1, "And");
  assert.deepEqual(items().map((item) => item.querySelectorAll(".speaker").length), [1, 1, 0]);
});

test("the text so far has the time that the sentence will have", () => {
  const time = () => items().at(-1)?.querySelector("time")?.textContent;
  interim(40, "I went");
  assert.equal(time(), "01:20");
  transcript.addFinal(final(40, "I went."));
  assert.equal(time(), "01:20");
  transcript.addFinal({ ...final(41, "Yes.", { session: THEM }), end_ms: 93_000 });
  interim(42, "So");
  assert.equal(time(), "01:34");
  transcript.addFinal(final(42, "So."));
  assert.equal(time(), "01:34");
});

test("screen readers read what is new only, and count sentences", () => {
  transcript.addFinal(final(0, "I went to"));
  transcript.addFinal(further(1, "the shop.", "I went to the shop."));
  assert.deepEqual(spoken(), ["I went to", "the shop."]);
  transcript.addFinal(further(2, "Again.", "I went to the shop again."));
  assert.deepEqual(spoken(), ["Again."]);
  for (const segment of [10, 12, 14, 16]) {
    transcript.addFinal(final(segment, "One"));
    transcript.addFinal(further(segment + 1, "sentence.", "One sentence."));
  }
  assert.deepEqual(spoken(), ["4 sentences were added."]);
});

test("a cleared list goes on with nothing", () => {
  transcript.addFinal(final(0, "I went to"));
  transcript.clear();
  transcript.own(US);
  interim(1, "the shop");
  transcript.addFinal(further(1, "the shop.", "I went to the shop."));
  assert.deepEqual([texts(), transcript.entries.length], [["I went to the shop."], 1]);
});

test("speakers of one microphone are named where they change, and named again when two voices turn out to be one", () => {
  const heads = () => items().map((item) => item.querySelector(".speaker")?.textContent ?? "");
  transcript.addFinal(final(0, "Shall we begin?", { voice: 1 }));
  transcript.addFinal(final(1, "Yes.", { voice: 2 }));
  transcript.addFinal(final(2, "Please.", { voice: 2 }));
  transcript.addFinal(final(3, "Hm."));
  transcript.addFinal(final(4, "I have nothing to add.", { voice: 3 }));
  assert.deepEqual(heads(), ["Speaker 1", "Speaker 2", "", "", "Speaker 3"]);
  transcript.addFinal(further(5, "So be it.", "I have nothing to add, so be it.", { voice: 2, merged_voices: { 3: 2 } }));
  assert.deepEqual(heads(), ["Speaker 1", "Speaker 2", "", "", "Speaker 2"]);
  transcript.addFinal(final(6, "Good.", { voice: 2 }));
  assert.deepEqual(heads().at(-1), "");
});

test("in a room, voices are named beside whose microphone it is", () => {
  const heads = () => items().map((item) => item.querySelector(".speaker")?.textContent);
  const room = "kitchen";
  transcript.addFinal(final(0, "Good morning.", { room, voice: 1 }));
  transcript.addFinal(final(0, "Hello.", { room, session: THEM }));
  transcript.addFinal(final(1, "Hello you.", { room, voice: 2 }));
  assert.deepEqual(heads(), ["You voice 1", "Speaker 2", "You voice 2"]);
});
