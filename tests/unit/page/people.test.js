/** Names, marks and figures of the people in a room. */

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { setLanguage } from "../../../fastapi_service/static/i18n/index.js";
import { localize } from "../../../fastapi_service/static/view/localize.js";
import { People } from "../../../fastapi_service/static/view/people.js";
import { PeopleTable } from "../../../fastapi_service/static/view/people-table.js";
import { Trend } from "../../../fastapi_service/static/view/trend.js";
import { severalVoices } from "../../../fastapi_service/static/view/voice-figures.js";
import { Transcript } from "../../../fastapi_service/static/view/transcript.js";
import { Who } from "../../../fastapi_service/static/view/who.js";
import { FakeDocument } from "./fake-document.js";

const page = new FakeDocument().install();
await localize();

/** @type {People} */
let people;
/** @type {Transcript} */
let transcript;
/** @type {Who} */
let who;
let seq = 0;

beforeEach(async () => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  page.children = [page.getElementById("ui-language")];
  await setLanguage("en");
  people = new People();
  transcript = new Transcript(people);
  who = new Who(people);
});

/** Says something, in a room of newer services. @param {string} person @param {string | null} [name] @param {object} [more] */
function say(person, name = null, { room = "r", role = null, session_id = person, ...more } = {}) {
  const clock = { speech_end: ++seq, endpointed: seq, delivered: seq };
  const speaker = { person, name, role };
  const said = { type: "final", session_id, room, segment: seq, start_ms: 0, end_ms: 0, clock, speaker, text: "Yes.", language: "en" };
  transcript.addFinal(/** @type {any} */ ({ ...said, sentiment: null, sentiment_reason: "", ...more }));
}

/** @param {string} person @param {string | null} [name] @param {object} [more] */
function present(person, name = null, more = {}) {
  return { person, name, role: null, talker: true, talking: false, ...more };
}

/** The names above the sentences. */
const headings = () => page.getElementById("sentences").querySelectorAll(".speaker").map((each) => each.textContent);
const marks = () => page.querySelectorAll(".mark").map((mark) => mark.dataset.mark);
/** @param {string} id */
const textOf = (id) => page.getElementById(id).textContent;

test("a name stands above the sentences of a person in a row, with the role, and a mark without a text", () => {
  say("a", "Ann Lee", { role: "agent" });
  say("a", "Ann Lee", { role: "agent" });
  say("b", "김서연");
  say("c");
  assert.deepEqual(headings(), ["Ann Lee agent", "김서연", "Speaker 3"]);
  assert.deepEqual(marks(), ["AL", "김", "3"]);
});

test("one person in two sessions is one, and two of one name are told apart", () => {
  say("a", "Ann", { session_id: "s1" });
  say("b", "Ann");
  say("a", "Ann", { session_id: "s2" });
  say("c");
  assert.deepEqual(headings(), ["Ann", "Ann (2)", "Ann", "Speaker 3"]);
});

test("a new name is shown above all sentences of the person", async () => {
  say("a");
  say("b", "Ben");
  say("a", "Ben");
  assert.deepEqual(headings(), ["Ben", "Ben (2)", "Ben"]);
  say("b", "Bob");
  assert.deepEqual(headings(), ["Ben", "Bob", "Ben", "Bob"]);
  say("b", null);
  await setLanguage("ko");
  assert.deepEqual(headings(), ["Ben", "화자 2", "Ben", "화자 2"]);
});

test("the names of those who are here are newer than those of sentences, which may be of an hour ago", () => {
  who.show([present("a", "Anna")]);
  say("a", "Ann");
  say("b", "Ben");
  assert.deepEqual(headings(), ["Anna", "Ben"]);
  who.show([]);
  say("c");
  say("a", "Ann");
  assert.deepEqual(headings().at(-1), "Ann");
});

test("we are You until we have a name, and namesakes of ourselves we are not", () => {
  transcript.own("s1", { person: "me" });
  say("me", null, { session_id: "s1" });
  assert.deepEqual(headings(), ["You"]);
  transcript.rename({ name: "Ann" });
  assert.deepEqual(headings(), ["Ann"]);
  transcript.own("s2", { person: "me too", name: "Ann" });
  say("me too", "Ann", { session_id: "s2" });
  assert.deepEqual(headings(), ["Ann", "Ann"]);
});

