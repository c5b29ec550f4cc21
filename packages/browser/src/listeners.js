// @ts-check
/** Functions that are called with values of events, by the name of the event. */

/** @template {object} Events name → value */
export class Listeners {
  /** @type {Map<keyof Events, Set<(value: any) => void>>} */
  #byName = new Map();

  /**
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {(value: Events[Name]) => void} listener
   * @returns {() => void} removes it
   */
  add(name, listener) {
    const added = this.#byName.get(name) ?? new Set();
    this.#byName.set(name, added.add(listener));
    return () => void added.delete(listener);
  }

  /**
   * An error that one of them throws is the page's, and changes nothing for the others.
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {Events[Name]} value
   * @returns {boolean} false: there is none
   */
  call(name, value) {
    const called = [...(this.#byName.get(name) ?? [])];
    for (const listener of called) {
      try {
        listener(value);
      } catch (error) {
        reportError(error);
      }
    }
    return called.length > 0;
  }
}
