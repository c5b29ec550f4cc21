// @ts-check
/** A link to a sentence of the transcript. It stays the same element, so that it keeps the keyboard's focus. */

import { element } from "./element.js";
import { setText } from "./localize.js";

/**
 * @typedef {import("../wire/messages.js").NotableSentence} NotableSentence
 * @typedef {(sentence: NotableSentence) => { text: string, show: () => void } | null} Reach null: it is not on the page
 */

export class SentenceLink {
  element = /** @type {HTMLAnchorElement} */ (element("a"));
  #reach;

  /** @param {Reach} reach */
  constructor(reach) {
    this.#reach = reach;
  }

  /**
   * @param {NotableSentence | null | undefined} sentence
   * @param {(sentence: NotableSentence, text: string) => string} name of the link
   * @param {() => string} none what stands in place of one
   */
  show(sentence, name, none) {
    const place = sentence ? this.#reach(sentence) : null;
    setText(this.element, () => (sentence ? name(sentence, place?.text ?? "") : none()));
    if (place) this.element.setAttribute("href", "#transcript");
    else this.element.removeAttribute("href");
    this.element.onclick = (event) => {
      event.preventDefault(); // the address stays
      place?.show();
    };
  }
}
