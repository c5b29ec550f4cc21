// @ts-check
/** The languages of speech: those that the service knows, with their names in the page's language. No DOM. */

import { languageName } from "./format.js";
import { uiLanguage } from "./index.js";

/** @typedef {{ code: string, name: string, words: string }} SpokenLanguage `words`: what a search looks through */

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
  return CODES.map(describe).sort(
    (a, b) => rank(a.code) - rank(b.code) || a.name.localeCompare(b.name, uiLanguage),
  );
}

/** @param {string} code @returns {SpokenLanguage} */
function describe(code) {
  const names = [uiLanguage, code, "en"].map((language) => languageName(code, language));
  return { code, name: names[0], words: plain([...names, code].join(" ")) };
}

/** Without case and accents. @param {string} text */
export function plain(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().trim().normalize();
}

/**
 * Returns the codes that an address asks for, such as `?language=ko` or `?languages=ko,en`; null: it asks for none.
 * @param {URLSearchParams} address
 */
export function languagesIn(address) {
  const asked = askedIn(address);
  return asked && CODES.filter((code) => asked.some((tag) => isCodeOf(tag, code)));
}

/** Returns what an address asks for and is no language of speech. @param {URLSearchParams} address */
export function unknownIn(address) {
  return (askedIn(address) ?? []).filter((tag) => tag && tag !== "auto" && !CODES.some((code) => isCodeOf(tag, code)));
}

/** @param {URLSearchParams} address */
function askedIn(address) {
  return (address.get("languages") ?? address.get("language"))?.split(",").map((tag) => tag.trim().toLowerCase()) ?? null;
}

/** Browsers write `ko-KR`, and new codes for old ones. @param {string} tag @param {string} code */
function isCodeOf(tag, code) {
  const language = tag.split(/[-_]/)[0].replace(/^nb$/, "no"); // Bokmål, which most Norwegian is, has no code of its own here
  return language === code || (/^[a-z]{2,3}$/.test(language) && new Intl.Locale(language).language === new Intl.Locale(code).language);
}
