// @ts-check
/** The words of the page's language, and how it writes figures. Knows no DOM. */

import { en } from "./en.js";
import { ko } from "./ko.js";

/** @typedef {"en" | "ko"} UiLanguage */

const ALL = { en, ko };

/** The language of the page, not of what is spoken. @type {UiLanguage} */
export let uiLanguage = "en";
/** Always those of `uiLanguage`. @type {typeof en} */
export let words = en;

/** @type {Map<string, Intl.NumberFormat | Intl.DateTimeFormat | Intl.DisplayNames>} */
const formats = new Map();
/** @type {Set<() => void>} */
const listeners = new Set();

/** @param {UiLanguage} language */
export function setLanguage(language) {
  uiLanguage = language;
  words = ALL[language];
  formats.clear();
  for (const listener of listeners) listener();
}

/**
 * Tells whenever the words have changed.
 * @param {() => void} listener
 */
export function onLanguage(listener) {
  listeners.add(listener);
}

/**
 * Minutes and seconds, as mm:ss.
 * @param {number} ms
 */
export function minutes(ms) {
  const seconds = Math.floor(ms / 1000);
  return [seconds / 60, seconds % 60].map((part) => String(Math.floor(part)).padStart(2, "0")).join(":");
}

/** @param {number} share 0–1 */
export function percent(share) {
  return figure(share, { style: "percent", maximumFractionDigits: 0 });
}

/** @param {number} ms as seconds with one digit, such as 1.2 s */
export function seconds(ms) {
  return words.seconds(figure(ms / 1000, { minimumFractionDigits: 1, maximumFractionDigits: 1 }));
}

/** @param {number} count */
export function whole(count) {
  return figure(count, { maximumFractionDigits: 0 });
}

/** @param {number} valence −1…1, with its sign */
export function valence(valence) {
  const digits = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  return figure(valence, { ...digits, signDisplay: "exceptZero" }).replace("-", "−");
}

/** @param {number} level mean square of samples in −1…1 */
export function decibels(level) {
  return `${figure(Math.round(10 * Math.log10(Math.max(level, 1e-10))), {}).replace("-", "−")} dB`;
}

/** @param {number} at seconds since 1970, as the time of day */
export function timeOfDay(at) {
  return format("time", () => new Intl.DateTimeFormat(uiLanguage, { timeStyle: "short", hourCycle: "h23" })).format(
    at * 1000,
  );
}

/** @param {string} code as Whisper has them */
export function languageName(code) {
  const names = format("names", () => new Intl.DisplayNames(uiLanguage, { type: "language", fallback: "code" }));
  try {
    return names.of(code) ?? code;
  } catch {
    return code; // not a code that browsers know
  }
}

/**
 * @param {number} number
 * @param {Intl.NumberFormatOptions} options
 */
function figure(number, options) {
  return format(JSON.stringify(options), () => new Intl.NumberFormat(uiLanguage, options)).format(number);
}

/**
 * Making a format costs a hundred times more than using it.
 * @template {Intl.NumberFormat | Intl.DateTimeFormat | Intl.DisplayNames} Format
 * @param {string} key
 * @param {() => Format} make
 */
function format(key, make) {
  const known = formats.get(key) ?? make();
  formats.set(key, known);
  return /** @type {Format} */ (known);
}
