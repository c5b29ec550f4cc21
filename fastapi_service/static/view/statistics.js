// @ts-check
/** The panel of figures: what the service counted, shown as it came. */

import { languageName, minutes, percent, words } from "../words/words.js";

/** @typedef {import("../session/messages.js").Statistics} Statistics */

/** What each figure's place says, by the place's `data-figure`. @type {Record<string, (statistics: Statistics) => string>} */
const FIGURES = {
  utterances: ({ utterances }) => String(utterances),
  words: (statistics) => String(statistics.words),
  talk: ({ speech_ms }) => minutes(speech_ms),
  trend: ({ trend }) => (trend === null ? words.none : words.trend(trend)),
  languages: ({ languages }) => byCount(languages).join(", ") || words.none,
  latency: ({ latency }) => (latency.total ? `${(latency.total.p50_ms / 1000).toFixed(1)} s` : words.none),
  unanalysed: ({ unanalysed }) => String(unanalysed),
  failures: ({ failures }) => String(failures),
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
};

export class StatisticsPanel {
  #panel;

  /** @param {Document} page */
  constructor(page) {
    this.#panel = /** @type {HTMLElement} */ (page.getElementById("statistics"));
  }

  clear() {
    this.show(NOTHING_YET);
  }

  /** @param {Statistics} statistics */
  show(statistics) {
    for (const [figure, say] of Object.entries(FIGURES)) {
      this.#place(`[data-figure=${figure}]`).textContent = say(statistics);
    }
    for (const figure of /** @type {const} */ (["unanalysed", "failures"])) {
      this.#place(`[data-optional=${figure}]`).hidden = statistics[figure] === 0;
    }
    const known = Object.values(statistics.sentiment).reduce((sum, { count }) => sum + count, 0);
    for (const row of /** @type {NodeListOf<HTMLElement>} */ (this.#panel.querySelectorAll("tr[data-label]"))) {
      const label = /** @type {import("../session/messages.js").Label} */ (row.dataset.label);
      const { count, mean_score } = statistics.sentiment[label] ?? { count: 0, mean_score: null };
      const share = known ? count / known : 0;
      const figures = [String(count), percent(share), mean_score === null ? words.none : percent(mean_score)];
      row.querySelectorAll("td").forEach((cell, i) => (cell.textContent = figures[i]));
      row.style.setProperty("--share", percent(share));
    }
  }

  /** @param {string} selector */
  #place(selector) {
    return /** @type {HTMLElement} */ (this.#panel.querySelector(selector));
  }
}

/** @param {Record<string, number>} languages */
function byCount(languages) {
  const sorted = Object.entries(languages).sort(([, a], [, b]) => b - a);
  return sorted.map(([code, count]) => `${languageName(code)} ${count}`);
}
