// @ts-check
/** Buttons that save the transcript as a file. */

/** @typedef {import("../export/formats.js").Format} Format */

export class ExportMenu {
  /** @type {NodeListOf<HTMLButtonElement>} */
  #buttons = document.querySelectorAll("[data-format]");

  /** @param {import("./transcript.js").Transcript} transcript */
  constructor(transcript) {
    const enable = () => this.#buttons.forEach((button) => (button.disabled = transcript.entries.length === 0));
    for (const button of this.#buttons) {
      button.onclick = () => save(/** @type {Format} */ (button.dataset.format), transcript.entries);
    }
    transcript.onEntries(enable);
    enable();
  }
}

/**
 * @param {Format} format
 * @param {import("./transcript.js").Transcript["entries"]} entries
 */
async function save(format, entries) {
  const { FORMATS, formatTranscript } = await import("../export/formats.js");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([formatTranscript(format, entries)], { type: FORMATS[format].type }));
  link.download = `transcript.${format}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href)); // after the download has begun
}
