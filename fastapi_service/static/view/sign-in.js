// @ts-check
/** The form that signs in. */

import { texts } from "../i18n/index.js";
import { find } from "./element.js";
import { setText } from "./localize.js";

export class SignIn {
  #form = find("sign-in");
  /** @type {HTMLInputElement} */
  #passphrase = find("passphrase");

  /**
   * Calls back with a pass-phrase; it returns why that is refused, or null.
   * @param {(passphrase: string) => Promise<import("../wire/messages.js").Error | null>} submitted
   */
  onSubmit(submitted) {
    this.#form.addEventListener("submit", async (event) => {
      event.preventDefault();
      this.refuse(await submitted(this.#passphrase.value));
    });
  }

  /** @param {string | null} login path at which a proxy signs people in */
  show(login) {
    this.#form.hidden = false;
    /** @type {HTMLAnchorElement} */
    const link = find("sign-in-proxy");
    link.hidden = login === null;
    link.href = login ?? "";
  }

  /** @param {import("../wire/messages.js").Error | null} error */
  refuse(error) {
    setText(find("sign-in-error"), () => (error ? texts.error(error) : ""));
    if (error) this.#passphrase.select();
  }
}
