// @ts-check
/**
 * The elements of the transcript's list: final sentences, then those that still wait for their final text; a placeholder
 * while there are none. The list is cut into pieces; old ones are not laid out while they are out of view, so that appending
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
  /** Session and segment → a sentence without its final text. @type {Map<string, HTMLElement>} */
  #pending = new Map();

  clear() {
    this.root.replaceChildren();
    this.#count = 0;
    this.#pending.clear();
    this.placeholder.hidden = false;
    this.#autoScroll.clear();
  }

  /**
   * The place of a sentence that waits for its final text; made at the end of the list if there is none yet.
   * @param {string} session
   * @param {number} segment
   */
  place(session, segment) {
    const key = `${session} ${segment}`;
    const item = this.#pending.get(key) ?? element("li", { class: "interim", "aria-hidden": "true" });
    if (!this.#pending.has(key)) {
      this.append(item);
      this.#pending.set(key, item);
    }
    this.#autoScroll.grown();
    return item;
  }

  /**
   * The place of a sentence, which from now on no longer waits; undefined if there is none.
   * @param {string} session
   * @param {number} segment
   */
  take(session, segment) {
    const key = `${session} ${segment}`;
    const item = this.#pending.get(key);
    this.#pending.delete(key);
    return item;
  }

  /** Adds an item after everything that is final. @param {HTMLElement} item */
  insert(item) {
    const [first = null] = this.#pending.values();
    if (first) first.before(item);
    else this.append(item);
    this.#autoScroll.grown();
    return item;
  }

  /** An item has become final. */
  added() {
    this.#autoScroll.added();
  }

  /**
   * Removes a sentence that waits.
   * @param {string} session
   * @param {number} segment
   */
  drop(session, segment) {
    this.take(session, segment)?.remove();
    this.placeholder.hidden = this.root.querySelector("li") !== null;
  }

  /** Removes all sentences that wait. */
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
