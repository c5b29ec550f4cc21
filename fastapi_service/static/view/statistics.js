// @ts-check
/** The panel of figures: the service's statistics, as they come. */

import { languageName, minutes, percent, seconds, valence, whole } from "../i18n/format.js";
import { texts } from "../i18n/index.js";
import { leaning } from "./curve.js";
import { element, find } from "./element.js";
import { setText } from "./localize.js";
import { People } from "./people.js";
import { PeopleTable } from "./people-table.js";
import { SentenceLink } from "./sentence-link.js";
import { Trend } from "./trend.js";
import { severalVoices } from "./voice-figures.js";

/**
 * @typedef {import("../wire/messages.js").Statistics} Statistics
 * @typedef {"type" | "scope" | "session_id" | "version" | "no_speech" | "trend_window"} Unshown
 * @typedef {typeof RARE[number]} Rare older services do not send all of them
 * @typedef {Omit<Statistics, Unshown | Rare | "room" | "sentiment" | "sentences" | "voices">} Always
 * @typedef {Always & Partial<Pick<Statistics, Rare | "room" | "sentences" | "voices">> & { sentiment: Partial<Statistics["sentiment"]> }} Figures
 */

/** Text of each figure, by the `data-figure` of its element. @type {Record<string, (statistics: Figures) => string>} */
const FIGURES = {
  sentences: ({ sentences, utterances }) => whole(sentences ?? utterances),
  talk: ({ speech_ms }) => minutes(speech_ms),
  pace: (statistics) => (statistics.speech_ms ? whole(statistics.words / (statistics.speech_ms / 60_000)) : texts.none),
  trend: ({ trend }) => (trend === null ? texts.none : `${texts.leaning(leaning(trend))} (${valence(trend)})`),
  languages: ({ languages }) => byCount(languages).join(", ") || texts.none,
  latency: ({ latency }) => (latency.total ? seconds(latency.total.p50_ms) : texts.none),
};
/** Counts that are shown only if they are not 0. */
const RARE = /** @type {const} */ (["unanalysed", "unsure", "zero_shot", "uncertain", "failures"]);
/** Counts, by the `data-figure` of their element too. */
const COUNTS = /** @type {const} */ (["words", ...RARE]);
/** What there is in a room only, and of newer services. */
const CONVERSATION = /** @type {const} */ (["silence", "overlap"]);
const NOTABLE = /** @type {const} */ (["most_positive", "most_negative"]);
/** The figures of each list, by its id. */
const LISTS = /** @type {const} */ ({
  totals: ["sentences", "words", "talk"],
  rows: ["pace", "trend", "languages", "latency", "people", ...CONVERSATION, ...NOTABLE, ...RARE],
});

const NO_SCORES = { count: 0, mean_score: null };
/** @type {Figures} */
const EMPTY = {
  utterances: 0,
  words: 0,
  speech_ms: 0,
  sentiment: {},
  trend: null,
  languages: {},
  latency: {},
  timeline: [],
};

export class StatisticsPanel {
  #panel = find("statistics");
  #people;
  #trend;
  #table;
  /** @type {SentenceLink[]} */
  #links;

  /**
   * @param {People} [people]
   * @param {import("./sentence-link.js").Reach} [reach]
   */
  constructor(people = new People(), reach = () => null) {
    this.#people = people;
    this.#trend = new Trend(people);
    this.#table = new PeopleTable(people, reach);
    for (const [list, names] of Object.entries(LISTS)) find(list).append(...names.map(entry));
    this.#links = NOTABLE.map((name) => {
      const link = new SentenceLink(reach);
      this.#figure(name).append(link.element);
      return link;
    });
  }

  clear() {
    this.#trend.clear();
    this.#table.clear();
    this.show(EMPTY);
    this.people(null);
  }

  /** @param {Figures} statistics */
  show(statistics) {
    for (const [figure, text] of Object.entries(FIGURES)) setText(this.#figure(figure), () => text(statistics));
    for (const count of COUNTS) setText(this.#figure(count), () => whole(statistics[count] ?? 0));
    for (const count of RARE) this.#rowOf(count).hidden = !statistics[count];
    const known = Object.values(statistics.sentiment).reduce((sum, { count }) => sum + count, 0);
    for (const row of /** @type {NodeListOf<HTMLElement>} */ (this.#panel.querySelectorAll("tr[data-label]"))) {
      const label = /** @type {keyof Statistics["sentiment"]} */ (row.dataset.label);
      const { count, mean_score } = statistics.sentiment[label] ?? NO_SCORES;
      const share = known ? count / known : 0;
      const figures = [
        () => whole(count),
        () => percent(share),
        () => (mean_score === null ? texts.none : percent(mean_score)),
      ];
      row.querySelectorAll("td").forEach((cell, i) => setText(cell, figures[i]));
      row.style.setProperty("--share", String(share));
    }
    const { room, conversation, timeline, turning_points } = statistics;
    const own = room ? [] : (statistics.voices ?? []); // in a room they are those of each person
    const voices = severalVoices(own, this.#people.ownPerson(own[0]?.session_id ?? ""), false);
    this.#trend.show(timeline, (room && turning_points) || [], voices);
    this.#table.show(conversation?.people ?? [], voices);
    for (const name of CONVERSATION) {
      const ms = conversation?.[`${name}_ms`];
      this.#rowOf(name).hidden = ms === undefined;
      setText(this.#figure(name), () => seconds(ms ?? 0));
    }
    NOTABLE.forEach((name, i) => {
      const sentence = room ? statistics[name] : null;
      this.#rowOf(name).hidden = !sentence;
      this.#links[i].show(sentence, ({ valence: value }, text) => `${valence(value)} ${text}`, () => "");
    });
  }

  /** Shows the figures of one person in the room. @param {import("../wire/messages.js").PersonStatistics} statistics */
  showPerson(statistics) {
    this.#trend.showPerson(statistics);
    this.#table.note(statistics);
  }

  /** Shows the number of people in the room; null outside of one. @param {number | null} people */
  people(people) {
    this.#rowOf("people").hidden = people === null;
    setText(this.#figure("people"), () => whole(people ?? 0));
  }

  /** @param {string} name */
  #figure(name) {
    return /** @type {HTMLElement} */ (this.#panel.querySelector(`[data-figure=${name}]`));
  }

  /** @param {string} name */
  #rowOf(name) {
    return /** @type {HTMLElement} */ (this.#figure(name).parentElement);
  }
}

/** An entry of a list: name and figure. @param {typeof LISTS[keyof typeof LISTS][number]} name */
function entry(name) {
  const term = setText(element("dt"), () => texts.statistics[name]);
  return element("div", {}, term, element("dd", { "data-figure": name }));
}

/** @param {Record<string, number>} languages */
function byCount(languages) {
  const sorted = Object.entries(languages).sort(([, a], [, b]) => b - a);
  return sorted.map(([code, count]) => `${languageName(code)} ${whole(count)}`);
}
