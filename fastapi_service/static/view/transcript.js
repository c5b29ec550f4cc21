// @ts-check
/**
 * The transcript, one item for each sentence. It grows in its place: interim text, then "…" while the service works, then the
 * final text with its sentiment; and again, when the speaker goes on after a pause. Nothing here reads the layout.
 */

import { Speakers } from "../export/speakers.js";
import { minutes } from "../i18n/format.js";
import { texts } from "../i18n/index.js";
import { Announcer } from "./announcer.js";
import { element } from "./element.js";
import { setAgain, setText } from "./localize.js";
import { OpenSentence } from "./open-sentence.js";
import { People } from "./people.js";
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
  #speakers = new Speakers();
  #people;
  /** The person of the latest heading; null: of ourselves without a name, who need none. @type {string | null} */
  #heading = null;
  /** Ours, by channel. */
  #open = [new OpenSentence(), new OpenSentence()];
  #focus = new RovingFocus(this.#list.root);
  /** Voice of the last sentence; null without one. @type {() => number | null} */
  #voice = () => null;
  #onEntries = () => {};

  constructor(people = new People()) {
    this.#people = people;
    for (const type of ["pointerover", "focusin"]) {
      this.#list.root.addEventListener(type, ({ target }) => {
        const item = /** @type {HTMLElement | null} */ (/** @type {Element} */ (target).closest("li.said"));
        this.#said[Number(item?.dataset.entry)]?.addLatency();
      });
    }
  }

  /** Calls back after each change of `entries`. @param {() => void} changed */
  onEntries(changed) {
    this.#onEntries = changed;
  }

  /**
   * Takes a session as ours.
   * @param {string} session_id
   * @param {import("./people.js").Ourselves} [speaker]
   */
  own(session_id, speaker) {
    this.#ours(speaker?.channel).own(session_id);
    this.#people.own(session_id, speaker);
  }

  /** @param {number | null} [channel] @returns {OpenSentence} */
  #ours(channel) {
    return this.#open[channel ?? 0];
  }

  /** Takes another name of ours. @param {import("./people.js").Ourselves} speaker */
  rename(speaker) {
    this.#people.rename(this.#ours(speaker.channel).session, speaker);
  }

  clear() {
    this.#list.clear();
    this.#people.clear();
    this.#heading = null;
    this.#voice = () => null;
    this.#open = [new OpenSentence(), new OpenSentence()];
    this.#speakers = new Speakers();
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

  /** Notes when an utterance of ours begins. @param {{ segment: number, at_ms: number, channel?: number | null }} message */
  begin({ segment, at_ms, channel }) {
    this.#ours(channel).began.set(segment, at_ms);
  }

  /** @param {import("../wire/messages.js").Interim} message */
  showInterim(message) {
    const { segment, stable, unstable, language } = message;
    const open = this.#ours(message.channel);
    const sentence = this.#goneOnWith(open, segment, stable + unstable, language);
    const head = sentence ? [] : this.#head(open, segment);
    const place = this.#list.place(keyOf(segment, open.session), sentence);
    place.replaceChildren(...head, ...interimParts(message, sentence !== null));
  }

  /** The utterance has ended; its final text follows. @param {{ segment: number, channel?: number | null }} message */
  awaitFinal({ segment, channel }) {
    const open = this.#ours(channel);
    const key = keyOf(segment, open.session);
    const place = this.#list.find(key) ?? this.#list.place(key, this.#goneOnWith(open, segment));
    place.classList.add("awaited");
  }

  /** Removes an utterance in which there was no speech. @param {{ session_id: string, segment: number }} message */
  drop({ session_id, segment }) {
    this.#list.drop(keyOf(segment, session_id));
  }

  /** Removes the utterances whose final text will not come. */
  dropPending() {
    this.#list.dropPending();
  }

  /** @param {Final} final */
  addFinal(final) {
    const { session_id, segment, continues, continued_segment } = final;
    const before = this.#last.get(session_id);
    if (this.#speakers.voices.note(final)) setAgain();
    const grows = before && continues && before.newest.segment === continued_segment;
    if (grows) {
      this.#list.drop(keyOf(segment, session_id));
      before.grow(final);
      this.#list.grown();
    }
    const heading = this.#heading;
    const sentence = grows ? before : this.#add(final, finalParts(final));
    this.#last.set(session_id, sentence);
    this.#note(final, sentence);
    const name = this.#heading && this.#heading !== heading ? this.#people.label(this.#heading) : "";
    this.#announcer.announce(final.text, final.language, grows, name);
  }

  /**
   * The sentence that began with a segment, if it is here.
   * @type {import("./sentence-link.js").Reach}
   */
  find({ session_id, segment }) {
    const found = this.#said.find(({ place }) => place === keyOf(segment, session_id));
    return found ? { text: found.text.textContent ?? "", show: () => found.show() } : null;
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
    for (const open of this.#open) open.sentence = undefined;
  }

  /**
   * @param {Final | SegmentFailed} entry
   * @param {SentenceItem} [sentence] which its speaker may go on with
   */
  #note(entry, sentence) {
    for (const open of this.#open) if (entry.session_id === open.session) open.sentence = sentence;
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
    const item = this.#list.take(keyOf(segment, session_id));
    const moved = this.#speakers.note(entry);
    const heading = this.#headed(this.#people.said(entry), room);
    const voice = () => this.#speakers.voices.number(entry);
    const sentence = new SentenceItem(item, entry, parts, this.#speaker(heading, voice));
    this.#heading = heading;
    this.#voice = voice;
    item.dataset.entry = String(this.#said.push(sentence) - 1);
    for (const each of moved ? this.#said : [sentence]) each.showTime(this.#speakers);
    this.#focus.moveTo(item);
    this.#list.added();
    return sentence;
  }

  /**
   * As `OpenSentence.goneOnWith`.
   * @param {OpenSentence} open
   * @param {Parameters<OpenSentence["goneOnWith"]>} utterance
   */
  #goneOnWith(open, ...utterance) {
    return this.#list.isFirst(keyOf(utterance[0], open.session)) ? open.goneOnWith(...utterance) : null;
  }

  /** Who says an utterance of ours and when, before its final text. @param {OpenSentence} open @param {number} segment */
  #head({ session, began }, segment) {
    const person = this.#people.ownPerson(session);
    const speaker = this.#open[1].session // two talk here, and each may wait for a text
      ? [this.#people.tag("p", person, "speaker")]
      : this.#speaker(this.#headed(person, this.#said.at(-1)?.newest.room));
    const start_ms = began.get(segment);
    return start_ms === undefined ? speaker : [...speaker, element("time", {}, minutes(start_ms + this.#speakers.offset(session)))];
  }

  /**
   * The person whose name stands above a sentence; null: of somebody alone without a name.
   * @param {string} person
   * @param {string | null} [room]
   */
  #headed(person, room) {
    return room || this.#people.name(person) ? person : null;
  }

  /**
   * The name of who talks, and which of several at that microphone, if that was somebody else before.
   * @param {string | null} person
   * @param {() => number | null} [voice]
   */
  #speaker(person, voice = () => null) {
    const same = person === this.#heading;
    if (voice() ? same && voice() === this.#voice() : person === null || same) return [];
    const tag = person === null ? [] : [this.#people.tag(voice() ? "span" : "p", person, voice() ? "" : "speaker")];
    if (!voice()) return tag;
    const name = setText(element("span"), () => (person === null ? texts.speaker : texts.voice)(voice() ?? 0));
    return [element("p", { class: "speaker" }, ...tag.flatMap((each) => [each, " "]), name)];
  }
}

/** @param {number} segment @param {string} session */
function keyOf(segment, session) {
  return `${session} ${segment}`;
}
