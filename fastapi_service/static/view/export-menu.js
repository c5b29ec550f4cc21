// @ts-check
/** Buttons that save the transcript as a file. */

/**
 * @typedef {import("../export/formats.js").Format} Format
 * @typedef {{ session_id: string, token: string }} Session
 */

export class ExportMenu {
  /** The session that has all results on the page; none when it goes on for one that expired. @type {Partial<Session>} */
  session = {};
  /** @type {NodeListOf<HTMLButtonElement>} */
  #buttons = document.querySelectorAll("[data-format]");

  /** @param {import("./transcript.js").Transcript} transcript */
  constructor(transcript) {
    const enable = () => this.#buttons.forEach((button) => (button.disabled = transcript.entries.length === 0));
    for (const button of this.#buttons) {
      button.onclick = () => save(/** @type {Format} */ (button.dataset.format), transcript.entries, this.session);
    }
    transcript.onEntries(enable);
    enable();
  }
}

/**
 * Subtitles are of the service, which cuts them; if it is away, or no longer has the session, as the page can make them.
 * @param {Format} format
 * @param {import("./transcript.js").Transcript["entries"]} entries
 * @param {Partial<Session>} session
 */
async function save(format, entries, { session_id, token }) {
  const { FORMATS, formatTranscript } = await import("../export/formats.js");
  const link = document.createElement("a");
  let file = new Blob([formatTranscript(format, entries)], { type: FORMATS[format].type });
  if (token && /srt|vtt/.test(format)) {
    const headers = { Authorization: `Bearer ${token}` };
    const answer = await fetch(`sessions/${session_id}/export?format=${format}`, { headers, signal: AbortSignal.timeout(9e3) }).catch(() => null);
    if (answer?.ok) file = await answer.blob();
  }
  link.href = URL.createObjectURL(file);
  link.download = `transcript.${format}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href)); // after the download has begun
}