test("a result that an older worker has sent without its person is of the person of our session", () => {
  transcript.own("s1", { person: "me", name: "Ann" });
  say("me", "Ann", { session_id: "s1" });
  say("me", "Ann", { session_id: "s1", speaker: undefined });
  say("you", null, { session_id: "s2", speaker: undefined });
  assert.deepEqual(headings(), ["Ann", "Speaker 2"]);
});

test("who is alone is named with a name only, and from then on", () => {
  transcript.own("s", { person: "me" });
  say("me", null, { session_id: "s", room: null });
  assert.deepEqual(headings(), []);
  transcript.rename({ name: "Ann" });
  for (let sentence = 0; sentence < 2; sentence++) say("me", "Ann", { session_id: "s", room: null });
  assert.deepEqual(headings(), ["Ann"]);
});

test("screen readers say who talks where that is new", () => {
  say("a", "Ann");
  say("a", "Ann");
  say("b");
  mock.timers.tick(500);
  assert.deepEqual(page.getElementById("spoken").children.map((each) => /** @type {any} */ (each).textContent), ["Ann: Yes.", "Yes.", "Speaker 2: Yes."]);
});

test("24 people differ in colour or shape, and a mark is the same for all who read", () => {
  /** @type {string[]} */
  const styles = [];
  const { createElement } = page;
  page.createElement = (tag) => {
    const made = createElement.call(page, tag);
    /** @type {Record<string, string>} */
    const style = {};
    made.style = { setProperty: (/** @type {string} */ name, /** @type {string} */ value) => void (style[name] = value) };
    Object.defineProperty(made, "look", { get: () => `${style["--who"]} ${style["--corner"]}` });
    return made;
  };
  who.show([present("z"), present("y")]); // were here first, and say nothing
  for (let person = 0; person < 24; person++) say(`p${person}`);
  page.createElement = createElement;
  for (const tag of page.getElementById("sentences").querySelectorAll(".speaker")) styles.push(/** @type {any} */ (tag).look);
  assert.equal(new Set(styles).size, 24);
  assert.match(styles[0], /^var\(--person-a\) 50%$/);
});

/** Names in the list of those who talk. */
const talkers = () => page.getElementById("who").children.map((each) => /** @type {any} */ (each).textContent);

test("who talks is listed in the order of first sentences, and who listens is counted", () => {
  transcript.own("s", { person: "c" });
  say("b", "Ben");
  who.show([present("a", "Ann", { talking: true }), present("b", "Ben"), present("c", "Cy"), present("d", null, { talker: false }), present("e", "Eve", { talker: false })]);
  assert.deepEqual(talkers(), ["Ben", "Ann talking", "Cy (you)"]);
  assert.equal(textOf("others"), "2 listening: Eve");
  assert.equal(textOf("rename"), "Change name");
  assert.equal(page.getElementById("here").hidden, false);
});

test("of many who talk, those who talk now are shown, and the others are counted", () => {
  const many = Array.from({ length: 20 }, (_, i) => present(`p${i}`, `P${i}`, { talking: i === 19 }));
  who.show(many);
  assert.equal(talkers().length, 12);
  assert.ok(talkers().includes("P19 talking"));
  assert.equal(textOf("others"), "and 8 more");
  assert.equal(textOf("rename"), "Add your name");
});

test("outside of a room, and with an older service, nobody is listed", () => {
  for (const none of [undefined, null]) {
    page.getElementById("here").hidden = false;
    who.show(none);
    assert.equal(page.getElementById("here").hidden, true);
  }
});

const TALK = { person: "a", name: null, role: null, talk_ms: 61_000, share: 0.75, words: 1_200, words_per_minute: 125.4, longest_monologue_ms: 9_000, interruptions: 2, overlap_ms: 840 };
const COUNTS = { positive: { count: 3 }, neutral: { count: 2 }, negative: { count: 1 } };
const SENTENCE = { session_id: "a", segment: 1, at: 1, valence: 0.91 };
const FIGURES = { person: "a", sentiment: COUNTS, trend: -0.25, most_positive: SENTENCE };

/** Rows of the table: name and figures. */
const rows = () => Object.fromEntries(page.getElementById("people-rows").children.map((row) => {
  const [name, ...cells] = /** @type {any} */ (row).children.map((cell) => /** @type {any} */ (cell).textContent);
  return [name, cells.join("|")];
}));

