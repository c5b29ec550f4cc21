// @ts-check
/** The room: joining and leaving it, its link, and its number of people. */

import { inviteTo, linksInto } from "../access.js";
import { texts } from "../i18n/index.js";
import { find } from "./element.js";
import { setText } from "./localize.js";

/** The part of the service's rule that needs no escaping in an address. */
const ROOM = /^[A-Za-z0-9_.-]{1,64}$/;
/** 32 letters, without those that look alike. */
const LETTERS = "abcdefghijkmnpqrstuvwxyz23456789";
const COPIED_MS = 2_000;

export class Share {
  /** @type {HTMLInputElement} */
  #name = find("room");
  /** @type {HTMLInputElement} */
  #link = find("room-link");
  /** @type {HTMLInputElement} */
  #readLink = find("read-link");
  /** @type {string | null} */
  #room = null;
  /** @type {(room: string | null) => void} */
  #changed = () => {};

  constructor() {
    find("join").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#join(this.#name.value.trim());
    });
    find("random-room").onclick = () => this.#join(randomRoom());
    find("leave").onclick = () => this.leave();
    find("copy-link").onclick = () => this.#copy(this.#link);
    find("copy-read-link").onclick = () => this.#copy(this.#readLink);
  }

  /** Calls back when the person joins a room, or leaves it (null). @param {(room: string | null) => void} changed */
  onChange(changed) {
    this.#changed = changed;
  }

  get room() {
    return this.#room;
  }

  leave() {
    this.show(null);
    this.#name.focus();
    this.#changed(null);
  }

  /**
   * Shows the page in a room, or in none (null).
   * @param {string | null} room
   * @param {boolean} [own] with the links that its owner gives out
   */
  async show(room, own = false) {
    this.#room = room;
    this.#markInvalid(false);
    find("join").hidden = room !== null;
    find("joined").hidden = room === null;
    setText(find("room-name"), () => (room === null ? "" : texts.share.inRoom(room)));
    setText(find("people"), () => "");
    if (room === null) return;
    const links = own ? linksInto(room) : undefined;
    setText(find("link-title"), () => (links ? texts.owner.talk : texts.share.link));
    find("reading").hidden = !links;
    this.#link.value = String(linkTo(room, links?.talk));
    this.#readLink.value = String(linkTo(room, links?.read));
    const { generate } = await import("../vendor/lean-qr.mjs");
    // Dark on light in dark mode too: not every camera reads the reverse.
    generate(this.#link.value).toCanvas(find("qr"), { on: [0, 0, 0], off: [255, 255, 255] });
  }

  /**
   * Shows the number of people, and of those who talk.
   * @param {number} people
   * @param {number} talking
   */
  people(people, talking) {
    setText(find("people"), () => texts.share.people(people, talking));
  }

  /** @param {string} room */
  #join(room) {
    if (!isRoom(room)) {
      this.#markInvalid(true);
      return this.#name.focus();
    }
    this.show(room);
    find("copy-link").focus(); // the form disappears, and its focus with it
    this.#changed(room);
  }

  /** @param {boolean} invalid */
  #markInvalid(invalid) {
    this.#name.setAttribute("aria-invalid", String(invalid));
    setText(find("room-error"), () => (invalid ? texts.share.bad : ""));
  }

  /** @param {HTMLInputElement} link */
  async #copy(link) {
    link.select(); // where the browser refuses, it can be copied by hand
    const copied = await navigator.clipboard?.writeText(link.value).then(
      () => true,
      () => false,
    );
    setText(find("copied"), () => (copied ? texts.share.copied : texts.share.copyByHand));
    setTimeout(() => setText(find("copied"), () => ""), COPIED_MS);
  }
}

/** @param {string} name */
export function isRoom(name) {
  return ROOM.test(name);
}

/**
 * The page's address, in a room or in none (null).
 * @param {string | null} room
 * @param {string} [invite] secret of a link
 */
export function linkTo(room, invite = room === null ? undefined : inviteTo(room)) {
  const url = new URL(document.baseURI);
  url.searchParams.delete("room");
  if (room !== null) url.searchParams.set("room", room);
  url.hash = invite ? `invite=${invite}` : "";
  return url;
}

/** Twelve letters, 60 bits: it cannot be guessed. */
function randomRoom() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => LETTERS[byte % LETTERS.length]).join("");
}
