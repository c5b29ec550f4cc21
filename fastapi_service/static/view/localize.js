// @ts-check
/** Keeps all texts in the page's language: those of index.html, and those that the scripts set. */

import { onLanguage, setLanguage, texts, uiLanguage } from "../i18n/index.js";
import { load, save } from "../storage.js";
import { find } from "./element.js";

/** @typedef {import("../i18n/index.js").UiLanguage} UiLanguage */

const STORED_AS = "ui-language";
/** @type {WeakMap<Element, () => string>} */
const sources = new WeakMap();

/**
 * Sets the text of a node, and sets it again after each change of language.
 * @template {Element} Node
 * @param {Node} node
 * @param {() => string} text
 */
export function setText(node, text) {
  sources.set(node, text);
  node.toggleAttribute("data-s", true);
  const now = text();
  if (node.textContent !== now) node.textContent = now; // the same again could be read aloud again
  return node;
}

/** Puts the page into the person's language, and lets the button change it. */
export async function localize() {
  const button = find("ui-language");
  button.onclick = () => {
    save("localStorage", STORED_AS, button.lang);
    setLanguage(/** @type {UiLanguage} */ (button.lang));
  };
  onLanguage(apply);
  await setLanguage(String(load("localStorage", STORED_AS) ?? navigator.language).startsWith("ko") ? "ko" : "en");
}

/** Sets the texts of the scripts again: not only the language decides what they say. */
export const setAgain = () => each("data-s", (node) => setText(node, sources.get(node) ?? String));

function apply() {
  document.documentElement.lang = uiLanguage;
  find("ui-language").lang = uiLanguage === "en" ? "ko" : "en";
  each("data-t", (node, path) => (node.textContent = lookUp(path)));
  each("data-t-label", (node, path) => (node.ariaLabel = lookUp(path)));
  setAgain();
}

/**
 * @param {string} attribute
 * @param {(node: Element, value: string) => void} change
 */
function each(attribute, change) {
  for (const node of document.querySelectorAll(`[${attribute}]`)) change(node, node.getAttribute(attribute) ?? "");
}

/** @param {string} path such as `settings.title` */
function lookUp(path) {
  return path.split(".").reduce((/** @type {any} */ found, name) => found[name], texts);
}
