// @ts-check
/**
 * The transcript, one item for each sentence. It grows in its place: interim text, then "…" while the service works, then the
 * final text with its sentiment; and again, when the speaker goes on after a pause. Nothing here reads the layout.
 */

import { texts } from "../i18n/index.js";
import { Announcer } from "./announcer.js";
import { element } from "./element.js";
import { Headings } from "./headings.js";
import { setText } from "./localize.js";
import { goesOn } from "./open-sentence.js";
import { RovingFocus } from "./roving-focus.js";
import { SentenceList } from "./sentence-list.js";
import { SentenceItem } from "./sentence-item.js";
import { failedParts, finalParts, interimParts } from "./sentence.js";

/**
 * @typedef {import("../wire/messages.js").Final} Final
 * @typedef {import("../wire/messages.js").SegmentFailed} SegmentFailed
 */

export class Transcript {
  #list = new SentenceList();
  #announcer = new Announcer();
  /** Finals and failures in the order of `seq`, for the export. @type {(Final | SegmentFailed)[]} */
  entries = [];
  /** By the `data-entry` of their items. @type {SentenceItem[]} */
  #said = [];
  /** Session → the sentence of its last final. @type {Map<string, SentenceItem>} */
  #last = new Map();
  #headings = new Headings();
  /** Our latest session, which the interim texts belong to. */
  #session = "";
  /** Our last sentence, if nothing came since that ends it. @type {SentenceItem | undefined} */
  #open;
  /** Segment → when it began, on the session's audio clock. @type {Map<number, number>} */
  #began = new Map();
  #focus = new RovingFocus(this.#list.root);
  #onEntries = () => {};

  constructor() {
    for (const type of ["pointerover", "focusin"]) {
      this.#list.root.addEventListener(type, ({ target }) => this.#addLatency(/** @type {Element} */ (target)));
    }
  }

  /** Calls back after each change of `entries`. @param {() => void} changed */
  onEntries(changed) {
    this.#onEntries = changed;
  }

  /** Takes a session as ours: its speaker is "You". @param {string} session_id */
  own(session_id) {
    if (session_id !== this.#session) this.#close();
    this.#session = session_id;
    this.#headings.own(session_id);
  }

  clear() {
    this.#list.clear();
    this.#headings.clear();
    this.#close();
    this.#last.clear();
    this.entries = [];
    this.#said = [];
    this.#announcer.clear();
    this.#onEntries();
  }

  /** Sets the text in place of an empty list. @param {() => string} text */
  invite(text) {
    setText(this.#list.placeholder, text);
  }

  /** Notes when an utterance of ours begins. @param {{ segment: number, at_ms: number }} message */
  begin({ segment, at_ms }) {
    this.#began.set(segment, at_ms);
  }

  /** @param {import("../wire/messages.js").Interim} message */
  showInterim(message) {
    const { segment, stable, unstable, language } = message;
    const sentence = this.#goneOnWith(segment, stable + unstable, language);
    const head = sentence ? [] : this.#head(segment);
    const parts = interimParts(message, sentence !== null);
    this.#list.place(this.#session, segment, sentence).replaceChildren(...head, ...parts);
  }

  /** The utterance has ended; its final text follows. @param {{ segment: number }} message */
  awaitFinal({ segment }) {
    const place = this.#list.find(this.#session, segment) ?? this.#list.place(this.#session, segment, this.#goneOnWith(segment));
    place.classList.add("awaited");
  }

  /** Removes an utterance in which there was no speech. @param {{ session_id: string, segment: number }} message */
  drop({ session_id, segment }) {
    this.#list.drop(session_id, segment);
  }

  /** Removes the utterances whose final text will not come. */
  dropPending() {
    this.#list.dropPending();
  }

  /** @param {Final} final */
  addFinal(final) {
    const { session_id, segment, continues, continued_segment } = final;
    const before = continues ? this.#last.get(session_id) : undefined;
    const grows = before?.newest.segment === continued_segment ? before : undefined;
    const sentence = grows ?? this.#add(final, finalParts(final));
    if (grows) {
      this.#list.drop(session_id, segment);
      grows.grow(final);
      this.#list.grown();
    }
    this.#last.set(session_id, sentence);
    this.#note(final, sentence);
    this.#announcer.announce(final.text, final.language, Boolean(grows));
  }

  /** @param {SegmentFailed} failed */
  addFailed(failed) {
    this.#add(failed, failedParts(failed));
    this.#note(failed);
    this.#announcer.announce(texts.failed);
  }

  /** Adds a line after all that was said so far. @param {() => string} text */
  addDivider(text) {
    this.#list.append(element("li", { class: "divider" }, setText(element("p"), text)));
    this.#open = undefined;
  }

  /** Nothing goes on with what was said so far. */
  #close() {
    this.#open = undefined;
    this.#began.clear();
  }

  /**
   * The text of our open sentence if an utterance goes on with it, as far as can be seen; null: it begins another one.
   * @param {number} segment
   * @param {string} [text] so far
   * @param {string} [language]
   */
  #goneOnWith(segment, text = "", language) {
    const newest = this.#open?.newest;
    const follows = newest?.type === "final" && this.#list.isFirst(this.#session, segment);
    const begun = { start_ms: this.#began.get(segment), text, language };
    return this.#open && follows && goesOn(newest, begun) ? this.#open.text : null;
  }

  /**
   * @param {Final | SegmentFailed} entry
   * @param {SentenceItem} [sentence] which its speaker may go on with
   */
  #note(entry, sentence) {
    if (entry.session_id === this.#session) this.#open = sentence;
    this.entries.push(entry);
    this.#onEntries();
  }

  /**
   * Adds a sentence, or what failed.
   * @param {Final | SegmentFailed} entry
   * @param {Element[]} parts
   */
  #add(entry, parts) {
    const { session_id, segment, room } = entry;
    const item = this.#list.take(session_id, segment);
    const moved = this.#headings.note(entry);
    const sentence = new SentenceItem(item, entry, parts, this.#speaker(session_id, room));
    item.dataset.entry = String(this.#said.push(sentence) - 1);
    for (const each of moved ? this.#said : [sentence]) each.showTime(this.#headings);
    this.#focus.moveTo(item);
    this.#list.added();
    return sentence;
  }

  /** Adds the latency to the sentence under the pointer or with the focus. @param {Element} target of the event */
  #addLatency(target) {
    const item = /** @type {HTMLElement | null} */ (target.closest("li.said"));
    if (item) this.#said[Number(item.dataset.entry)].addLatency();
  }

  /** Who says an utterance of ours and when, as far as that is known before its final text. @param {number} segment */
  #head(segment) {
    const speaker = this.#speaker(this.#session, this.#said.at(-1)?.newest.room);
    const start_ms = this.#began.get(segment);
    const placed = !this.#said.length || this.#headings.isPlaced(this.#session);
    if (start_ms === undefined || !placed) return speaker;
    return [...speaker, element("time", {}, this.#headings.time(this.#session, start_ms))];
  }

  /**
   * The name of who talks, in a room, if that was somebody else before.
   * @param {string} session
   * @param {string | null} [room]
   */
  #speaker(session, room) {
    return !room || session === this.#said.at(-1)?.session ? [] : [this.#headings.speaker(session)];
  }
}
