// @ts-check
/** The file that a person chooses, or drops anywhere on the page. */

import { find } from "./element.js";

export class FilePicker {
  /** @type {HTMLButtonElement} */
  #button = find("choose-file");
  /** @type {HTMLInputElement} */
  #input = find("file");
  #overlay = find("drop");
  /** @type {(file: File) => void} */
  #picked = () => {};

  constructor() {
    this.#button.onclick = () => this.#input.click();
    this.#input.addEventListener("change", () => {
      this.#pick(this.#input.files);
      this.#input.value = ""; // so that the same file can be chosen again
    });
    addEventListener("dragenter", ({ dataTransfer }) => {
      this.#overlay.hidden = this.#button.disabled || !dataTransfer?.types.includes("Files");
    });
    addEventListener("dragover", (event) => event.preventDefault()); // else the browser would open the file
    // The overlay covers the page: leaving it is leaving the page.
    this.#overlay.addEventListener("dragleave", () => (this.#overlay.hidden = true));
    addEventListener("drop", (event) => {
      event.preventDefault();
      if (!this.#overlay.hidden) this.#pick(event.dataTransfer?.files);
      this.#overlay.hidden = true;
    });
  }

  /** @param {(file: File) => void} picked */
  onFile(picked) {
    this.#picked = picked;
  }

  /** @param {FileList | null} [files] */
  #pick(files) {
    if (files?.length) this.#picked(files[0]);
  }
}
