// @ts-check
/** The people of a conversation: what each is called, and a mark that tells them apart by letters, shape and colour. */

import { onLanguage, texts } from "../i18n/index.js";
import { element } from "./element.js";

/**
 * @typedef {import("../wire/messages.js").Speaker} Speaker
 * @typedef {{ name: string | null, role: string | null, number: number }} Person `number` in the order of their first
 *   sentences, as in exports; 0: nothing said yet
 * @typedef {{ person?: string | null, name?: string | null, role?: string | null, channel?: number | null }} Ourselves older
 *   services leave it all out; `channel` 1 is who talks beside us
 */

/** Of the custom properties of the stylesheet; with the corners, which are of another count, 24 marks. */
const COLOURS = "abcdefgh";
const CORNERS = ["50%", "20%", "50% 50% 50% 0"];

export class People {
  /** By their id, or by that of the session where an older service does not name its person. @type {Map<string, Person>} */
  #known = new Map();
  /** Our sessions, and our person in each. @type {Map<string, string>} */
  #own = new Map();
  /** Those of them who talk here beside us. @type {Set<string>} */
  #beside = new Set();
  /** Who is here now: their names are newer than those of sentences. @type {Set<string>} */
  #here = new Set();
  #spoken = 0;

  constructor() {
    onLanguage(() => this.#repaint());
  }

  clear() {
    this.#known.clear();
    this.#own.clear();
    this.#beside.clear();
    this.#here.clear();
    this.#spoken = 0;
  }

  /**
   * Takes a session and its person as ours.
   * @param {string} session
   * @param {Ourselves} [speaker]
   */
  own(session, { person, name = null, role = null, channel } = {}) {
    const id = person ?? session;
    if (channel === 1) this.#beside.add(id);
    this.#own.set(session, id);
    this.#name({ person: id, name, role });
  }

  /** @param {string} id */
  isOwn(id) {
    return !this.#beside.has(id) && (this.#own.has(id) || [...this.#own.values()].includes(id));
  }

  /** Our person in a session; that of somebody else is a person of its own. @param {string} session */
  ownPerson(session) {
    return this.#own.get(session) ?? session;
  }

  /**
   * Takes another name of ours.
   * @param {string} session of ours
   * @param {Ourselves} speaker
   */
  rename(session, { name, role }) {
    this.own(session, { person: this.ownPerson(session), name, role });
  }

  /** Takes the people who are here. @param {Speaker[]} who */
  present(who) {
    this.#here = new Set(who.map(({ person }) => person));
    who.forEach((each) => this.#name(each));
  }

  /**
   * Takes who said a sentence, and returns the person's id.
   * @param {{ session_id: string, speaker?: Speaker | null }} entry
   */
  said({ session_id, speaker }) {
    const id = speaker?.person ?? this.ownPerson(session_id);
    if (speaker && !this.#here.has(id)) this.#name(speaker);
    const known = this.#get(id);
    if (!known.number) {
      known.number = ++this.#spoken;
      this.#changed(id, known.name);
    }
    return id;
  }

  /** In the order of their first sentences; who said none is the last. @param {string} id */
  order(id) {
    return this.#get(id).number || Infinity;
  }

  /** @param {string} id */
  name(id) {
    return this.#get(id).name;
  }

  /** What a person is called; a number tells those apart who have the same name. @param {string} id */
  label(id) {
    const { name, number } = this.#get(id);
    if (!name) return this.isOwn(id) ? texts.you : number ? texts.speaker(number) : texts.people.unnamed;
    const place = [...this.#known.keys()]
      .filter((other) => this.name(other) === name && (other === id || !this.isOwn(id) || !this.isOwn(other)))
      .sort((a, b) => this.order(a) - this.order(b) || 0)
      .indexOf(id);
    return place ? `${name} (${place + 1})` : name;
  }

  /**
   * Makes an element with a person's mark, name and role, which follow each change.
   * @param {string} tag
   * @param {string} id
   * @param {string} [style] its class
   */
  tag(tag, id, style = "") {
    return this.#paint(element(tag, { class: style, "data-person": id }));
  }

  /**
   * Makes a tag as above for one of several voices at a person's microphone.
   * @param {string} tag
   * @param {import("./voice-figures.js").Voice} voice
   */
  voiceTag(tag, { person, voice, room }) {
    return this.#paint(element(tag, { "data-person": person, "data-voice": String(voice), "data-room": String(room) }));
  }

  /** @param {string} id @returns {Person} */
  #get(id) {
    const known = this.#known.get(id) ?? { name: null, role: null, number: 0 };
    this.#known.set(id, known);
    return known;
  }

  /** @param {Speaker} speaker */
  #name({ person, name, role }) {
    const known = this.#get(person);
    const before = known.name;
    if (before === name && known.role === role) return;
    Object.assign(known, { name, role });
    this.#changed(person, before, name);
  }

  /**
   * Shows what has become of a person, and of those who have the same name.
   * @param {string} id
   * @param {(string | null)[]} names
   */
  #changed(id, ...names) {
    this.#repaint((other) => other === id || names.includes(this.name(other) ?? ""));
  }

  #repaint(stale = (/** @type {string} */ _id) => true) {
    for (const each of document.querySelectorAll("[data-person]")) {
      const tag = /** @type {HTMLElement} */ (each);
      if (stale(tag.dataset.person ?? "")) this.#paint(tag);
    }
  }

  /** @param {HTMLElement} tag */
  #paint(tag) {
    const { person: id = "", voice = "", room } = tag.dataset;
    const { name, role, number: spoken } = this.#get(id);
    const alone = voice && room === "false"; // voices differ there, and in rooms people
    const number = alone ? Number(voice) : spoken;
    const label = alone && !name ? texts.speaker(number) : `${this.label(id)}${voice && ` ${texts.voice(Number(voice))}`}`;
    const letters = name ? initials(name) + voice : voice && !alone ? `${number || "–"}.${voice}` : String(number || "–");
    const colour = number ? `var(--person-${COLOURS[(number - 1) % COLOURS.length]})` : "var(--quiet)";
    tag.style.setProperty("--who", colour);
    tag.style.setProperty("--corner", CORNERS[(number + 2) % CORNERS.length]);
    // No text: it is drawn by the stylesheet, for the eye only.
    const mark = element("span", { class: "mark", "aria-hidden": "true", "data-mark": letters });
    const roles = role ? [" ", element("bdi", { class: "role" }, role)] : [];
    tag.replaceChildren(mark, element("bdi", {}, label), ...roles);
    return tag;
  }
}

/** First letters of the first and the last word. @param {string} name */
function initials(name) {
  const [first, ...more] = name.normalize().split(/\s+/).map((word) => [...word][0]);
  return `${first}${more.at(-1) ?? ""}`.toUpperCase();
}
