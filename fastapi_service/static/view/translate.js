// @ts-check
/** Keeps what the page says in the page's language: what stands in index.html, and what the scripts said. */

import { find } from "./element.js";
import { load, save } from "../storage.js";
import { onLanguage, setLanguage, uiLanguage, words } from "../words/words.js";

/** @typedef {import("../words/words.js").UiLanguage} UiLanguage */

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

/** Translates the page, now and whenever the button of the other language is pressed. */
export async function translate() {
  const button = find("ui-language");
  button.addEventListener("click", () => {
    save("localStorage", REMEMBERED, button.lang);
    setLanguage(/** @type {UiLanguage} */ (button.lang));
  });
  onLanguage(apply);
  await setLanguage(String(load("localStorage", REMEMBERED) ?? navigator.language).startsWith("ko") ? "ko" : "en");
}

function apply() {
  document.documentElement.lang = uiLanguage;
  find("ui-language").lang = uiLanguage === "en" ? "ko" : "en";
  each("data-words", (node, path) => (node.textContent = word(path)));
  each("data-words-label", (node, path) => (node.ariaLabel = word(path)));
  each("data-said", (node) => (node.textContent = said.get(node)?.() ?? ""));
}

/**
 * @param {string} attribute
 * @param {(node: Element, value: string) => void} change
 */
function each(attribute, change) {
  for (const node of document.querySelectorAll(`[${attribute}]`)) change(node, node.getAttribute(attribute) ?? "");
}

/** @param {string} path such as `settings.title` */
function word(path) {
  return path.split(".").reduce((/** @type {any} */ found, name) => found[name], words);
}