test("the table has a column for each person, in words of the page, and a link to what is on the page", async () => {
  let shown = 0;
  const table = new PeopleTable(people, ({ session_id }) => (session_id === "a" ? { text: "Great.", show: () => void shown++ } : null));
  table.show(/** @type {any} */ ([TALK, { ...TALK, person: "b", share: null, words_per_minute: null }]));
  assert.equal(page.getElementById("people-figures").hidden, false);
  assert.deepEqual(page.getElementById("people-head").querySelectorAll("th").map((each) => each.getAttribute("scope")), ["col", "col"]);
  assert.equal(rows()["Recent trend"], "–|–");
  table.note(/** @type {any} */ (FIGURES));
  assert.deepEqual(rows(), {
    "Time talked": "01:01|01:01", Share: "75%|–", Words: "1,200|1,200", "Words per minute": "125|–", "Longest turn": "00:09|00:09",
    Interruptions: "2|2", "Talking at once": "0.8 s|0.8 s", Positive: "3|–", Neutral: "2|–", Negative: "1|–", "Recent trend": "−0.25|–",
    "Most positive": "+0.91|–", "Most negative": "–|–",
  });
  const links = page.getElementById("people-rows").querySelectorAll("a");
  assert.deepEqual(links.map((link) => link.getAttribute("href")), ["#transcript", null, null, null]);
  /** @type {any} */ (links[0]).onclick({ preventDefault() {} });
  assert.equal(shown, 1);
  table.note(/** @type {any} */ ({ ...FIGURES, most_positive: { ...SENTENCE, valence: 0.95 } }));
  assert.equal(page.getElementById("people-rows").querySelectorAll("a")[0], links[0], "it keeps the keyboard's focus");
  await setLanguage("ko");
  assert.equal(rows()["말한 시간"], "01:01|01:01");
  table.clear();
  assert.equal(page.getElementById("people-figures").hidden, true);
});

const POINTS = [{ at: 0, valence: -0.5, count: 1 }, { at: 60, valence: 0.5, count: 1 }];
/** Figures of a voice. @param {string} session_id @param {number} voice @param {object} [more] */
function voiceOf(session_id, voice, more = {}) {
  const { talk_ms: speech_ms, share, words, words_per_minute, longest_monologue_ms } = TALK;
  const figures = { speech_ms, share, words, words_per_minute, longest_monologue_ms, sentiment: COUNTS, trend: 0.5, timeline: POINTS };
  return /** @type {any} */ ({ session_id, voice, ...figures, most_positive: SENTENCE, ...more });
}

const tableHeads = () => page.getElementById("people-head").querySelectorAll("bdi").map((each) => each.textContent);
const curveTexts = () => page.getElementById("curves").children.map((each) => /** @type {any} */ (each).children.slice(0, 2).map((/** @type {any} */ child) => child.textContent.slice(0, 24)).join(": "));
/** Those of a session without a room. @param {number[]} voices */
const ownVoices = (...voices) => severalVoices(voices.map((voice) => voiceOf("s", voice)), "me", false);

test("without a room each of several voices has a column and a curve, a single one has none", async () => {
  const table = new PeopleTable(people, () => null);
  const trend = new Trend(people);
  transcript.own("s", { person: "me" });
  table.show([], ownVoices(1, 2, 4));
  trend.show(POINTS, [], ownVoices(1, 2, 4));
  assert.deepEqual(tableHeads(), ["Speaker 1", "Speaker 2", "Speaker 4"]);
  assert.deepEqual(marks(), ["1", "2", "4", "1", "2", "4"]);
  assert.equal(rows()["Time talked"], "01:01|01:01|01:01");
  assert.equal(rows().Interruptions, "–|–|–", "between voices of one microphone there is nothing to count");
  assert.equal(rows()["Most positive"], "+0.91|+0.91|+0.91");
  assert.equal(curveTexts().length, 3);
  assert.match(curveTexts()[2], /^4?Speaker 4: /);
  table.show([], ownVoices(1, 2));
  trend.show(POINTS, [], ownVoices(1, 2));
  assert.deepEqual([tableHeads(), curveTexts().length], [["Speaker 1", "Speaker 2"], 2], "two have become one");
  await setLanguage("ko");
  assert.deepEqual(tableHeads(), ["화자 1", "화자 2"]);
  transcript.rename({ name: "Kim" });
  assert.deepEqual(tableHeads(), ["Kim 목소리 1", "Kim 목소리 2"]);
  table.show([], ownVoices(1));
  trend.show(POINTS, [], ownVoices(1));
  assert.deepEqual([page.getElementById("people-figures").hidden, curveTexts()], [true, []]);
});

