// @ts-check
/** The keyboard's way through the sentences: Tab reaches one of them, the newest at first; arrow keys lead on. */

export class RovingFocus {
  #root;
  /** @type {HTMLElement | null} */
  #tabbable = null;

  /** @param {HTMLElement} root of items with their number as `data-entry` */
  constructor(root) {
    this.#root = root;
    root.addEventListener("keydown", (event) => this.#walk(event));
  }

  /** Makes an item the one that Tab reaches. @param {HTMLElement} item */
  moveTo(item) {
    if (this.#tabbable) this.#tabbable.tabIndex = -1;
    this.#tabbable = item;
    item.tabIndex = 0;
  }

  /** @param {KeyboardEvent} event */
  #walk(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const here = Number(/** @type {HTMLElement} */ (event.target).dataset.entry);
    /** @type {HTMLElement | null} */
    const there = step ? this.#root.querySelector(`[data-entry="${here + step}"]`) : null;
    if (!there) return;
    this.moveTo(there);
    there.focus();
    event.preventDefault();
  }
}
