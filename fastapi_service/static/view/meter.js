// @ts-check
/** The level meter, with the threshold of silence. Draws on each call, and never by itself. */

import { decibels, percent } from "../i18n/format.js";
import { texts } from "../i18n/index.js";
import { find } from "./element.js";
import { setText } from "./localize.js";

const QUIETEST_DB = -80;
/** The text for screen readers need not change ten times a second. */
const TEXT_EVERY_MS = 1000;

export class Meter {
  #bar = find("meter");
  #lastText = 0;

  /**
   * @param {number} energy mean square of samples in −1…1
   * @param {number} threshold likewise
   */
  show(energy, threshold) {
    this.#bar.classList.toggle("voiced", energy >= threshold);
    this.#bar.style.setProperty("--level", position(energy));
    this.#bar.style.setProperty("--threshold", position(threshold));
    if (performance.now() - this.#lastText < TEXT_EVERY_MS) return;
    this.#lastText = performance.now();
    setText(find("level"), () => texts.meter.level(decibels(energy), decibels(threshold)));
  }

  /** No audio comes. */
  clear() {
    this.#bar.removeAttribute("style");
    setText(find("level"), () => "");
  }

  /** Shows the share of the audio that was silence and not sent. @param {number} share 0–1 */
  saved(share) {
    setText(find("saved"), () => (share > 0 ? texts.meter.saved(percent(share)) : ""));
  }
}

/** From 0 to 1, evenly in dB. @param {number} energy */
function position(energy) {
  const db = 10 * Math.log10(Math.max(energy, 1e-8));
  return String(Math.min(1, 1 - db / QUIETEST_DB));
}
