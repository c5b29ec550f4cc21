// @ts-check
/**
 * Screen readers read each new sentence aloud, and what one goes on with; of many at once, as after a reload, only their
 * number.
 */

import { texts } from "../i18n/index.js";
import { element, find } from "./element.js";

const COLLECT_MS = 500;
const MOST = 3;

export class Announcer {
  #region = find("spoken");
  /** @type {HTMLElement[]} */
  #waiting = [];
  /** Sentences that wait. */
  #count = 0;
  #timer = 0;

  /**
   * @param {string} text what is new
   * @param {string} [language]
   * @param {boolean} [continues] it is no sentence of its own
   * @param {string} [name] of who says it, if that is new
   */
  announce(text, language, continues, name) {
    if (!continues) this.#count++;
    const said = element("span", language ? { lang: language } : {}, text);
    if (this.#count <= MOST) this.#waiting.push(element("p", {}, ...(name ? [`${name}: `] : []), said));
    this.#timer ||= setTimeout(() => this.#flush(), COLLECT_MS);
  }

  clear() {
    clearTimeout(this.#timer);
    this.#timer = this.#count = 0;
    this.#waiting = [];
    this.#region.replaceChildren();
  }

  #flush() {
    const announced = this.#count > MOST ? [texts.added(this.#count)] : this.#waiting;
    this.clear();
    this.#region.replaceChildren(...announced);
  }
}
