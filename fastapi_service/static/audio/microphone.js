// @ts-check
/** The microphone as a stream of audio that survives unplugging, phone calls and changed settings. No DOM, no socket. */

import { preparePath } from "./audio-path.js";
import { MicrophoneError, constraints, obstacle, openStream, queryPermission, stopStream } from "./input-devices.js";

/** Between attempts to open a device that is there but not ready yet. */
const RETRY_MS = 1000;

/**
 * @typedef {import("./silence-suppressor.js").SuppressorOptions} SuppressorOptions
 *
 * @typedef {import("./audio-path.js").AudioPath} AudioPath
 * @typedef {import("./input-devices.js").InputOptions & Pick<SuppressorOptions, "threshold">} MicrophoneOptions
 *
 * @typedef {"open" | "lost" | "denied" | "recovered" | "muted" | "unmuted" | "interrupted" | "running"} MicrophoneState
 *
 * @typedef {object} MicrophoneHandlers
 * @property {(chunk: import("./silence-suppressor.js").AudioChunk) => void} onChunk about every 100 ms; together the
 *   chunks cover the whole time since it was opened
 * @property {(state: MicrophoneState) => void} onState
 */

export class Microphone {
  #options;
  /** @type {SuppressorOptions} */
  #suppressor;
  #onChunk;
  #onState;
  /** @type {MediaStream | null} */
  #stream = null;
  /** @type {AudioPath | null} */
  #path = null;
  /** @type {PermissionStatus | null} */
  #permission = null;
  #listening = new AbortController();
  /** Why there is no audio. @type {"lost" | "denied" | null} */
  #trouble = null;
  #interrupted = false;
  /** Serializes opening, reopening and closing. */
  #work = Promise.resolve();
  #retry = 0;
  /** @type {Promise<void> | null} */
  #closing = null;

  /**
   * Requests permission, then delivers audio until it is closed.
   * @param {MicrophoneOptions} options
   * @param {MicrophoneHandlers} handlers
   * @throws {MicrophoneError}
   */
  static async open(options, handlers) {
    const reason = obstacle();
    if (reason) throw new MicrophoneError(reason);
    const microphone = new Microphone(options, handlers);
    await microphone.#connect();
    await microphone.#watch();
    microphone.#reportOpen("open");
    return microphone;
  }

  /**
   * @param {MicrophoneOptions} options
   * @param {MicrophoneHandlers} handlers
   */
  constructor(options, { onChunk, onState }) {
    this.#options = options;
    this.#suppressor = { threshold: options.threshold, endpointing: null };
    this.#onChunk = onChunk;
    this.#onState = onState;
  }

  /**
   * Applies the threshold at once. For other changes the device is opened again; silence fills the moment in between.
   * @param {MicrophoneOptions} options
   */
  setOptions(options) {
    const [wanted, present] = [options, this.#options].map((each) => JSON.stringify(constraints(each)));
    this.#options = options;
    this.#configure({ threshold: options.threshold });
    if (wanted !== present) this.#reopen("open");
  }

  /** Follows the gateway's endpointer; null: its defaults. @param {SuppressorOptions["endpointing"]} endpointing */
  setEndpointing(endpointing) {
    this.#configure({ endpointing });
  }

  /** @param {Partial<SuppressorOptions>} changes */
  #configure(changes) {
    this.#suppressor = { ...this.#suppressor, ...changes };
    this.#path?.configure(this.#suppressor);
  }

  /** Tries again at once after an interruption or a loss; works best within a person's gesture. */
  resume = () => {
    this.#path?.resume();
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
    await this.#finish();
    stopStream(this.#stream);
  }

  async #watch() {
    const { signal } = this.#listening;
    navigator.mediaDevices.addEventListener("devicechange", this.#recover, { signal });
    document.addEventListener("visibilitychange", this.resume, { signal });
    addEventListener("focus", this.resume, { signal });
    this.#permission = await queryPermission();
    if (this.#permission) this.#permission.onchange = () => (this.#denied ? this.#lose() : this.#recover());
  }

  /** Opens a device and a path, which replaces the former; the former counts silence until then. */
  async #connect() {
    const stream = await this.#acquire();
    /** @type {AudioPath | null} */
    let path = null;
    try {
      const options = this.#suppressor;
      path = await preparePath(stream, options, {
        onChunk: this.#onChunk,
        onContext: () => this.#reportContext(),
      });
      if (!stream.active) throw new Error("the device went away at once");
      await this.#finish();
      this.#path = path;
      path.start();
      if (options !== this.#suppressor) path.configure(this.#suppressor);
    } catch (error) {
      path?.discard();
      stopStream(stream);
      throw new MicrophoneError("broken", error);
    }
  }

  /** Opens one stream at a time: some browsers give a device's second stream the settings of its first. */
  async #acquire() {
    stopStream(this.#stream);
    this.#stream = await openStream(this.#options);
    const [track] = this.#stream.getAudioTracks();
    track.onended = () => this.#lose();
    track.onmute = () => this.#onState("muted");
    track.onunmute = () => this.#onState("unmuted");
    return this.#stream;
  }

  /** Ends the present path after its last chunk. */
  async #finish() {
    const path = this.#path;
    this.#path = null;
    await path?.finish();
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
        await this.#connect();
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
    this.#reportContext();
    if (this.#stream?.getAudioTracks()[0].muted) this.#onState("muted");
  }

  #reportContext() {
    const interrupted = !this.#path?.running();
    if (interrupted === this.#interrupted) return;
    this.#interrupted = interrupted;
    this.#onState(interrupted ? "interrupted" : "running");
    if (interrupted) this.resume();
  }
}
