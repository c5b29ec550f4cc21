// @ts-check
/**
 * Keeps the newest sentence in view until the reader scrolls away; then counts the new ones and offers the way back. An
 * observer of the list's end reports the reader's position, so that nothing has to measure the page.
 */

import { texts } from "../i18n/index.js";
import { find } from "./element.js";
import { setText } from "./localize.js";

/** Within this distance from the end the list follows. */
const NEAR = "0px 0px 80px 0px";

export class AutoScroll {
  #scroller = find("transcript");
  #button = find("newest");
  #following = true;
  #unread = 0;
  #frame = 0;

  constructor() {
    const observer = new IntersectionObserver((seen) => this.#follow(seen.at(-1)?.isIntersecting ?? true), {
      root: this.#scroller,
      rootMargin: NEAR,
    });
    observer.observe(find("end"));
    new ResizeObserver(() => this.grown()).observe(this.#scroller);
    this.#button.onclick = () => {
      this.#follow(true);
      this.grown();
      this.#scroller.focus({ preventScroll: true }); // the button disappears, and its focus with it
    };
  }

  clear() {
    this.#follow(true);
  }

  /** A sentence was added. */
  added() {
    if (!this.#following) this.#unread++;
    this.#updateButton();
    this.grown();
  }

  /** The list may be longer than before. */
  grown() {
    if (!this.#following || this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#scroller.scrollTop = 1e9; // as far as it goes
    });
  }

  /** @param {boolean} following */
  #follow(following) {
    if (this.#frame && !following) return; // the list grew, the reader did not move
    this.#following = following;
    if (following) this.#unread = 0;
    this.#updateButton();
  }

  #updateButton() {
    this.#button.hidden = this.#following;
    if (!this.#following) setText(find("newest-label"), () => texts.newest(this.#unread));
  }
}
