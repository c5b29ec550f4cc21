// @ts-check
/** One curve of sentiment over time, drawn on each call and never by itself. */

import { timeOfDay } from "../i18n/format.js";
import { texts } from "../i18n/index.js";

/**
 * @typedef {{ at: number, valence: number, count: number }[]} Timeline `at` in seconds since 1970, `valence` −1…1
 * @typedef {{ at: number, valence: number }[]} Turns where the smoothed sentiment changed its sign
 * @typedef {[number, number]} Range of time, in seconds since 1970
 */

/** Least absolute valence of a trend that is not balanced. */
const LEANING = 0.15;
const COLOURS = ["--negative", "--neutral", "--positive"];
/** Possible steps of the time axis in seconds: whole minutes. */
const TICKS = [1, 2, 5, 10, 30, 60, 120, 360].map((minutes) => minutes * 60);

/** −1, 0 or 1: negative, balanced, positive. @param {number} valence */
export function leaning(valence) {
  return Math.abs(valence) < LEANING ? 0 : Math.sign(valence);
}

export class Curve {
  #place;
  #height;
  /** Tag of the person whose small curve it is, below the large one, which has the axes. */
  #person;
  /** @type {any} uPlot, a classic script without types */
  #plot = null;
  /** @type {Timeline} */
  #timeline = [];
  /** @type {Turns} */
  #turns = [];
  /** @type {Range} */
  #range = [0, 0];

  /**
   * @param {HTMLElement} place
   * @param {number} height pixels
   * @param {Element | null} [person] tag
   */
  constructor(place, height, person = null) {
    this.#place = place;
    this.#height = height;
    this.#person = person;
    new ResizeObserver(() => this.#plot?.setSize(this.#size())).observe(place);
  }

  /** When its points lie. @returns {number[]} */
  get times() {
    return [...this.#timeline, ...this.#turns].map(({ at }) => at);
  }

  /**
   * Takes other points, which are drawn with the next call of `draw`.
   * @param {Timeline} timeline oldest first
   * @param {Turns} turns
   */
  set(timeline, turns) {
    this.#timeline = timeline;
    this.#turns = turns;
  }

  /** @param {Range} range */
  draw(range) {
    this.#range = range;
    if (!this.#timeline.length) return;
    const data = [this.#timeline.map(({ at }) => at), this.#timeline.map((point) => point.valence)];
    if (this.#plot) this.#plot.setData(data);
    else this.#plot = new /** @type {any} */ (window).uPlot(this.#options(), data, this.#place);
  }

  /** Draws the same in other colours, or with other words. */
  redraw() {
    this.#plot?.redraw(true, true);
  }

  #size() {
    return { width: this.#place.clientWidth, height: this.#height };
  }

  #options() {
    const person = this.#person;
    const small = person !== null;
    const line = person ? () => getComputedStyle(person.querySelector(".mark") ?? person).backgroundColor : this.#colour("--quiet");
    const axis = { stroke: this.#colour("--quiet"), font: "12px system-ui, sans-serif", ticks: { show: false } };
    const name = (/** @type {number} */ value) => (small ? "" : texts.leaning(value));
    return {
      ...this.#size(),
      padding: small ? [4, 8, 4, 0] : [8, 8, 0, 8],
      legend: { show: false },
      cursor: { show: false },
      select: { show: false },
      scales: { x: { range: () => this.#range }, y: { range: [-1.1, 1.1] } },
      axes: [
        { ...axis, show: !small, size: 24, space: 70, grid: { show: false }, incrs: TICKS, values: each(timeOfDay) },
        {
          ...axis,
          size: small ? 0 : 70,
          splits: small ? [0] : [-1, 0, 1],
          grid: { stroke: this.#colour("--line"), width: 1 },
          values: each(name),
        },
      ],
      series: [{}, { stroke: line, width: 1.5, points: { show: false } }],
      hooks: { draw: [() => this.#drawMarks()] },
    };
  }

  /** Each point as its label's shape and colour; each turning point as a dashed line with a hollow diamond. */
  #drawMarks() {
    const { ctx, bbox } = this.#plot;
    const radius = (this.#person ? 3 : 4.5) * devicePixelRatio;
    ctx.save();
    ctx.strokeStyle = this.#colour("--ink")();
    ctx.lineWidth = devicePixelRatio;
    for (const turn of this.#turns) {
      const [x, y] = this.#position(turn);
      ctx.setLineDash([radius, radius]);
      trace(ctx, [[x, bbox.top], [x, bbox.top + bbox.height]]);
      ctx.stroke();
      ctx.setLineDash([]);
      const reach = radius * 1.5;
      trace(ctx, [[x, y - reach], [x + reach, y], [x, y + reach], [x - reach, y], [x, y - reach]]);
      ctx.fillStyle = this.#colour("--panel")();
      ctx.fill();
      ctx.stroke();
    }
    for (const point of this.#timeline) {
      const sign = leaning(point.valence);
      const [x, y] = this.#position(point);
      ctx.fillStyle = this.#colour(COLOURS[sign + 1])();
      trace(ctx, sign === 0 ? [] : [[-1, 0.8], [1, 0.8], [0, -1]].map(([dx, dy]) => [x + dx * radius, y + dy * sign * radius]));
      if (sign === 0) ctx.arc(x, y, radius * 0.85, 0, 2 * Math.PI);
      ctx.fill();
    }
    ctx.restore();
  }

  /** @param {{ at: number, valence: number }} point */
  #position({ at, valence }) {
    return [this.#plot.valToPos(at, "x", true), this.#plot.valToPos(valence, "y", true)];
  }

  /** Returns a reader of a colour of the stylesheet, which differs between light and dark. @param {string} name */
  #colour(name) {
    return () => {
      this.#place.style.color = `var(${name})`;
      return getComputedStyle(this.#place).color;
    };
  }
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {number[][]} points
 */
function trace(ctx, points) {
  ctx.beginPath();
  for (const [x, y] of points) ctx.lineTo(x, y);
}

/** Formats the ticks of an axis, as uPlot calls it. @param {(value: number) => string} name */
function each(name) {
  return (/** @type {unknown} */ _, /** @type {number[]} */ values) => values.map(name);
}
