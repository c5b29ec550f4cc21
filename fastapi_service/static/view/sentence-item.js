// @ts-check
/** A sentence in the list, or what failed: an item that grows when its speaker goes on. */

import { minutes } from "../i18n/format.js";
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
  /** Session and segment that the sentence began with. */
  place;
  /** The beginning of the sentence, on the session's audio clock. */
  #start_ms;
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
    this.#start_ms = entry.start_ms;
    this.place = `${entry.session_id} ${entry.segment}`;
    this.newest = entry;
    [this.text] = parts;
    item.className = "said";
    item.ariaHidden = null;
    this.#fill(parts);
  }

  /** Takes the sentence so far and its sentiment in place of those before. @param {Final} final */
  grow(final) {
    const looked = this.#item.querySelector(".hops");
    this.newest = final;
    /** @type {Text} */ (this.text.firstChild).data = final.sentence ?? final.text;
    this.#fill([this.text, ...finalParts(final).slice(1)]);
    if (looked) this.addLatency();
  }

  /** @param {import("../export/speakers.js").Speakers} speakers with their clocks */
  showTime(speakers) {
    this.#time.textContent = minutes(this.#start_ms + speakers.offset(this.newest.session_id));
  }

  /** Adds the latency, if it is known and not there yet. */
  addLatency() {
    const line = this.#item.querySelector(".hops") ? null : latencyLine(this.newest);
    if (line) this.#item.append(line);
  }

  /** Brings it into view. */
  show() {
    this.#item.scrollIntoView({ block: "center" });
    this.#item.focus({ preventScroll: true });
  }

  /** @param {Element[]} parts */
  #fill(parts) {
    this.#item.replaceChildren(...this.#head, ...parts);
  }
}
