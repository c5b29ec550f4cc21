// @ts-check
/** The language of the page, which is not that of the speech, and the page's texts in it. No DOM. */

import { en } from "./en.js";

/** @typedef {"en" | "ko"} UiLanguage */

/** @type {UiLanguage} */
export let uiLanguage = "en";
/** The texts in `uiLanguage`. @type {typeof en} */
export let texts = en;
/** @type {(() => void)[]} */
const listeners = [];

/** Switches the language; Korean is loaded at its first use. @param {UiLanguage} language */
export async function setLanguage(language) {
  texts = language === "ko" ? (await import("./ko.js")).ko : en;
  uiLanguage = language;
  for (const listener of listeners) listener();
}

/** Calls back after each change of language. @param {() => void} listener */
export function onLanguage(listener) {
  listeners.push(listener);
}
