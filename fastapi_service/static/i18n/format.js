// @ts-check
/** Figures, times and names of languages, written as the page's language does it. */

import { texts, uiLanguage } from "./index.js";

/** As mm:ss; minutes do not wrap at 60. @param {number} ms */
export function minutes(ms) {
  const seconds = Math.floor(ms / 1000);
  return [seconds / 60, seconds % 60].map((part) => String(Math.floor(part)).padStart(2, "0")).join(":");
}

/** @param {number} share 0–1 */
export function percent(share) {
  return share.toLocaleString(uiLanguage, { style: "percent" });
}

/** With one decimal, such as 1.2 s. @param {number} ms */
export function seconds(ms) {
  return texts.seconds((ms / 1000).toLocaleString(uiLanguage, decimals(1)));
}

/** In whole seconds or minutes, such as 42 seconds. @param {number} ms */
export function duration(ms) {
  const [unit, length] = ms < 120_000 ? ["second", 1000] : ["minute", 60_000];
  return Math.round(ms / length).toLocaleString(uiLanguage, { style: "unit", unit, unitDisplay: "long" });
}

/** @param {number} count */
export function whole(count) {
  return count.toLocaleString(uiLanguage, decimals(0));
}

/** With its sign. @param {number} value −1…1 */
export function valence(value) {
  return value.toLocaleString(uiLanguage, { ...decimals(2), signDisplay: "exceptZero" }).replace("-", "−");
}

/** @param {number} energy mean square of samples in −1…1 */
export function decibels(energy) {
  return `${whole(10 * Math.log10(Math.max(energy, 1e-10))).replace("-", "−")} dB`;
}

/** As hh:mm. @param {number} at Unix seconds */
export function timeOfDay(at) {
  return new Date(at * 1000).toLocaleTimeString(uiLanguage, { timeStyle: "short", hourCycle: "h23" });
}

/**
 * @param {string} code ISO 639, as Whisper uses it
 * @param {string} [language] of the name
 */
export function languageName(code, language = uiLanguage) {
  return new Intl.DisplayNames([language, "en"], { type: "language", fallback: "code" }).of(code) ?? code;
}

/** @param {number} count */
function decimals(count) {
  return { minimumFractionDigits: count, maximumFractionDigits: count };
}
