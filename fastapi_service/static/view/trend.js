// @ts-check
/** Sentiment over time as a plot, drawn on each call and never by itself. */

import { timeOfDay, valence } from "../i18n/format.js";
import { onLanguage, texts } from "../i18n/index.js";
import { find } from "./element.js";
import { setText } from "./localize.js";

/** @typedef {{ at: number, valence: number, count: number }[]} Timeline `at` in seconds since 1970, `valence` −1…1 */

/** Least absolute valence of a trend that is not balanced. */
const LEANING = 0.15;
const HEIGHT = 150;
const COLOURS = ["--negative", "--neutral", "--positive"];

/** −1, 0 or 1: negative, balanced, positive. @param {number} valence */
export function leaning(valence) {
  return Math.abs(valence) < LEANING ? 0 : Math.sign(valence);
}

/** Possible steps of the time axis in seconds: whole minutes. */
const TICKS = [1, 2, 5, 10, 30, 60, 120, 360].map((minutes) => minutes * 60);

export class Trend {
  #place = find("plot");
  /** @type {any} uPlot, a classic script without types */
  #plot = null;
  /** @type {Timeline} */
  #timeline = [];

  constructor() {
    const redraw = () => this.#plot?.redraw(true, true);
    onLanguage(redraw);
    matchMedia("(prefers-color-scheme: dark)").onchange = redraw;
    new ResizeObserver(() => this.#plot?.setSize(this.#size())).observe(this.#place);
  }

  /** @param {Timeline} timeline oldest first */
  show(timeline) {
    this.#timeline = timeline;
    find("timeline").hidden = timeline.length === 0;
    if (!timeline.length) return;
    setText(find("timeline-text"), () => summary(timeline));
    const data = [timeline.map(({ at }) => at), timeline.map((point) => point.valence)];
    if (this.#plot) this.#plot.setData(data);
    else this.#plot = new /** @type {any} */ (window).uPlot(this.#options(), data, this.#place);
  }

  #size() {
    return { width: this.#place.clientWidth, height: HEIGHT };
  }

  #options() {
    const axis = { stroke: colour("--quiet"), font: "12px system-ui, sans-serif", ticks: { show: false } };
    return {
      ...this.#size(),
      padding: [8, 8, 0, 8],
      legend: { show: false },
      cursor: { show: false },
      select: { show: false },
      // At least a minute, so that a single point is in the middle.
      scales: {
        x: { range: (/** @type {any} */ _, /** @type {number} */ min, /** @type {number} */ max) => roomy(min, max) },
        y: { range: [-1.1, 1.1] },
      },
      axes: [
        { ...axis, size: 24, space: 70, grid: { show: false }, incrs: TICKS, values: each(timeOfDay) },
        {
          ...axis,
          size: 70,
          splits: [-1, 0, 1],
          grid: { stroke: colour("--line"), width: 1 },
          values: each((value) => texts.leaning(value)),
        },
      ],
      series: [{}, { stroke: colour("--quiet"), width: 1.5, points: { show: false } }],
      hooks: { draw: [(/** @type {any} */ plot) => this.#drawMarks(plot)] },
    };
  }

  /** Each point as its label's shape and colour. @param {any} plot */
  #drawMarks(plot) {
    const radius = 4.5 * devicePixelRatio;
    for (const { at, valence } of this.#timeline) {
      const sign = leaning(valence);
      const [x, y] = [plot.valToPos(at, "x", true), plot.valToPos(valence, "y", true)];
      plot.ctx.fillStyle = colour(COLOURS[sign + 1])();
      plot.ctx.beginPath();
      if (sign === 0) plot.ctx.arc(x, y, radius * 0.85, 0, 2 * Math.PI);
      else for (const [dx, dy] of [[-1, 0.8], [1, 0.8], [0, -1]]) plot.ctx.lineTo(x + dx * radius, y + dy * sign * radius);
      plot.ctx.fill();
    }
  }
}

/** The plot as a sentence, for screen readers. @param {Timeline} timeline */
function summary(timeline) {
  const values = timeline.map((point) => point.valence);
  return texts.timeline({
    from: timeOfDay(timeline[0].at),
    to: timeOfDay(timeline[timeline.length - 1].at),
    lowest: valence(Math.min(...values)),
    highest: valence(Math.max(...values)),
    latest: valence(values[values.length - 1]),
  });
}

/**
 * @param {number} min
 * @param {number} max
 */
function roomy(min, max) {
  const lacking = Math.max(0, 60 - (max - min)) / 2;
  return [min - lacking, max + lacking];
}

/** Formats the ticks of an axis, as uPlot calls it. @param {(value: number) => string} name */
function each(name) {
  return (/** @type {unknown} */ _, /** @type {number[]} */ values) => values.map(name);
}

/** Returns a reader of a colour of the stylesheet, which differs between light and dark. @param {string} name */
function colour(name) {
  return () => {
    const place = find("plot");
    place.style.color = `var(${name})`;
    return getComputedStyle(place).color;
  };
}
