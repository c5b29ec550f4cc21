// @ts-check
/** Keeps what the page says in the page's language: what stands in index.html, and what the scripts said. */

import { onLanguage, setLanguage, uiLanguage, words } from "../words/words.js";

const REMEMBERED = "ui-language";
/** @type {WeakMap<Element, () => string>} */
const said = new WeakMap();

/**
 * Puts words into a node and keeps them in the page's language.
 * @template {Element} Node
 * @param {Node} node
 * @param {() => string} text
 */
export function say(node, text) {
  said.set(node, text);
  node.toggleAttribute("data-said", true);
  const now = text();
  if (node.textContent !== now) node.textContent = now; // else it could be read aloud again
  return node;
}

/**
 * Translates the page, now and whenever the button of the other language is pressed.
 * @param {Document} page
 */
export function translate(page) {
  const other = /** @type {HTMLButtonElement} */ (page.getElementById("ui-language"));
  other.addEventListener("click", () => {
    localStorage.setItem(REMEMBERED, other.lang);
    setLanguage(/** @type {import("../words/words.js").UiLanguage} */ (other.lang));
  });
  onLanguage(() => apply(page, other));
  setLanguage((localStorage.getItem(REMEMBERED) ?? navigator.language).startsWith("ko") ? "ko" : "en");
}

/**
 * @param {Document} page
 * @param {HTMLButtonElement} other
 */
function apply(page, other) {
  page.documentElement.lang = uiLanguage;
  other.lang = uiLanguage === "en" ? "ko" : "en";
  other.textContent = uiLanguage === "en" ? "한국어" : "English";
  for (const node of all(page, "data-words")) node.textContent = find(node.dataset.words);
  for (const node of all(page, "data-words-label")) node.ariaLabel = find(node.dataset.wordsLabel);
  for (const node of all(page, "data-said")) node.textContent = said.get(node)?.() ?? "";
}

/**
 * @param {Document} page
 * @param {string} attribute
 */
function all(page, attribute) {
  return /** @type {NodeListOf<HTMLElement>} */ (page.querySelectorAll(`[${attribute}]`));
}

/** @param {string} [path] such as `settings.title` */
function find(path = "") {
  return /** @type {string} */ (path.split(".").reduce((/** @type {any} */ found, name) => found[name], words));
}
