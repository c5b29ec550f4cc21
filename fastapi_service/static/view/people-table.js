// @ts-check
/** The figures of each person in a room, and of each of several voices at one microphone: a column for each. */

import { minutes, percent, seconds, valence, whole } from "../i18n/format.js";
import { texts } from "../i18n/index.js";
import { element, find } from "./element.js";
import { setText } from "./localize.js";
import { SentenceLink } from "./sentence-link.js";
import { severalVoices } from "./voice-figures.js";

/**
 * @typedef {import("../wire/messages.js").PersonTalk} PersonTalk
 * @typedef {import("../wire/messages.js").PersonStatistics} PersonStatistics
 * @typedef {import("./voice-figures.js").Voice} Voice
 * @typedef {"share" | "words" | "words_per_minute" | "longest_monologue_ms"} Common of people and voices
 * @typedef {"sentiment" | "trend" | "most_positive" | "most_negative"} Judged
 * @typedef {Pick<PersonTalk, Common> & { talk_ms: number } & Partial<Pick<PersonTalk, "interruptions" | "overlap_ms">> &
 *   Partial<Pick<PersonStatistics, Judged>>} Figures between voices of one microphone there are no interruptions
 * @typedef {{ key: string, head: () => HTMLElement, figures: Figures }} Column
 */

const LABELS = /** @type {const} */ (["positive", "neutral", "negative"]);
const NOTABLE = /** @type {const} */ (["most_positive", "most_negative"]);
/** Text of each row. @type {Record<string, (figures: Figures) => string>} */
const ROWS = {
  talk: ({ talk_ms }) => minutes(talk_ms),
  share: ({ share }) => orNone(share, percent),
  words: ({ words }) => whole(words),
  pace: ({ words_per_minute }) => orNone(words_per_minute, whole),
  longest: ({ longest_monologue_ms }) => minutes(longest_monologue_ms),
  interruptions: ({ interruptions }) => orNone(interruptions, whole),
  overlap: ({ overlap_ms }) => orNone(overlap_ms, seconds),
  ...Object.fromEntries(
    LABELS.map((label) => [label, (/** @type {Figures} */ { sentiment }) => orNone(sentiment?.[label].count, whole)]),
  ),
  trend: ({ trend }) => orNone(trend, valence),
};

export class PeopleTable {
  #people;
  /** @type {PersonTalk[]} */
  #talk = [];
  /** By person. @type {Map<string, PersonStatistics>} */
  #statistics = new Map();
  /** Voices where there is no room. @type {Voice[]} */
  #voices = [];
  /** Keys of the columns that stand. */
  #keys = "";
  /** Row and key of the column → the cell. @type {Map<string, HTMLElement>} */
  #cells = new Map();
  /** Likewise. @type {Map<string, SentenceLink>} */
  #links = new Map();
  /** @type {import("./sentence-link.js").Reach} */
  #reach;

  /**
   * @param {import("./people.js").People} people
   * @param {import("./sentence-link.js").Reach} reach
   */
  constructor(people, reach) {
    this.#people = people;
    this.#reach = reach;
  }

  clear() {
    this.#statistics.clear();
    this.show([]);
  }

  /** @param {PersonStatistics} statistics */
  note(statistics) {
    this.#statistics.set(statistics.person, statistics);
    this.show(this.#talk, this.#voices);
  }

  /**
   * @param {PersonTalk[]} talk of each person; none: an older service, or no room
   * @param {Voice[]} [voices] where there is no room
   */
  show(talk, voices = []) {
    this.#talk = talk;
    this.#voices = voices;
    const columns = this.#columns;
    find("people-figures").hidden = !columns.length;
    const keys = columns.map(({ key }) => key).join();
    if (keys !== this.#keys) this.#build(columns);
    this.#keys = keys;
    for (const column of columns) this.#fill(column);
  }

  /** Each person, with the voices at the person's microphone behind. @returns {Column[]} */
  get #columns() {
    const people = this.#talk.flatMap((talk) => {
      const { person } = talk;
      const statistics = this.#statistics.get(person);
      const head = () => this.#people.tag("span", person);
      const voices = severalVoices(statistics?.voices, person, true);
      return [{ key: person, head, figures: { ...statistics, ...talk } }, ...voices.map((voice) => this.#ofVoice(voice))];
    });
    return [...people, ...this.#voices.map((voice) => this.#ofVoice(voice))];
  }

  /** @param {Voice} voice @returns {Column} */
  #ofVoice(voice) {
    const { key, statistics } = voice;
    return { key, head: () => this.#people.voiceTag("span", voice), figures: { ...statistics, talk_ms: statistics.speech_ms } };
  }

  /** @param {Column[]} columns */
  #build(columns) {
    this.#cells.clear();
    this.#links.clear();
    const heads = columns.map(({ head }) => element("th", { scope: "col" }, head()));
    find("people-head").replaceChildren(element("td"), ...heads);
    const rows = [...Object.keys(ROWS), ...NOTABLE].map((row) => {
      /** @type {Record<string, string>} */
      const label = LABELS.some((each) => each === row) ? { "data-label": row } : {};
      const head = setText(element("th", { scope: "row", ...label }), () => nameOf(row));
      return element("tr", {}, head, ...columns.map(({ key }) => this.#cell(row, key)));
    });
    find("people-rows").replaceChildren(...rows);
  }

  /**
   * @param {string} row
   * @param {string} column
   */
  #cell(row, column) {
    const cell = element("td");
    const key = `${row} ${column}`;
    this.#cells.set(key, cell);
    if (row in ROWS) return cell;
    const link = new SentenceLink(this.#reach);
    this.#links.set(key, link);
    cell.append(link.element);
    return cell;
  }

  /** @param {Column} column */
  #fill({ key, figures }) {
    for (const [row, text] of Object.entries(ROWS)) {
      const cell = this.#cells.get(`${row} ${key}`);
      if (cell) setText(cell, () => text(figures));
    }
    this.#cells.get(`share ${key}`)?.style.setProperty("--share", String(figures.share));
    for (const row of NOTABLE) {
      this.#links.get(`${row} ${key}`)?.show(figures[row], (sentence) => valence(sentence.valence), () => texts.none);
    }
  }
}

/** @param {string} row */
function nameOf(row) {
  return /** @type {Record<string, string>} */ ({ ...texts.label, ...texts.statistics })[row];
}

/**
 * @param {number | null | undefined} value
 * @param {(value: number) => string} write
 */
function orNone(value, write) {
  return value === null || value === undefined ? texts.none : write(value);
}
