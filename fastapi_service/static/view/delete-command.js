// @ts-check
/** The button that deletes the conversation from the service, and the dialog that makes sure. */

import { texts } from "../i18n/index.js";
import { find } from "./element.js";

/** @typedef {{ session_id: string, token: string }} Session */

/**
 * @typedef {object} Handlers
 * @property {() => void} onDeleted it is gone
 * @property {(text: () => string) => void} onRefused it is still there, and why
 */

export class DeleteCommand {
  /** @type {HTMLButtonElement} */
  #button = find("delete");
  /** @type {HTMLDialogElement} */
  #dialog = find("sure");
  #handlers;
  /** @type {Session | null} */
  #session = null;

  /** @param {Handlers} handlers */
  constructor(handlers) {
    this.#handlers = handlers;
    this.#button.onclick = () => this.#dialog.showModal();
    find("keep").onclick = () => this.#dialog.close();
    find("delete-it").onclick = () => this.#delete();
  }

  /** The session that may delete the conversation on the page; null: there is none. @param {Session | null} session */
  set session(session) {
    this.#session = session;
    this.#button.disabled = !session;
    if (!session) this.#dialog.close();
  }

  async #delete() {
    this.#dialog.close();
    if (!this.#session) return; // it was deleted by another page meanwhile
    const { session_id, token } = this.#session;
    const request = { method: "DELETE", headers: { Authorization: `Bearer ${token}` }, signal: AbortSignal.timeout(9e3) };
    const answer = await fetch(`sessions/${session_id}`, request).catch(() => null);
    if (answer?.ok) return this.#handlers.onDeleted();
    const problem = await answer?.json().catch(() => null);
    this.#handlers.onRefused(() => (problem?.code ? texts.error(problem) : texts.unreachable));
  }
}
