// @ts-check
/** A sentence in the list, or what failed: an item that grows when its speaker goes on. */

import { element } from "./element.js";
import { finalParts, latencyLine } from "./sentence.js";

/**
 * @typedef {import("../wire/messages.js").Final} Final
 * @typedef {import("../wire/messages.js").SegmentFailed} SegmentFailed
 */

export class SentenceItem {
  #item;
  /** Who says it, if that is new, and when. */
  #head;
  #time = element("time");
  /** The paragraph of its text; what waits for its final text may stand behind that. */
  text;
  /** Its time is that of the sentence. */
  #first;
  /** Its latency and sentiment are those of the sentence. @type {Final | SegmentFailed} */
  newest;

  /**
   * @param {HTMLElement} item of the list
   * @param {Final | SegmentFailed} entry
   * @param {Element[]} parts the text first
   * @param {Element[]} speaker none: the same as before
   */
  constructor(item, entry, parts, speaker) {
    this.#item = item;
    this.#head = [...speaker, this.#time];
    this.#first = this.newest = entry;
    [this.text] = parts;
    item.className = "said";
    item.ariaHidden = null;
    this.#fill(parts);
  }

  get session() {
    return this.#first.session_id;
  }

  /** Takes the sentence so far and its sentiment in place of those before. @param {Final} final */
  grow(final) {
    const looked = this.#item.querySelector(".hops");
    this.newest = final;
    /** @type {Text} */ (this.text.firstChild).data = final.sentence ?? final.text;
    this.#fill([this.text, ...finalParts(final).slice(1)]);
    if (looked) this.addLatency();
  }

  /** @param {import("./headings.js").Headings} headings */
  showTime(headings) {
    this.#time.textContent = headings.time(this.session, this.#first.start_ms);
  }

  /** Adds the latency, if it is known and not there yet. */
  addLatency() {
    const line = this.#item.querySelector(".hops") ? null : latencyLine(this.newest);
    if (line) this.#item.append(line);
  }

  /** @param {Element[]} parts */
  #fill(parts) {
    this.#item.replaceChildren(...this.#head, ...parts);
  }
}
