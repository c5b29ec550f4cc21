// @ts-check
/** The panel of figures: what the service counted, shown as it came. */

import { find } from "./element.js";
import { say } from "./translate.js";
import { Trend, leaning } from "./trend.js";
import { languageName, minutes, percent, seconds, valence, whole, words } from "../words/words.js";

/** @typedef {import("../session/messages.js").Statistics} Statistics */

/** What each figure's place says, by the place's `data-figure`. @type {Record<string, (statistics: Statistics) => string>} */
const FIGURES = {
  utterances: ({ utterances }) => whole(utterances),
  words: (statistics) => whole(statistics.words),
  talk: ({ speech_ms }) => minutes(speech_ms),
  pace: (statistics) => (statistics.speech_ms ? whole(statistics.words / (statistics.speech_ms / 60_000)) : words.none),
  trend: ({ trend }) => (trend === null ? words.none : `${words.leaning(leaning(trend))} (${valence(trend)})`),
  languages: ({ languages }) => byCount(languages).join(", ") || words.none,
  latency: ({ latency }) => (latency.total ? seconds(latency.total.p50_ms) : words.none),
  unanalysed: ({ unanalysed }) => whole(unanalysed),
  failures: ({ failures }) => whole(failures),
};

/** @type {Statistics} */
const NOTHING_YET = {
  type: "stats",
  scope: "session",
  session_id: null,
  room: null,
  version: 0,
  utterances: 0,
  no_speech: 0,
  failures: 0,
  words: 0,
  speech_ms: 0,
  sentiment: {},
  unanalysed: 0,
  trend: null,
  trend_window: 0,
  languages: {},
  latency: {},
  timeline: [],
};

export class StatisticsPanel {
  #panel = find("statistics");
  #trend = new Trend();

  clear() {
    this.show(NOTHING_YET);
    this.people(null);
  }

  /** @param {Statistics} statistics */
  show(statistics) {
    for (const [figure, text] of Object.entries(FIGURES)) say(this.#figure(figure), () => text(statistics));
    for (const figure of /** @type {const} */ (["unanalysed", "failures"])) {
      this.#rowOf(figure).hidden = statistics[figure] === 0;
    }
    const known = Object.values(statistics.sentiment).reduce((sum, { count }) => sum + count, 0);
    for (const row of /** @type {NodeListOf<HTMLElement>} */ (this.#panel.querySelectorAll("tr[data-label]"))) {
      const label = /** @type {import("../session/messages.js").Label} */ (row.dataset.label);
      const { count, mean_score } = statistics.sentiment[label] ?? { count: 0, mean_score: null };
      const share = known ? count / known : 0;
      const figures = [
        () => whole(count),
        () => percent(share),
        () => (mean_score === null ? words.none : percent(mean_score)),
      ];
      row.querySelectorAll("td").forEach((cell, i) => say(cell, figures[i]));
      row.style.setProperty("--share", String(share));
    }
    this.#trend.show(statistics.timeline);
  }

  /** How many are in the room; null outside of one. @param {number | null} people */
  people(people) {
    this.#rowOf("people").hidden = people === null;
    say(this.#figure("people"), () => whole(people ?? 0));
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

/** @param {Record<string, number>} languages */
function byCount(languages) {
  const sorted = Object.entries(languages).sort(([, a], [, b]) => b - a);
  return sorted.map(([code, count]) => `${languageName(code)} ${whole(count)}`);
}
