// @ts-check
/** The microphone as a stream of audio that survives unplugging, phone calls and changed settings. No DOM, no socket. */

import { AudioInput } from "./audio-input.js";
import { MicrophoneError, constraints, obstacle, queryPermission } from "./input-devices.js";

/** Between attempts to open a device that is there but not ready yet. */
const RETRY_MS = 1000;

/**
 * @typedef {import("./silence-suppressor.js").SuppressorOptions} SuppressorOptions
 *
 * @typedef {import("./input-devices.js").InputOptions & Pick<SuppressorOptions, "threshold">} MicrophoneOptions
 *
 * @typedef {"open" | "lost" | "denied" | "recovered" | "muted" | "unmuted" | "interrupted" | "running"} MicrophoneState
 *
 * @typedef {object} MicrophoneHandlers
 * @property {(chunk: import("./silence-suppressor.js").AudioChunk) => void} onChunk about every 100 ms; together the
 *   chunks cover the whole time since it was opened
 * @property {(state: MicrophoneState) => void} onState
 * @property {import("./audio-input.js").InputHandlers["onSecond"]} [onSecond]
 */

export class Microphone {
  #options;
  #input;
  #onState;
  /** @type {PermissionStatus | null} */
  #permission = null;
  #listening = new AbortController();
  /** Why there is no audio. @type {"lost" | "denied" | null} */
  #trouble = null;
  /** Serializes opening, reopening and closing. */
  #work = Promise.resolve();
  #retry = 0;
  /** @type {Promise<void> | null} */
  #closing = null;

  /**
   * Requests permission, then delivers audio until it is closed.
   * @param {MicrophoneOptions} options
   * @param {MicrophoneHandlers} handlers
   * @param {number | null} [channels] of the session that goes on; null: none does
   * @throws {MicrophoneError}
   */
  static async open(options, handlers, channels) {
    const reason = obstacle();
    if (reason) throw new MicrophoneError(reason);
    const microphone = new Microphone(options, handlers, channels);
    try {
      if (options.talkers === "call") await microphone.share(); // first: the person's gesture does not last
      await microphone.#input.connect(options);
    } catch (error) {
      await microphone.#input.close();
      throw error;
    }
    await microphone.#watch();
    microphone.#reportOpen("open");
    return microphone;
  }

  /**
   * @param {MicrophoneOptions} options
   * @param {MicrophoneHandlers} handlers
   * @param {number | null} [channels]
   */
  constructor(options, { onChunk, onState, onSecond = () => {} }, channels) {
    this.#options = options;
    this.#onState = onState;
    this.#input = new AudioInput(
      { threshold: options.threshold, endpointing: null },
      {
        onChunk,
        onState: (state) => {
          onState(state);
          if (state === "interrupted") this.resume();
        },
        onSecond,
        onEnded: () => this.#lose(),
      },
      channels,
    );
  }

  /** Lets the person share sound, which is the second talker; works within a gesture only. @throws {MicrophoneError} */
  share() {
    return this.#input.share();
  }

  /**
   * Applies the threshold at once. For other changes the device is opened again; silence fills the moment in between.
   * @param {MicrophoneOptions} options
   */
  setOptions(options) {
    const { talkers } = this.#options; // those of the session
    const [wanted, present] = [{ ...options, talkers }, this.#options].map((each) => JSON.stringify(constraints(each)));
    this.#options = { ...options, talkers };
    this.#input.configure({ threshold: options.threshold });
    if (wanted !== present) this.#reopen("open");
  }

  /** Follows the gateway's endpointer; null: its defaults. @param {SuppressorOptions["endpointing"]} endpointing */
  setEndpointing(endpointing) {
    this.#input.configure({ endpointing });
  }

  /** Tries again at once after an interruption or a loss; works best within a person's gesture. */
  resume = () => {
    this.#input.resume();
    this.#recover();
  };

  /** Resolves when the last chunk was handed out and the browser's recording sign is off. */
  close() {
    return (this.#closing ??= this.#close());
  }

  async #close() {
    clearTimeout(this.#retry);
    this.#listening.abort();
    if (this.#permission) this.#permission.onchange = null;
    await this.#work;
    await this.#input.close();
  }

  async #watch() {
    const { signal } = this.#listening;
    navigator.mediaDevices.addEventListener("devicechange", this.#recover, { signal });
    document.addEventListener("visibilitychange", this.resume, { signal });
    addEventListener("focus", this.resume, { signal });
    this.#permission = await queryPermission();
    if (this.#permission) this.#permission.onchange = () => (this.#denied ? this.#lose() : this.#recover());
  }

  get #denied() {
    return this.#permission?.state === "denied";
  }

  #lose() {
    if (this.#closing) return;
    this.#reportTrouble(this.#denied ? "denied" : "lost");
    this.#recover();
  }

  /** Opens the same device again, or another one, as soon as there is any. */
  #recover = () => {
    if (this.#trouble && !this.#denied) this.#reopen("recovered");
  };

  /** @param {"open" | "recovered"} state to report on success */
  #reopen(state) {
    clearTimeout(this.#retry);
    this.#work = this.#work.then(async () => {
      if (this.#closing || (state === "recovered" && !this.#trouble)) return;
      try {
        await this.#input.connect(this.#options);
        this.#reportOpen(this.#trouble ? "recovered" : state);
      } catch (error) {
        this.#fail(/** @type {MicrophoneError} */ (error));
      }
    });
  }

  /** @param {MicrophoneError} error */
  #fail(error) {
    console.warn(error); // with its cause
    this.#reportTrouble(error.code === "denied" ? "denied" : "lost");
    if (error.code === "busy" || error.code === "broken") this.#retry = setTimeout(this.#recover, RETRY_MS);
  }

  /** @param {"lost" | "denied"} trouble */
  #reportTrouble(trouble) {
    if (trouble !== this.#trouble) this.#onState(trouble);
    this.#trouble = trouble;
  }

  /** @param {"open" | "recovered"} state */
  #reportOpen(state) {
    this.#trouble = null;
    this.#onState(state);
    this.#input.report();
  }
}
