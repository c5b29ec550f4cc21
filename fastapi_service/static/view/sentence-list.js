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
  /** What waits for its final text, by the key of its utterance. @type {Map<string, HTMLElement>} */
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
   * @param {string} key
   * @param {Element | null} sentence text of the one that it goes on with; null: it has an item of its own at the end
   */
  place(key, sentence) {
    const known = this.find(key);
    this.grown();
    if (known && (sentence ? known.parentElement === sentence : isItem(known))) return known;
    const made = element(sentence ? "span" : "li", { class: known?.className ?? "interim", "aria-hidden": "true" });
    known?.remove();
    if (sentence) sentence.append(made);
    else if (known) this.#insert(made);
    else this.append(made);
    this.#pending.set(key, made);
    return made;
  }

  /** The place of an utterance that waits. @param {string} key */
  find(key) {
    return this.#pending.get(key);
  }

  /** True if no other utterance waits before this one. @param {string} key */
  isFirst(key) {
    const [first = key] = this.#pending.keys();
    return first === key;
  }

  /** The item of a final text: that in which it was waited for, or a new one; after everything final. @param {string} key */
  take(key) {
    const place = this.find(key);
    const first = [...this.#pending.values()].find(isItem);
    if (!isItem(place)) this.drop(key);
    this.#pending.delete(key);
    if (!isItem(place)) return this.#insert(element("li"));
    if (first !== place) first?.before(place); // of two who talk here, the other one began before
    return place;
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

  /** Removes an utterance that waits. @param {string} key */
  drop(key) {
    this.find(key)?.remove();
    this.#pending.delete(key);
    this.placeholder.hidden = this.root.querySelector("li") !== null;
  }

  /** Removes all utterances that wait. */
  dropPending() {
    for (const key of this.#pending.keys()) this.drop(key);
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

/** @param {HTMLElement} [place] @returns {place is HTMLElement} true: an item of the list; false: a part of one, or none */
function isItem(place) {
  return place?.tagName === "LI";
}
