// @ts-check
/** The words of the page's language, and how it writes figures. Knows no DOM. */

import { en } from "./en.js";

/** @typedef {"en" | "ko"} UiLanguage */

/** The language of the page, not of what is spoken. @type {UiLanguage} */
export let uiLanguage = "en";
/** Always those of `uiLanguage`. @type {typeof en} */
export let words = en;
/** @type {(() => void)[]} */
const listeners = [];

/** Korean is loaded when it is wanted. @param {UiLanguage} language */
export async function setLanguage(language) {
  words = language === "ko" ? (await import("./ko.js")).ko : en;
  uiLanguage = language;
  for (const listener of listeners) listener();
}

/** Calls back whenever the words have changed. @param {() => void} listener */
export function onLanguage(listener) {
  listeners.push(listener);
}

/** As mm:ss. @param {number} ms */
export function minutes(ms) {
  const seconds = Math.floor(ms / 1000);
  return [seconds / 60, seconds % 60].map((part) => String(Math.floor(part)).padStart(2, "0")).join(":");
}

/** @param {number} share 0–1 */
export function percent(share) {
  return share.toLocaleString(uiLanguage, { style: "percent" });
}

/** With one digit, such as 1.2 s. @param {number} ms */
export function seconds(ms) {
  return words.seconds((ms / 1000).toLocaleString(uiLanguage, digits(1)));
}

/** @param {number} count */
export function whole(count) {
  return count.toLocaleString(uiLanguage, digits(0));
}

/** With its sign. @param {number} value −1…1 */
export function valence(value) {
  return value.toLocaleString(uiLanguage, { ...digits(2), signDisplay: "exceptZero" }).replace("-", "−");
}

/** @param {number} energy mean square of samples in −1…1 */
export function decibels(energy) {
  return `${whole(10 * Math.log10(Math.max(energy, 1e-10))).replace("-", "−")} dB`;
}

/** @param {number} at seconds since 1970 */
export function timeOfDay(at) {
  return new Date(at * 1000).toLocaleTimeString(uiLanguage, { timeStyle: "short", hourCycle: "h23" });
}

/** @param {string} code as Whisper has them */
export function languageName(code) {
  return new Intl.DisplayNames(uiLanguage, { type: "language", fallback: "code" }).of(code) ?? code;
}

/** @param {number} count behind the point */
function digits(count) {
  return { minimumFractionDigits: count, maximumFractionDigits: count };
}
