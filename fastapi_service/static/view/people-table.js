// @ts-check
/** The figures of each person in a room, a column for each. */

import { minutes, percent, seconds, valence, whole } from "../i18n/format.js";
import { texts } from "../i18n/index.js";
import { element, find } from "./element.js";
import { setText } from "./localize.js";
import { SentenceLink } from "./sentence-link.js";

/**
 * @typedef {import("../wire/messages.js").PersonTalk} PersonTalk
 * @typedef {import("../wire/messages.js").PersonStatistics} PersonStatistics
 * @typedef {PersonTalk & Partial<Pick<PersonStatistics, "sentiment" | "trend">>} Figures
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
  interruptions: ({ interruptions }) => whole(interruptions),
  overlap: ({ overlap_ms }) => seconds(overlap_ms),
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
  /** The people whose columns stand. */
  #columns = "";
  /** Row and person → the cell. @type {Map<string, HTMLElement>} */
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
    this.show(this.#talk);
  }

  /** @param {PersonTalk[]} talk of each person; none: an older service, or no room */
  show(talk) {
    this.#talk = talk;
    find("people-figures").hidden = !talk.length;
    const columns = talk.map(({ person }) => person).join();
    if (columns !== this.#columns) this.#build();
    this.#columns = columns;
    for (const each of talk) this.#fill(each);
  }

  #build() {
    this.#cells.clear();
    this.#links.clear();
    const heads = this.#talk.map(({ person }) => element("th", { scope: "col" }, this.#people.tag("span", person)));
    find("people-head").replaceChildren(element("td"), ...heads);
    const rows = [...Object.keys(ROWS), ...NOTABLE].map((row) => {
      /** @type {Record<string, string>} */
      const label = LABELS.some((each) => each === row) ? { "data-label": row } : {};
      const head = setText(element("th", { scope: "row", ...label }), () => nameOf(row));
      const cells = this.#talk.map(({ person }) => this.#cell(row, person));
      return element("tr", {}, head, ...cells);
    });
    find("people-rows").replaceChildren(...rows);
  }

  /**
   * @param {string} row
   * @param {string} person
   */
  #cell(row, person) {
    const cell = element("td");
    const key = `${row} ${person}`;
    this.#cells.set(key, cell);
    if (row in ROWS) return cell;
    const link = new SentenceLink(this.#reach);
    this.#links.set(key, link);
    cell.append(link.element);
    return cell;
  }

  /** @param {PersonTalk} talk */
  #fill(talk) {
    const { person } = talk;
    const statistics = this.#statistics.get(person);
    const figures = { ...talk, sentiment: statistics?.sentiment, trend: statistics?.trend };
    for (const [row, text] of Object.entries(ROWS)) {
      const cell = this.#cells.get(`${row} ${person}`);
      if (cell) setText(cell, () => text(figures));
    }
    this.#cells.get(`share ${person}`)?.style.setProperty("--share", String(talk.share));
    for (const row of NOTABLE) {
      this.#links.get(`${row} ${person}`)?.show(statistics?.[row], (sentence) => valence(sentence.valence), () => texts.none);
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
