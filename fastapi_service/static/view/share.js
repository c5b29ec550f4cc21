// @ts-check
/** The room: joining and leaving it, its link, and who is there. */

import { find } from "./element.js";
import { say } from "./translate.js";
import { words } from "../words/words.js";

/** As the service has it. */
const ROOM = /^[A-Za-z0-9_.-]{1,64}$/;
/** 32, without those that are mistaken for others. */
const LETTERS = "abcdefghijkmnpqrstuvwxyz23456789";
const COPIED_MS = 2_000;

export class Share {
  #name = find("room", HTMLInputElement);
  #link = find("room-link", HTMLInputElement);
  /** @type {string | null} */
  #room = null;
  /** @type {(room: string | null) => void} */
  #changed = () => {};

  constructor() {
    find("join").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#join(this.#name.value.trim());
    });
    find("random-room").addEventListener("click", () => this.#join(randomRoom()));
    find("leave").addEventListener("click", () => {
      this.show(null);
      this.#name.focus();
      this.#changed(null);
    });
    find("copy-link").addEventListener("click", () => this.#copy());
  }

  /** The person joins a room, or leaves it (null). @param {(room: string | null) => void} changed */
  onChange(changed) {
    this.#changed = changed;
  }

  get room() {
    return this.#room;
  }

  /** Show that we are in a room, or in none (null). @param {string | null} room */
  async show(room) {
    this.#room = room;
    this.#complain(false);
    find("join").hidden = room !== null;
    find("joined").hidden = room === null;
    say(find("room-name"), () => (room === null ? "" : words.share.inRoom(room)));
    say(find("people"), () => "");
    if (room === null) return;
    this.#link.value = String(linkTo(room));
    const { generate } = await import("../vendor/lean-qr.mjs");
    // Dark on light in dark mode, too: not every camera reads the reverse.
    generate(this.#link.value).toCanvas(find("qr", HTMLCanvasElement), { on: [0, 0, 0], off: [255, 255, 255] });
  }

  /**
   * How many are there, and how many of them talk.
   * @param {number} people
   * @param {number} talking
   */
  people(people, talking) {
    say(find("people"), () => words.share.people(people, talking));
  }

  /** @param {string} room */
  #join(room) {
    if (!isRoom(room)) {
      this.#complain(true);
      return this.#name.focus();
    }
    this.show(room);
    find("copy-link").focus(); // the form is gone, and the focus with it
    this.#changed(room);
  }

  /** @param {boolean} bad */
  #complain(bad) {
    this.#name.setAttribute("aria-invalid", String(bad));
    say(find("room-error"), () => (bad ? words.share.bad : ""));
  }

  async #copy() {
    this.#link.select(); // whoever's browser refuses can copy it by hand
    const copied = await navigator.clipboard?.writeText(this.#link.value).then(
      () => true,
      () => false,
    );
    say(find("copied"), () => (copied ? words.share.copied : words.share.copyByHand));
    setTimeout(() => say(find("copied"), () => ""), COPIED_MS);
  }
}

/** @param {string} name */
export function isRoom(name) {
  return ROOM.test(name);
}

/** The page's address, in a room or in none (null). @param {string | null} room */
export function linkTo(room) {
  const url = new URL(document.baseURI);
  url.search = room === null ? "" : `?room=${room}`;
  url.hash = "";
  return url;
}

/** Twelve letters, 60 bits: nobody guesses it. */
function randomRoom() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => LETTERS[byte % LETTERS.length]).join("");
}
