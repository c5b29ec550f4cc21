// @ts-check
/** Button, language, status line and notices. Knows the DOM and nothing else. */

import { element } from "./element.js";
import { words } from "../words/words.js";

/** @typedef {keyof typeof words.status} Status */

/** What the button does in each status; `null`: nothing can be done but wait. */
const BUTTON = /** @type {const} */ ({
  idle: "start",
  permission: null,
  connecting: "stop",
  listening: "stop",
  hearing: "stop",
  reconnecting: "stop",
  finishing: null,
  stopped: "startAgain",
});

export class View {
  #toggle;
  #language;
  #status;
  #notices;

  /** @param {Document} page */
  constructor(page) {
    this.#toggle = /** @type {HTMLButtonElement} */ (page.getElementById("toggle"));
    this.#language = /** @type {HTMLSelectElement} */ (page.getElementById("language"));
    this.#status = /** @type {HTMLElement} */ (page.getElementById("status"));
    this.#notices = /** @type {HTMLElement} */ (page.getElementById("notices"));
  }

  /** @param {() => void} pressed */
  onToggle(pressed) {
    this.#toggle.addEventListener("click", pressed);
  }

  /** The chosen language's code; null to detect it. */
  get language() {
    return this.#language.value || null;
  }

  /** @param {Status} status */
  status(status) {
    const action = BUTTON[status];
    this.#status.dataset.status = status;
    this.#status.textContent = words.status[status];
    this.#toggle.disabled = action === null;
    this.#toggle.dataset.action = action ?? "wait";
    if (action) this.#toggle.textContent = words[action];
    this.#language.disabled = action !== "start" && action !== "startAgain";
  }

  /** There is nothing that pressing it could do on this page. */
  disableStart() {
    this.#toggle.disabled = true;
  }

  /**
   * A sentence above the transcript, one per topic.
   * @param {string} topic
   * @param {string} text
   * @param {string[]} [details]
   */
  notice(topic, text, details = []) {
    const list = details.length ? [element("ul", {}, ...details.map((detail) => element("li", {}, detail)))] : [];
    const notice = element("div", { class: "notice", "data-topic": topic }, element("p", {}, text), ...list);
    const shown = this.#find(topic);
    if (!shown) this.#notices.append(notice);
    else if (shown.textContent !== notice.textContent) shown.replaceWith(notice); // else it would be read aloud again
  }

  /** @param {string} topic */
  dismiss(topic) {
    this.#find(topic)?.remove();
  }

  /** @param {string} topic */
  #find(topic) {
    return this.#notices.querySelector(`[data-topic=${topic}]`);
  }
}
