// @ts-check
/**
 * The elements of the transcript's list: final sentences, then utterances that still wait for their final text, if they are
 * not within a sentence that they go on with; a placeholder while there are none. The list is cut into pieces; old ones are not laid out while they are out of view, so that appending
 * costs the same after 5,000 sentences as after 100.
 */

import { AutoScroll } from "./auto-scroll.js";
import { element, find } from "./element.js";

/** Sentences in a piece of the list. The last two pieces are always laid out. */
const PIECE = 50;

export class SentenceList {
  root = find("sentences");
  placeholder = find("empty");
  #autoScroll = new AutoScroll();
  /** The last piece. */
  #piece = element("ol");
  #count = 0;
  /** Session and segment → the place of what waits for its final text. @type {Map<string, HTMLElement>} */
  #pending = new Map();

  clear() {
    this.root.replaceChildren();
    this.#count = 0;
    this.#pending.clear();
    this.placeholder.hidden = false;
    this.#autoScroll.clear();
  }

  /**
   * The place of an utterance that waits for its final text; made, or made anew elsewhere, if it is not where it has to be.
   * @param {string} session
   * @param {number} segment
   * @param {Element | null} sentence text of the one that it goes on with; null: it has an item of its own at the end
   */
  place(session, segment, sentence) {
    const known = this.find(session, segment);
    this.#autoScroll.grown();
    if (known && (sentence ? known.parentElement === sentence : isItem(known))) return known;
    const made = element(sentence ? "span" : "li", { class: known?.className ?? "interim", "aria-hidden": "true" });
    known?.remove();
    if (sentence) sentence.append(made);
    else if (known) this.#insert(made);
    else this.append(made);
    this.#pending.set(`${session} ${segment}`, made);
    return made;
  }

  /**
   * The place of an utterance that waits.
   * @param {string} session
   * @param {number} segment
   */
  find(session, segment) {
    return this.#pending.get(`${session} ${segment}`);
  }

  /**
   * True if no other utterance waits before this one.
   * @param {string} session
   * @param {number} segment
   */
  isFirst(session, segment) {
    const [first = null] = this.#pending.keys();
    return first === null || first === `${session} ${segment}`;
  }

  /**
   * The item of a final text: that in which it was waited for, or a new one after everything that is final.
   * @param {string} session
   * @param {number} segment
   */
  take(session, segment) {
    const place = this.find(session, segment);
    this.#autoScroll.grown();
    if (place && isItem(place)) this.#pending.delete(`${session} ${segment}`);
    else this.drop(session, segment);
    return place && isItem(place) ? place : this.#insert(element("li"));
  }

  /** @param {HTMLElement} item */
  #insert(item) {
    const first = [...this.#pending.values()].find(isItem);
    if (first) first.before(item);
    else this.append(item);
    return item;
  }

  /** An item has become final. */
  added() {
    this.#autoScroll.added();
  }

  /** An item has become longer. */
  grown() {
    this.#autoScroll.grown();
  }

  /**
   * Removes an utterance that waits.
   * @param {string} session
   * @param {number} segment
   */
  drop(session, segment) {
    this.find(session, segment)?.remove();
    this.#pending.delete(`${session} ${segment}`);
    this.placeholder.hidden = this.root.querySelector("li") !== null;
  }

  /** Removes all utterances that wait. */
  dropPending() {
    for (const key of this.#pending.keys()) this.drop(.../** @type {[string, number]} */ (key.split(" ")));
  }

  /** Adds an item after everything. @param {HTMLElement} item */
  append(item) {
    if (this.#count++ % PIECE === 0) {
      this.#piece.previousElementSibling?.classList.add("past");
      this.#piece = element("ol");
      this.root.append(this.#piece);
    }
    this.#piece.append(item);
    this.placeholder.hidden = true;
  }
}

/** @param {HTMLElement} place an item of the list, or a part of one */
function isItem(place) {
  return place.tagName === "LI";
}
