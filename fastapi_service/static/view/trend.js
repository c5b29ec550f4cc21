// @ts-check
/** Sentiment over time: the curve of all, and below it one of each person in a room and of each voice of a microphone, on the same axis of time. */

import { timeOfDay, valence } from "../i18n/format.js";
import { onLanguage, texts } from "../i18n/index.js";
import { Curve } from "./curve.js";
import { element, find } from "./element.js";
import { setText } from "./localize.js";
import { severalVoices } from "./voice-figures.js";

/**
 * @typedef {import("./curve.js").Timeline} Timeline
 * @typedef {import("./curve.js").Turns} Turns
 * @typedef {import("./voice-figures.js").Voice} Voice
 * @typedef {{ curve: Curve, item: HTMLElement, text: HTMLElement, of: string }} Small `of`: the person
 */

const HEIGHT = 150;
const SMALL_HEIGHT = 44;
/** Seconds that the axis of time has at least, so that a single point is in the middle. */
const SHORTEST = 60;

export class Trend {
  #people;
  #all = new Curve(find("plot"), HEIGHT);
  /** By person, or by the key of a voice. @type {Map<string, Small>} */
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
   * @param {Voice[]} [voices] where there is no room
   */
  show(timeline, turns = [], voices = []) {
    find("timeline").hidden = timeline.length === 0;
    setText(find("turns"), () => turning(turns));
    if (timeline.length) setText(find("timeline-text"), () => summary(timeline));
    this.#all.set(timeline, turns);
    this.#draw(this.#all);
    this.#showVoices("", voices);
  }

  /** @param {import("../wire/messages.js").PersonStatistics} statistics */
  showPerson({ person, timeline, turning_points, voices }) {
    if (!timeline.length) return;
    this.#showOne(person, person, () => this.#people.tag("span", person), { timeline, turning_points });
    this.#showVoices(person, severalVoices(voices, person, true));
  }

  get #curves() {
    return [this.#all, ...[...this.#each.values()].map(({ curve }) => curve)];
  }

  /** Shows the voices of a person, and no others of the person: two may have become one. @param {string} of @param {Voice[]} voices */
  #showVoices(of, voices) {
    for (const [key, small] of this.#each) {
      if (small.of !== of || key === of || voices.some((voice) => voice.key === key)) continue;
      small.item.remove();
      this.#each.delete(key);
    }
    for (const voice of voices) {
      if (voice.statistics.timeline.length) this.#showOne(voice.key, of, () => this.#people.voiceTag("span", voice), voice.statistics);
    }
  }

  /**
   * @param {string} key
   * @param {string} of the person
   * @param {() => HTMLElement} tag
   * @param {Pick<import("../wire/messages.js").PersonStatistics, "timeline" | "turning_points">} statistics
   */
  #showOne(key, of, tag, { timeline, turning_points }) {
    const turns = turning_points ?? [];
    const { curve, text } = this.#each.get(key) ?? this.#add(key, of, tag());
    setText(text, () => `${summary(timeline)} ${turning(turns)}`);
    curve.set(timeline, turns);
    this.#draw(curve);
  }

  /** @param {string} key @param {string} of @param {HTMLElement} tag */
  #add(key, of, tag) {
    const place = element("div", { "aria-hidden": "true" });
    const text = element("span", { class: "unseen" });
    const item = element("li", { "data-curve": key }, tag, text, place);
    const list = find("curves");
    const last = [...this.#each.values()].filter((small) => small.of === of).at(-1);
    const next = last && list.children[[...list.children].indexOf(last.item) + 1];
    if (next) next.before(item); // behind the other voices of the person
    else list.append(item);
    const small = { curve: new Curve(place, SMALL_HEIGHT, tag), item, text, of };
    this.#each.set(key, small);
    return small;
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
