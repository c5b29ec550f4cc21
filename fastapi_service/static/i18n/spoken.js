// @ts-check
/** The languages of speech: those that the service knows, with their names in the page's language. No DOM. */

import { languageName } from "./format.js";
import { uiLanguage } from "./index.js";

/** ISO 639 codes, as in wire/languages.py; what is spoken most comes first. */
const CODES = (
  "zh nl en fr de hi it ja ko pl pt ru es tr uk af am ar as az ba be bg bn bo br bs ca cs cy da el et eu fa fi fo " +
  "gl gu ha haw he hr ht hu hy id is jw ka kk km kn la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nn no oc pa ps " +
  "ro sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tt ur uz vi yi yo yue"
).split(" ");
const FREQUENT = 15;

/**
 * Returns the codes and names of all languages: first the chosen ones, then the frequent ones, each by name.
 * @param {string[]} chosen codes
 */
export function spokenLanguages(chosen) {
  const rank = (/** @type {string} */ code) => (chosen.includes(code) ? 0 : CODES.indexOf(code) < FREQUENT ? 1 : 2);
  return CODES.map((code) => ({ code, name: languageName(code) })).sort(
    (a, b) => rank(a.code) - rank(b.code) || a.name.localeCompare(b.name, uiLanguage),
  );
}

/**
 * Returns the codes that an address asks for, such as `?language=ko` or `?languages=ko,en`; null: it asks for none.
 * @param {URLSearchParams} address
 */
export function languagesIn(address) {
  const asked = address.get("languages") ?? address.get("language");
  return asked === null ? null : CODES.filter((code) => asked.split(",").includes(code));
}
