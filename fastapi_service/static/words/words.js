// @ts-check
/** The words of the page's language, and how it writes figures. */

import { en } from "./en.js";

/** @type {typeof en} */
export let words = en;

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
  return `${Math.round(share * 100)}%`;
}

const names = new Intl.DisplayNames("en", { type: "language", fallback: "code" });

/** @param {string} code as Whisper has them */
export function languageName(code) {
  return names.of(code) ?? code;
}
