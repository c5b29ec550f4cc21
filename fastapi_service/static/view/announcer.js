// @ts-check
/** Has finals read aloud by screen readers: each new one, but of many at once, as after a reload, only how many. */

import { element, find } from "./element.js";
import { words } from "../words/words.js";

const TOGETHER_MS = 500;
const MOST = 3;

export class Announcer {
  #region = find("spoken");
  /** @type {HTMLElement[]} */
  #waiting = [];
  #count = 0;
  #timer = 0;

  /**
   * @param {string} text
   * @param {string} [language]
   */
  say(text, language) {
    if (++this.#count <= MOST) this.#waiting.push(element("p", language ? { lang: language } : {}, text));
    this.#timer ||= setTimeout(() => this.#speak(), TOGETHER_MS);
  }

  clear() {
    clearTimeout(this.#timer);
    this.#timer = this.#count = 0;
    this.#waiting = [];
    this.#region.replaceChildren();
  }

  #speak() {
    const spoken = this.#count > MOST ? [words.added(this.#count)] : this.#waiting;
    this.clear();
    this.#region.replaceChildren(...spoken);
  }
}
