// @ts-check
/** One curve of sentiment over time, drawn on each call and never by itself. */

import { timeOfDay } from "../i18n/format.js";
import { texts } from "../i18n/index.js";

/**
 * @typedef {{ at: number, valence: number, count: number }[]} Timeline `at` in seconds since 1970, `valence` −1…1
 * @typedef {{ at: number, valence: number }[]} Turns where the smoothed sentiment changed its sign
 * @typedef {[number, number]} Range of time, in seconds since 1970
 * @typedef {{ left: number, right: number, top: number, bottom: number }} Plot edges in pixels
 */

/** Least absolute valence of a trend that is not balanced. */
const LEANING = 0.15;
const COLOURS = ["--negative", "--neutral", "--positive"];
/** Possible steps of the time axis in seconds: whole minutes. */
const TICKS = [1, 2, 5, 10, 30, 60, 120, 360].map((minutes) => minutes * 60);
/** Least distance of two ticks, in pixels. */
const TICK_SPACE = 70;
/** Pixels between the edges of a curve and its plot: the large one has room for the words and times of its axes. */
const LARGE = { left: 78, right: 8, top: 8, bottom: 24 };
const SMALL = { left: 0, right: 8, top: 4, bottom: 4 };
/** The axis of valence ends here, so that a mark at ±1 is whole. */
const REACH = 1.1;

/** −1, 0 or 1: negative, balanced, positive. @param {number} valence */
export function leaning(valence) {
  return Math.abs(valence) < LEANING ? 0 : Math.sign(valence);
}

export class Curve {
  #place;
  #height;
  /** Tag of the person whose small curve it is, below the large one, which has the axes. */
  #person;
  /** @type {HTMLCanvasElement | null} */
  #canvas = null;
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
    new ResizeObserver(() => this.redraw()).observe(place);
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
    this.redraw();
  }

  /** Draws the same in another width, in other colours, or with other words. */
  redraw() {
    const { clientWidth: width } = this.#place;
    if (!this.#timeline.length || !width) return;
    this.#canvas ??= this.#place.appendChild(document.createElement("canvas"));
    this.#canvas.width = width * devicePixelRatio; // and empties it
    this.#canvas.height = this.#height * devicePixelRatio;
    const ctx = /** @type {CanvasRenderingContext2D} */ (this.#canvas.getContext("2d"));
    ctx.scale(devicePixelRatio, devicePixelRatio);
    const plot = this.#plot;
    this.#drawAxes(ctx, plot);
    this.#drawLine(ctx);
    this.#drawTurns(ctx, plot);
    this.#drawPoints(ctx);
  }

  /** The place of the curve between its axes. @returns {Plot} */
  get #plot() {
    const { left, right, top, bottom } = this.#person ? SMALL : LARGE;
    return { left, right: this.#place.clientWidth - right, top, bottom: this.#height - bottom };
  }

  /** A line for balance, and in the large curve lines, words and times. @param {CanvasRenderingContext2D} ctx @param {Plot} plot */
  #drawAxes(ctx, { left, right, bottom }) {
    ctx.font = "12px system-ui, sans-serif";
    ctx.fillStyle = this.#colour("--quiet");
    ctx.strokeStyle = this.#colour("--line");
    ctx.textBaseline = "middle";
    ctx.textAlign = "right";
    for (const value of this.#person ? [0] : [-1, 0, 1]) {
      const [, y] = this.#position({ at: 0, valence: value });
      trace(ctx, [[left, y], [right, y]]);
      ctx.stroke();
      if (!this.#person) ctx.fillText(texts.leaning(value), left - 6, y);
    }
    ctx.textAlign = "center";
    for (const at of this.#person ? [] : this.#ticks(right - left)) {
      ctx.fillText(timeOfDay(at), this.#position({ at, valence: 0 })[0], bottom + 12);
    }
  }

  /** Times at whole steps of the clock on the wall, far enough apart. @param {number} width pixels */
  #ticks(width) {
    const [from, to] = this.#range;
    const step = TICKS.find((seconds) => (seconds / (to - from)) * width >= TICK_SPACE) ?? TICKS[TICKS.length - 1];
    const zone = new Date(from * 1000).getTimezoneOffset() * 60;
    const first = Math.ceil((from - zone) / step) * step + zone;
    return Array.from({ length: Math.max(0, Math.floor((to - first) / step) + 1) }, (_, i) => first + i * step);
  }

  /** @param {CanvasRenderingContext2D} ctx */
  #drawLine(ctx) {
    const mark = this.#person?.querySelector(".mark");
    ctx.strokeStyle = mark ? getComputedStyle(mark).backgroundColor : this.#colour("--quiet");
    ctx.lineWidth = 1.5;
    trace(ctx, this.#timeline.map((point) => this.#position(point)));
    ctx.stroke();
  }

  /** Each turning point as a dashed line with a hollow diamond. @param {CanvasRenderingContext2D} ctx @param {Plot} plot */
  #drawTurns(ctx, { top, bottom }) {
    const radius = this.#radius;
    const reach = radius * 1.5;
    ctx.strokeStyle = this.#colour("--ink");
    ctx.fillStyle = this.#colour("--panel");
    ctx.lineWidth = 1;
    for (const turn of this.#turns) {
      const [x, y] = this.#position(turn);
      ctx.setLineDash([radius, radius]);
      trace(ctx, [[x, top], [x, bottom]]);
      ctx.stroke();
      ctx.setLineDash([]);
      trace(ctx, [[x, y - reach], [x + reach, y], [x, y + reach], [x - reach, y], [x, y - reach]]);
      ctx.fill();
      ctx.stroke();
    }
  }

  /** Each point as its label's shape and colour. @param {CanvasRenderingContext2D} ctx */
  #drawPoints(ctx) {
    const radius = this.#radius;
    for (const point of this.#timeline) {
      const sign = leaning(point.valence);
      const [x, y] = this.#position(point);
      ctx.fillStyle = this.#colour(COLOURS[sign + 1]);
      trace(ctx, sign === 0 ? [] : [[-1, 0.8], [1, 0.8], [0, -1]].map(([dx, dy]) => [x + dx * radius, y + dy * sign * radius]));
      if (sign === 0) ctx.arc(x, y, radius * 0.85, 0, 2 * Math.PI);
      ctx.fill();
    }
  }

  /** Of the marks, in pixels. */
  get #radius() {
    return this.#person ? 3 : 4.5;
  }

  /** In pixels. @param {{ at: number, valence: number }} point */
  #position({ at, valence }) {
    const { left, right, top, bottom } = this.#plot;
    const [from, to] = this.#range;
    return [left + ((at - from) / (to - from)) * (right - left), top + ((REACH - valence) / (2 * REACH)) * (bottom - top)];
  }

  /** A colour of the stylesheet, which differs between light and dark. @param {string} name */
  #colour(name) {
    this.#place.style.color = `var(${name})`;
    return getComputedStyle(this.#place).color;
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
