// @ts-check
/** Button, status line and notices. Knows the DOM and nothing else. */

import { element, find } from "./element.js";
import { say } from "./translate.js";
import { percent, words } from "../words/words.js";

/** @typedef {keyof typeof words.status} Status */

/** What the button does in each status; `null`: nothing can be done but wait. */
const BUTTON = /** @type {const} */ ({
  idle: "start",
  reading: null,
  joining: "start",
  watching: "start",
  permission: null,
  connecting: "stop",
  listening: "stop",
  hearing: "stop",
  muted: "stop",
  lost: "stop",
  interrupted: "stop",
  reconnecting: "stop",
  sending: "stop",
  finishing: null,
  stopped: "startAgain",
});

/** What cannot be used while a session is going on. @type {NodeListOf<HTMLButtonElement | HTMLFieldSetElement>} */
const AT_REST = document.querySelectorAll("[data-at-rest]");

export class View {
  #toggle = find("toggle", HTMLButtonElement);
  #status = find("status");
  #notices = find("notices");
  #canStart = true;
  /** What a screen reader says of it: not each change while somebody speaks, or a file is sent. */
  #announced = find("announced");

  /** @param {() => void} pressed */
  onToggle(pressed) {
    this.#toggle.addEventListener("click", () => this.#toggle.ariaDisabled !== "true" && pressed());
  }

  /**
   * Says it, and lets people do what they can do then.
   * @param {Status} status
   * @param {number} [share] of the file that was sent, 0–1
   */
  status(status, share = 0) {
    const action = BUTTON[status];
    const ready = action === "start" || action === "startAgain";
    const before = this.#status.dataset.status;
    const text = () => (status === "sending" ? words.status.sending(percent(share)) : words.status[status]);
    this.#status.dataset.status = status;
    say(this.#status, text);
    if (status !== "hearing" && !(status === "sending" && before === "sending")) say(this.#announced, text);
    // Not `disabled`: that would take the focus from who uses the keyboard.
    this.#toggle.ariaDisabled = String(action === null || (ready && !this.#canStart));
    this.#toggle.disabled = false;
    this.#toggle.dataset.action = action ?? "wait";
    if (action) say(this.#toggle, () => words[action]);
    for (const control of AT_REST) control.disabled = !ready;
  }

  /** There is no microphone that pressing it could start. */
  disableStart() {
    this.#canStart = false;
  }

  /**
   * A sentence above the transcript, one per topic.
   * @param {string} topic
   * @param {() => string} text
   * @param {{ details?: string[], actions?: { text: () => string, run: () => void }[] }} [more] actions: buttons below it
   */
  notice(topic, text, { details = [], actions = [] } = {}) {
    const list = details.length ? [element("ul", {}, ...details.map((detail) => element("li", {}, detail)))] : [];
    const said = say(element("p", {}), text);
    const notice = element("div", { class: "notice", "data-topic": topic }, said, ...list, ...actions.map(button));
    const shown = this.#find(topic);
    if (!shown) this.#notices.append(notice);
    else if (shown.textContent !== notice.textContent) shown.replaceWith(notice); // else it would be read aloud again
  }

  /** @param {string} topic */
  dismiss(topic) {
    const notice = this.#find(topic);
    if (notice?.contains(document.activeElement)) this.#toggle.focus(); // else the focus would go with it
    notice?.remove();
  }

  /** @param {string} topic */
  #find(topic) {
    return this.#notices.querySelector(`[data-topic=${topic}]`);
  }
}

/** @param {{ text: () => string, run: () => void }} action */
function button({ text, run }) {
  const made = say(element("button", { type: "button" }), text);
  made.addEventListener("click", run);
  return made;
}
