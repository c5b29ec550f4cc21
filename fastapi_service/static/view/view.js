// @ts-check
/** Button, status line and notices. */

import { percent } from "../i18n/format.js";
import { texts } from "../i18n/index.js";
import { element, find } from "./element.js";
import { setText } from "./localize.js";

/** @typedef {keyof typeof texts.status} Status */

/** Action of the button in a status, if not `stop`; null: it is disabled. @type {Partial<Record<Status, "start" | "startAgain" | null>>} */
const BUTTON = {
  idle: "start",
  joining: "start",
  watching: "start",
  following: "start",
  permission: null,
  finishing: null,
  stopped: "startAgain",
};

/** Controls that are disabled during a session. @type {NodeListOf<HTMLButtonElement | HTMLInputElement>} */
const AT_REST = document.querySelectorAll("[data-at-rest]");

export class View {
  /** @type {HTMLButtonElement} */
  #toggle = find("toggle");
  #status = find("status");
  #notices = find("notices");
  #canStart = true;
  /** The status for screen readers: without each start of speech, and each step of a file. */
  #announced = find("announced");

  /** @param {() => void} pressed */
  onToggle(pressed) {
    this.#toggle.onclick = () => this.#toggle.ariaDisabled !== "true" && pressed();
  }

  /**
   * Shows a status, and enables what can be used in it.
   * @param {Status} status
   * @param {number} [share] of the file that was read or sent, 0–1
   */
  status(status, share = 0) {
    const { [status]: action = "stop" } = BUTTON;
    const ready = action === "start" || action === "startAgain";
    const before = this.#status.dataset.status;
    const text = () => {
      const { [status]: said } = texts.status;
      return typeof said === "string" ? said : said(status === "reading" && !share ? "" : percent(share));
    };
    this.#status.dataset.status = status;
    setText(this.#status, text);
    if (status !== "hearing" && !(status === before && typeof texts.status[status] !== "string")) setText(this.#announced, text);
    // Not `disabled`, which would take away the keyboard's focus.
    this.#toggle.ariaDisabled = String(action === null || (ready && !this.#canStart));
    this.#toggle.disabled = false;
    this.#toggle.dataset.action = action ?? "wait";
    if (action) setText(this.#toggle, () => texts[action]);
    for (const control of AT_REST) control.disabled = !ready;
  }

  /** The button cannot start anything: there is no microphone. */
  disableStart() {
    this.#canStart = false;
  }

  /** Shows what only talkers need, or not. @param {boolean} mayTalk */
  set mayTalk(mayTalk) {
    if (!mayTalk && document.activeElement?.closest("[data-talk]")) find("transcript").focus(); // else the focus would be lost
    for (const part of document.querySelectorAll("[data-talk]")) part.toggleAttribute("hidden", !mayTalk);
  }

  /**
   * Shows a notice above the transcript, one per topic.
   * @param {string} topic
   * @param {() => string} text
   * @param {{ details?: string[], actions?: { text: () => string, run: () => void }[] }} [more] actions: buttons below it
   */
  notice(topic, text, { details = [], actions = [] } = {}) {
    const list = details.length ? [element("ul", {}, ...details.map((detail) => element("li", {}, detail)))] : [];
    const sentence = setText(element("p"), text);
    const notice = element("div", { class: "notice", "data-topic": topic }, sentence, ...list, ...actions.map(button));
    const shown = this.#find(topic);
    if (!shown) this.#notices.append(notice);
    else if (shown.textContent !== notice.textContent) shown.replaceWith(notice); // the same again would be read aloud again
  }

  /** @param {string} topic */
  dismiss(topic) {
    const notice = this.#find(topic);
    if (notice?.contains(document.activeElement)) this.#toggle.focus(); // else the focus would be lost
    notice?.remove();
  }

  /** @param {string} topic */
  #find(topic) {
    return this.#notices.querySelector(`[data-topic=${topic}]`);
  }
}

/** @param {{ text: () => string, run: () => void }} action */
function button({ text, run }) {
  const made = setText(element("button"), text);
  made.onclick = run;
  return made;
}
