// @ts-check
/** What the owner of a room can do with it: new links, removing a person, closing it. */

import { manage } from "../access.js";
import { texts } from "../i18n/index.js";
import { element, find } from "./element.js";
import { setText } from "./localize.js";

/** @typedef {import("../wire/messages.js").PersonPresent} PersonPresent */

/**
 * @typedef {object} Handlers
 * @property {() => void} onLinks there are other links now
 * @property {(text: () => string) => void} onRefused why something was not done
 */

export class OwnerMenu {
  #people;
  #handlers;
  /** @type {HTMLDialogElement} */
  #dialog = find("ask");
  /** The room of the person's own; null: none. @type {string | null} */
  #room = null;
  /** Each person that can be removed, by id. @type {Map<string, HTMLElement>} */
  #others = new Map();

  /**
   * @param {import("./people.js").People} people
   * @param {Handlers} handlers
   */
  constructor(people, handlers) {
    this.#people = people;
    this.#handlers = handlers;
    find("renew").onclick = () => this.renew();
    const close = () => this.#manage("DELETE");
    find("close-room").onclick = () => this.#ask(() => texts.owner.sureClose, "close", close);
    find("ask-no").onclick = () => this.#dialog.close();
  }

  /** @param {string | null} room of the person's own; null: there is none */
  show(room) {
    this.#room = room;
    find("owner").hidden = room === null;
    if (room === null) this.#dialog.close();
  }

  /** Lists who can be removed. @param {PersonPresent[]} who */
  list(who) {
    const others = new Set(who.map(({ person }) => person).filter((id) => !this.#people.isOwn(id)));
    for (const [id, item] of this.#others) {
      if (others.has(id)) continue;
      if (item.contains(document.activeElement)) find("close-room").focus(); // else the focus would be lost
      item.remove();
      this.#others.delete(id);
    }
    for (const id of others) if (!this.#others.has(id)) this.#add(id);
  }

  /** Makes new links. */
  renew() {
    return this.#manage("POST", "/links");
  }

  /** @param {string} id */
  #add(id) {
    const tag = this.#people.tag("span", id);
    tag.id = `who-${id}`;
    const button = element("button", { id: `remove-${id}`, "aria-labelledby": `remove-${id} who-${id}` });
    const sure = () => texts.owner.sureRemove(this.#people.label(id));
    const remove = () => this.#manage("DELETE", `/people/${id}`);
    setText(button, () => texts.owner.remove).onclick = () => this.#ask(sure, "remove", remove);
    const item = element("li", { class: "row" }, tag, button);
    this.#others.set(id, item);
    find("others-here").append(item);
  }

  /**
   * Makes sure.
   * @param {() => string} question
   * @param {"close" | "remove"} action
   * @param {() => void} run
   */
  #ask(question, action, run) {
    setText(find("ask-text"), question);
    setText(find("ask-yes"), () => texts.owner[action].replace("…", "")).onclick = () => {
      this.#dialog.close();
      run();
    };
    this.#dialog.showModal();
  }

  /**
   * @param {"POST" | "DELETE"} method
   * @param {string} [what] see `manage`
   */
  async #manage(method, what) {
    const room = this.#room;
    if (!room) return;
    const refusal = await manage(method, room, what);
    if (refusal === null) this.#handlers.onLinks();
    else this.#handlers.onRefused(() => (refusal ? texts.error(refusal) : texts.unreachable));
  }
}
