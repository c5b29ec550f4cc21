// @ts-check
/**
 * The transcript. Each sentence grows in its place: interim text, then "…" while the service works, then the final text with
 * its sentiment. Nothing here reads the layout.
 */

import { Speakers } from "../export/speakers.js";
import { minutes } from "../i18n/format.js";
import { texts } from "../i18n/index.js";
import { Announcer } from "./announcer.js";
import { element } from "./element.js";
import { setText } from "./localize.js";
import { RovingFocus } from "./roving-focus.js";
import { SentenceList } from "./sentence-list.js";
import { addLatency, failedParts, finalParts, interimText } from "./sentence.js";

/**
 * @typedef {import("../wire/messages.js").Final} Final
 * @typedef {import("../wire/messages.js").SegmentFailed} SegmentFailed
 */

export class Transcript {
  #list = new SentenceList();
  #announcer = new Announcer();
  /** Finals and failures in the order of `seq`, for the export. @type {(Final | SegmentFailed)[]} */
  entries = [];
  /** The time of each entry. @type {Element[]} */
  #times = [];
  #speakers = new Speakers();
  /** Our own sessions: a new one follows when one has expired. @type {Set<string>} */
  #own = new Set();
  /** The latest of them, which the interim texts belong to. */
  #session = "";
  #focus = new RovingFocus(this.#list.root);
  #onEntries = () => {};

  constructor() {
    for (const type of ["pointerover", "focusin"]) {
      this.#list.root.addEventListener(type, ({ target }) => addLatency(/** @type {Element} */ (target), this.entries));
    }
  }

  /** Calls back after each change of `entries`. @param {() => void} changed */
  onEntries(changed) {
    this.#onEntries = changed;
  }

  /** Takes a session as ours: its speaker is "You". @param {string} session_id */
  own(session_id) {
    this.#session = session_id;
    this.#own.add(session_id);
  }

  clear() {
    this.#list.clear();
    this.#own.clear();
    this.#speakers = new Speakers();
    this.entries = [];
    this.#times = [];
    this.#announcer.clear();
    this.#onEntries();
  }

  /** Sets the text in place of an empty list. @param {() => string} text */
  invite(text) {
    setText(this.#list.placeholder, text);
  }

  /** @param {import("../wire/messages.js").Interim} message */
  showInterim({ segment, stable, unstable, language }) {
    this.#list.place(this.#session, segment).replaceChildren(interimText(stable, unstable, language));
  }

  /** The sentence has ended; its final text follows. @param {{ segment: number }} message */
  awaitFinal({ segment }) {
    this.#list.place(this.#session, segment).classList.add("awaited");
  }

  /** Removes a sentence in which there was no speech. @param {{ session_id: string, segment: number }} message */
  drop({ session_id, segment }) {
    this.#list.drop(session_id, segment);
  }

  /** Removes the sentences whose final text will not come. */
  dropPending() {
    this.#list.dropPending();
  }

  /** @param {Final} final */
  addFinal(final) {
    this.#add(final, finalParts(final));
    this.#announcer.announce(final.text, final.language);
  }

  /** @param {SegmentFailed} failed */
  addFailed(failed) {
    this.#add(failed, failedParts(failed));
    this.#announcer.announce(texts.failed);
  }

  /** Adds a line after all that was said so far. @param {() => string} text */
  addDivider(text) {
    this.#list.append(element("li", { class: "divider" }, setText(element("p"), text)));
  }

  /**
   * @param {Final | SegmentFailed} entry
   * @param {Element[]} parts
   */
  #add(entry, parts) {
    const { session_id, segment, room } = entry;
    const item = this.#list.take(session_id, segment) ?? this.#list.insert(element("li"));
    const moved = this.#speakers.note(entry);
    const before = this.entries.at(-1)?.session_id;
    const time = element("time");
    const index = this.entries.push(entry) - 1;
    this.#times.push(time);
    if (moved) this.entries.forEach((_, i) => this.#showTime(i));
    else this.#showTime(index);
    item.className = "said";
    item.ariaHidden = null;
    item.dataset.entry = String(index);
    item.replaceChildren(time, ...parts);
    if (room && session_id !== before) item.append(this.#speaker(session_id));
    this.#focus.moveTo(item);
    this.#list.added();
    this.#onEntries();
  }

  /** @param {number} index */
  #showTime(index) {
    const { session_id, start_ms } = this.entries[index];
    this.#times[index].textContent = minutes(start_ms + this.#speakers.offset(session_id));
  }

  /** @param {string} session */
  #speaker(session) {
    const number = this.#speakers.number(session);
    const own = this.#own.has(session);
    return setText(element("p", { class: "speaker" }), () => (own ? texts.you : texts.speaker(number)));
  }
}
