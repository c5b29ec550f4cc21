// @ts-check
/**
 * The list of sentences. Each grows in its place: interim text, then "…" while the service thinks, then the final text
 * with its sentiment. Nothing here reads the layout; the list is cut into pieces, and old ones are not laid out while
 * nobody sees them, so a sentence more costs as much after 5,000 as after 100.
 */

import { Announcer } from "./announcer.js";
import { element, find } from "./element.js";
import { Follower } from "./follower.js";
import { heard, hops, interim, notHeard } from "./sentence.js";
import { say } from "./translate.js";
import { Talkers } from "../export/talkers.js";
import { minutes, words } from "../words/words.js";

/**
 * @typedef {import("../session/messages.js").Final} Final
 * @typedef {import("../session/messages.js").SegmentFailed} SegmentFailed
 */

/** Sentences in a piece of the list. The last two pieces are always laid out. */
const PIECE = 50;

export class Transcript {
  #list = find("sentences");
  /** The last piece. */
  #piece = element("ol", {});
  #filled = 0;
  #empty = find("empty");
  #follower = new Follower();
  #announcer = new Announcer();
  /** Finals and failures in the order of `seq`, for the export. @type {(Final | SegmentFailed)[]} */
  entries = [];
  /** The time of each entry. @type {Element[]} */
  #times = [];
  #talkers = new Talkers();
  /** Our own sessions; a new one follows when the service has forgotten one. @type {Set<string>} */
  #own = new Set();
  #session = "";
  /** Our sentences without a final yet, at the end of the list. @type {Map<string, HTMLElement>} */
  #pending = new Map();
  /** @type {HTMLElement | null} */
  #tabbable = null;
  #heardOf = () => {};

  constructor() {
    this.#list.addEventListener("pointerover", (event) => this.#showHops(event));
    this.#list.addEventListener("focusin", (event) => this.#showHops(event));
    this.#list.addEventListener("keydown", (event) => this.#walk(event));
  }

  /** Calls back whenever `entries` has changed. @param {() => void} changed */
  onEntries(changed) {
    this.#heardOf = changed;
  }

  /** Whose interim texts come, and who is "You". @param {string} session_id */
  own(session_id) {
    this.#session = session_id;
    this.#own.add(session_id);
  }

  clear() {
    this.#list.replaceChildren();
    this.#filled = 0;
    this.#pending.clear();
    this.#own.clear();
    this.#talkers = new Talkers();
    this.entries = [];
    this.#times = [];
    this.#showEmpty();
    this.#follower.clear();
    this.#announcer.clear();
    this.#heardOf();
  }

  /** What stands there while there is no sentence. @param {() => string} text */
  invite(text) {
    say(this.#empty, text);
  }

  /** The text so far of the sentence that is being spoken. @param {import("../session/messages.js").Interim} message */
  showInterim({ segment, stable, unstable, language }) {
    this.#placeOf(segment).replaceChildren(interim(stable, unstable, language));
    this.#follower.grown();
  }

  /** The sentence is over; its final text follows. @param {{ segment: number }} message */
  awaitFinal({ segment }) {
    this.#placeOf(segment).classList.add("awaited");
    this.#follower.grown();
  }

  /** Nobody spoke there after all. @param {{ session_id: string, segment: number }} message */
  drop({ session_id, segment }) {
    this.#take(session_id, segment)?.remove();
    this.#showEmpty();
  }

  /** No final comes for what is still open. */
  dropPending() {
    for (const item of this.#pending.values()) item.remove();
    this.#pending.clear();
    this.#showEmpty();
  }

  /** @param {Final} final */
  addFinal(final) {
    this.#add(final, heard(final));
    this.#announcer.say(final.text, final.language);
  }

  /** @param {SegmentFailed} failed */
  addFailed(failed) {
    this.#add(failed, notHeard(failed));
    this.#announcer.say(words.failed);
  }

  /** Between sentences of two sessions. @param {() => string} text */
  addDivider(text) {
    this.#insert(element("li", { class: "divider" }, say(element("p", {}), text)));
  }

  /**
   * @param {Final | SegmentFailed} entry
   * @param {Element[]} parts
   */
  #add(entry, parts) {
    const { session_id, segment, room } = entry;
    const item = this.#take(session_id, segment) ?? this.#insert(element("li", {}));
    const moved = this.#talkers.note(entry);
    const before = this.entries.at(-1)?.session_id;
    const time = element("time", {});
    this.entries.push(entry);
    this.#times.push(time);
    if (moved) this.entries.forEach((_, i) => this.#showTime(i));
    else this.#showTime(this.entries.length - 1);
    item.className = "said";
    item.ariaHidden = null;
    item.dataset.entry = String(this.entries.length - 1);
    item.replaceChildren(time, ...parts);
    if (room && session_id !== before) item.append(this.#speaker(session_id));
    this.#focusable(item);
    this.#follower.added();
    this.#heardOf();
  }

  /** @param {number} index */
  #showTime(index) {
    const { session_id, start_ms } = this.entries[index];
    this.#times[index].textContent = minutes(start_ms + this.#talkers.offset(session_id));
  }

  /** @param {string} session */
  #speaker(session) {
    const number = this.#talkers.number(session);
    const own = this.#own.has(session);
    return say(element("p", { class: "speaker" }), () => (own ? words.you : words.speaker(number)));
  }

  /** Tab reaches one sentence only, the newest at first; arrow keys lead on. @param {HTMLElement} item */
  #focusable(item) {
    if (this.#tabbable) this.#tabbable.tabIndex = -1;
    this.#tabbable = item;
    item.tabIndex = 0;
  }

  /** Where our sentence stands or will stand. @param {number} segment */
  #placeOf(segment) {
    const key = `${this.#session} ${segment}`;
    const item = this.#pending.get(key) ?? element("li", { class: "interim", "aria-hidden": "true" });
    if (!this.#pending.has(key)) {
      this.#append(item);
      this.#pending.set(key, item);
    }
    return item;
  }

  /**
   * The place of a sentence that has one.
   * @param {string} session_id
   * @param {number} segment
   */
  #take(session_id, segment) {
    const key = `${session_id} ${segment}`;
    const item = this.#pending.get(key);
    this.#pending.delete(key);
    return item;
  }

  /** After all that is final. @param {HTMLElement} item */
  #insert(item) {
    const [first = null] = this.#pending.values();
    if (first) first.before(item);
    else this.#append(item);
    this.#follower.grown();
    return item;
  }

  #showEmpty() {
    this.#empty.hidden = this.#list.querySelector("li") !== null;
  }

  /** @param {HTMLElement} item */
  #append(item) {
    if (this.#filled++ % PIECE === 0) {
      this.#piece.previousElementSibling?.classList.add("past");
      this.#piece = element("ol", {});
      this.#list.append(this.#piece);
    }
    this.#piece.append(item);
    this.#empty.hidden = true;
  }

  /** The reader looks at a sentence: what took how long? @param {Event} event */
  #showHops({ target }) {
    const item = /** @type {HTMLElement | null} */ (/** @type {Element} */ (target).closest("li.said"));
    if (!item || item.querySelector(".hops")) return;
    const told = hops(this.entries[Number(item.dataset.entry)]);
    if (told) item.append(told);
  }

  /** From sentence to sentence with the arrow keys. @param {KeyboardEvent} event */
  #walk(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const here = Number(/** @type {HTMLElement} */ (event.target).dataset.entry);
    const there = step && this.#times[here + step]?.parentElement;
    if (!there) return;
    this.#focusable(there);
    there.focus();
    event.preventDefault();
  }
}