test("in a room the voices of a microphone stand behind its person", () => {
  const table = new PeopleTable(people, () => null);
  const trend = new Trend(people);
  say("a", "Ann");
  say("b");
  table.show(/** @type {any} */ ([TALK, { ...TALK, person: "b" }]));
  for (const [person, voices] of /** @type {const} */ ([["a", []], ["b", [1, 2]], ["a", [1, 3]], ["a", [1, 2, 3]]])) {
    const alone = voiceOf("another session", 1);
    const statistics = { ...FIGURES, person, timeline: POINTS, voices: [alone, ...voices.map((voice) => voiceOf(`s of ${person}`, voice))] };
    table.note(/** @type {any} */ (statistics));
    trend.showPerson(/** @type {any} */ (statistics));
  }
  const names = ["Ann", "Ann voice 1", "Ann voice 2", "Ann voice 3", "Speaker 2", "Speaker 2 voice 1", "Speaker 2 voice 2"];
  assert.deepEqual(tableHeads(), names);
  assert.deepEqual(curveTexts().map((text) => text.split(":")[0]).toSorted(), names);
  assert.deepEqual(curveTexts().map((text) => text.startsWith("Ann")), [true, true, true, true, false, false, false]);
  assert.equal(rows().Interruptions, "2|–|–|–|2|–|–");
});

test("a sentence is found by its first segment, also when it has grown", () => {
  transcript.addFinal(/** @type {any} */ ({ session_id: "s", segment: 3, text: "I came", language: "en", start_ms: 0, end_ms: 0, clock: {} }));
  transcript.addFinal(/** @type {any} */ ({ session_id: "s", segment: 4, text: "and saw.", sentence: "I came and saw.", continues: true, continued_segment: 3, language: "en", clock: {} }));
  assert.equal(transcript.find({ session_id: "s", segment: 3, at: 0, valence: 0 })?.text, "I came and saw.");
  assert.equal(transcript.find({ session_id: "s", segment: 4, at: 0, valence: 0 }), null);
});

/** Two who talk at this page. */
function ownBoth() {
  transcript.own("s0", { person: "left", name: "Ann", channel: 0 });
  transcript.own("s1", { person: "right", name: "Bob", channel: 1 });
}

test("of two who talk here, the second one is not us", async () => {
  ownBoth();
  who.show([present("left", "Ann"), present("right", "Bob")]);
  assert.deepEqual(talkers(), ["Ann (you)", "Bob"]);
  transcript.rename({ name: "Ben", channel: 1 });
  say("right", "Ben", { session_id: "s1" });
  assert.deepEqual(headings(), ["Ben"]);
});

/** Texts of the items, with their names. */
const items = () => page.getElementById("sentences").querySelectorAll("li").map((each) => each.textContent.replace(/\d\d:\d\d/, ""));

test("what two say at once has each one's name, and stands in the order in which it was finished", () => {
  ownBoth();
  say("right", "Bob", { session_id: "s1", text: "Hello." });
  for (const channel of [0, 1]) {
    transcript.begin({ segment: 9, at_ms: 0, channel });
    transcript.showInterim(/** @type {any} */ ({ segment: 9, stable: `I am ${channel}`, unstable: "", language: "en", channel }));
  }
  assert.deepEqual(items().slice(1), ["AnnI am 0", "BobI am 1"]);
  say("right", "Bob", { session_id: "s1", segment: 9, text: "I am one." });
  assert.match(items()[1], /^I am one\./);
  assert.deepEqual(items()[2], "AnnI am 0");
  transcript.awaitFinal({ segment: 9, channel: 0 });
  say("left", "Ann", { session_id: "s0", segment: 9, text: "I am zero." });
  assert.match(items()[2], /^AnnI am zero\./);
  assert.equal(items().length, 3);
});
