// @ts-check
/** How loud it is, with the threshold below which is silence. Draws when told, and never by itself. */

import { find } from "./element.js";
import { say } from "./translate.js";
import { decibels, percent, words } from "../words/words.js";

const QUIETEST_DB = -80;
/** The sentence for those who do not see the bar need not change ten times a second. */
const TEXT_EVERY_MS = 1000;

export class Meter {
  #bar = find("meter");
  #lastText = 0;

  /**
   * @param {number} energy mean square of samples in −1…1
   * @param {number} threshold likewise
   */
  show(energy, threshold) {
    this.#bar.classList.toggle("loud", energy >= threshold);
    this.#bar.style.setProperty("--level", position(energy));
    this.#bar.style.setProperty("--threshold", position(threshold));
    if (performance.now() - this.#lastText < TEXT_EVERY_MS) return;
    this.#lastText = performance.now();
    say(find("level"), () => words.meter.level(decibels(energy), decibels(threshold)));
  }

  /** No sound comes. */
  clear() {
    this.#bar.removeAttribute("style");
    say(find("level"), () => "");
  }

  /** How much of the audio was silence and not sent. @param {number} share 0–1 */
  saved(share) {
    say(find("saved"), () => (share > 0 ? words.meter.saved(percent(share)) : ""));
  }
}

/** From 0 to 1, evenly in dB. @param {number} energy */
function position(energy) {
  const db = 10 * Math.log10(Math.max(energy, 1e-8));
  return String(Math.min(1, 1 - db / QUIETEST_DB));
}
