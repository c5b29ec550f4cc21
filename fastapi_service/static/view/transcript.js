// @ts-check
/** The list of sentences. What people said enters the page as text, never as markup. */

import { element } from "./element.js";
import { minutes, percent, words } from "../words/words.js";

/** Shapes that differ without colour. @type {Record<import("../session/messages.js").Label, string>} */
const ICONS = { positive: "▲", neutral: "●", negative: "▼" };
/** Pixels from the end within which the reader is taken to follow the newest sentence. */
const FOLLOWING = 80;

export class Transcript {
  #scroller;
  #list;
  #empty;
  #waiting;
  /** The sentence that is being spoken; the last child of the list while it is there. @type {HTMLElement | null} */
  #interim = null;

  /** @param {Document} page */
  constructor(page) {
    this.#scroller = /** @type {HTMLElement} */ (page.getElementById("transcript"));
    this.#list = /** @type {HTMLElement} */ (page.getElementById("sentences"));
    this.#empty = /** @type {HTMLElement} */ (page.getElementById("empty"));
    this.#waiting = /** @type {HTMLElement} */ (page.getElementById("waiting"));
  }

  clear() {
    this.#list.replaceChildren();
    this.#interim = null;
    this.#empty.hidden = false;
    this.waiting(0);
  }

  /**
   * What stands there while there is no sentence.
   * @param {string} text
   */
  invite(text) {
    this.#empty.textContent = text;
  }

  /**
   * Sentences that were heard and are being worked on.
   * @param {number} count
   */
  waiting(count) {
    this.#waiting.textContent = count ? words.waiting(count) : "";
  }

  /**
   * The text so far of the sentence that is being spoken.
   * @param {import("../session/messages.js").Interim} interim
   */
  showInterim({ stable, unstable, language }) {
    const text = element(
      "p",
      { class: "text", lang: language },
      stable,
      stable && unstable ? " " : "",
      element("span", { class: "unstable" }, unstable),
    );
    if (this.#interim) return this.#interim.replaceChildren(text);
    this.#interim = this.#add(text);
    this.#interim.className = "interim";
    this.#interim.ariaHidden = "true"; // it changes every second; the final text is read out
  }

  /** The sentence is over; its final text follows. */
  dropInterim() {
    this.#interim?.remove();
    this.#interim = null;
  }

  /** @param {import("../session/messages.js").Final} final */
  addFinal(final) {
    const { sentiment } = final;
    this.#add(
      time(final),
      element("p", { class: "text", lang: final.language }, final.text),
      sentiment ? badge(sentiment) : element("span", { class: "badge" }, words.noSentiment),
      ...(sentiment ? [] : [element("p", { class: "reason" }, final.sentiment_reason ?? "")]),
    );
  }

  /** @param {import("../session/messages.js").SegmentFailed} failed */
  addFailed(failed) {
    this.#add(
      time(failed),
      element("p", { class: "text failed" }, words.failed),
      element("p", { class: "reason" }, `${failed.message} ${failed.remedy}`),
    );
  }

  /**
   * Between sentences of two sessions.
   * @param {string} text
   */
  addDivider(text) {
    this.#add(element("p", { class: "divider" }, text));
  }

  /** @param {HTMLElement[]} parts */
  #add(...parts) {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const follows = scrollHeight - scrollTop - clientHeight < FOLLOWING;
    this.#empty.hidden = true;
    const item = element("li", {}, ...parts);
    this.#list.insertBefore(item, this.#interim);
    if (follows) this.#scroller.scrollTop = this.#scroller.scrollHeight;
    return item;
  }
}

/** @param {import("../session/messages.js").SegmentEnd} place */
function time({ start_ms }) {
  return element("time", {}, minutes(start_ms));
}

/** @param {import("../session/messages.js").Sentiment} sentiment */
function badge({ label, score }) {
  return element(
    "span",
    { class: "badge", "data-label": label },
    element("span", { "aria-hidden": "true" }, ICONS[label]),
    ` ${words.label[label]} ${percent(score)}`,
  );
}
