// @ts-check
/** The time in which nothing was recorded, of all sound or of the microphone beside a call. Pure. */

/** Without sound for this long, the page says so: a sentence may be missing. */
const LONGEST_MS = 3000;

/**
 * @typedef {object} Missed
 * @property {number} ms
 * @property {boolean} call the sound of a call was recorded
 */

export class RecordedTime {
  /** Time of the latest sound of any kind, in milliseconds since 1970. */
  #any;
  /** The same of the microphone. */
  #microphone;

  /** @param {number} now the microphone is open */
  constructor(now) {
    this.#any = this.#microphone = now;
  }

  /**
   * Notes that a piece of audio ended.
   * @param {number} at
   * @param {Pick<import("./status.js").SessionStatus, "withoutAudio" | "callGoesOn">} status
   * @returns {Missed | null} the time before it in which nothing was recorded
   */
  note(at, { withoutAudio, callGoesOn }) {
    if (withoutAudio && !callGoesOn) return null;
    const [any, microphone] = [at - this.#any, at - this.#microphone];
    this.#any = at;
    if (any > LONGEST_MS) {
      this.#microphone = at;
      return { ms: any, call: false };
    }
    if (withoutAudio) return null;
    this.#microphone = at;
    return microphone > LONGEST_MS ? { ms: microphone, call: true } : null;
  }
}
