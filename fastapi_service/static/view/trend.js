// @ts-check
/** Sentiment over time: the curve of all, and below it one of each person in a room, on the same axis of time. */

import { timeOfDay, valence } from "../i18n/format.js";
import { onLanguage, texts } from "../i18n/index.js";
import { Curve } from "./curve.js";
import { element, find } from "./element.js";
import { setText } from "./localize.js";

/**
 * @typedef {import("./curve.js").Timeline} Timeline
 * @typedef {import("./curve.js").Turns} Turns
 */

const HEIGHT = 150;
const SMALL_HEIGHT = 44;
/** Seconds that the axis of time has at least, so that a single point is in the middle. */
const SHORTEST = 60;

export class Trend {
  #people;
  #all = new Curve(find("plot"), HEIGHT);
  /** By person. @type {Map<string, Curve>} */
  #each = new Map();
  #range = "";

  /** @param {import("./people.js").People} people */
  constructor(people) {
    this.#people = people;
    const redraw = () => this.#curves.forEach((curve) => curve.redraw());
    onLanguage(redraw);
    matchMedia("(prefers-color-scheme: dark)").onchange = redraw;
  }

  clear() {
    this.show([]);
    this.#each.clear();
    find("curves").replaceChildren();
  }

  /**
   * @param {Timeline} timeline oldest first
   * @param {Turns} [turns]
   */
  show(timeline, turns = []) {
    find("timeline").hidden = timeline.length === 0;
    setText(find("turns"), () => turning(turns));
    if (timeline.length) setText(find("timeline-text"), () => summary(timeline));
    this.#all.set(timeline, turns);
    this.#draw(this.#all);
  }

  /** @param {import("../wire/messages.js").PersonStatistics} statistics */
  showPerson({ person, timeline, turning_points }) {
    if (!timeline.length) return;
    const turns = turning_points ?? [];
    const curve = this.#each.get(person) ?? this.#add(person);
    const text = find("curves").querySelector(`[data-curve="${person}"] .unseen`);
    if (text) setText(text, () => `${summary(timeline)} ${turning(turns)}`);
    curve.set(timeline, turns);
    this.#draw(curve);
  }

  get #curves() {
    return [this.#all, ...this.#each.values()];
  }

  /** @param {string} person */
  #add(person) {
    const place = element("div", { "aria-hidden": "true" });
    const text = element("span", { class: "unseen" });
    const tag = this.#people.tag("span", person);
    find("curves").append(element("li", { "data-curve": person }, tag, text, place));
    const curve = new Curve(place, SMALL_HEIGHT, tag);
    this.#each.set(person, curve);
    return curve;
  }

  /** Draws a curve, or all if the axis of time has changed. @param {Curve} curve */
  #draw(curve) {
    const times = this.#curves.flatMap((each) => each.times);
    const [min, max] = [Math.min(...times), Math.max(...times)];
    const lacking = Math.max(0, SHORTEST - (max - min)) / 2;
    /** @type {import("./curve.js").Range} */
    const range = [min - lacking, max + lacking];
    const changed = this.#range !== String(range);
    this.#range = String(range);
    for (const each of changed ? this.#curves : [curve]) each.draw(range);
  }
}

/** A curve as a sentence, for screen readers. @param {Timeline} timeline */
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

/** @param {Turns} turns */
function turning(turns) {
  const each = turns.map((turn) => texts.turn(timeOfDay(turn.at), Math.sign(turn.valence)));
  return each.length ? texts.turns(each.join(", ")) : "";
}
