// @ts-check
/** One open input device at a time: its stream, its path through the worklet, and what interrupts it. */

import { preparePath } from "./audio-path.js";
import { MicrophoneError, openStream, stopStream } from "./input-devices.js";

/**
 * @typedef {import("./silence-suppressor.js").SuppressorOptions} SuppressorOptions
 *
 * @typedef {object} InputHandlers
 * @property {(chunk: import("./silence-suppressor.js").AudioChunk) => void} onChunk
 * @property {(state: "muted" | "unmuted" | "interrupted" | "running") => void} onState
 * @property {() => void} onEnded the device is gone, or the permission for it
 */

export class AudioInput {
  #handlers;
  #suppressor;
  /** @type {MediaStream | null} */
  #stream = null;
  /** @type {import("./audio-path.js").AudioPath | null} */
  #path = null;
  #interrupted = false;

  /**
   * @param {SuppressorOptions} suppressor
   * @param {InputHandlers} handlers
   */
  constructor(suppressor, handlers) {
    this.#suppressor = suppressor;
    this.#handlers = handlers;
  }

  /** @param {Partial<SuppressorOptions>} changes */
  configure(changes) {
    this.#suppressor = { ...this.#suppressor, ...changes };
    this.#path?.configure(this.#suppressor);
  }

  /**
   * Opens a device and a path, which replaces the former; the former counts silence until then.
   * @param {import("./input-devices.js").InputOptions} device
   * @throws {MicrophoneError}
   */
  async connect(device) {
    const stream = await this.#acquire(device);
    /** @type {import("./audio-path.js").AudioPath | null} */
    let path = null;
    try {
      const options = this.#suppressor;
      path = await preparePath(stream, options, {
        onChunk: this.#handlers.onChunk,
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

  /** Reports an input that gives no audio although it is open. */
  report() {
    this.#reportContext();
    if (this.#stream?.getAudioTracks()[0].muted) this.#handlers.onState("muted");
  }

  /** Tries to run an interrupted context again. */
  resume() {
    this.#path?.resume();
  }

  /** Resolves when the last chunk was handed out and the browser's recording sign is off. */
  async close() {
    await this.#finish();
    stopStream(this.#stream);
  }

  /**
   * Opens one stream at a time: some browsers give a device's second stream the settings of its first.
   * @param {import("./input-devices.js").InputOptions} device
   */
  async #acquire(device) {
    stopStream(this.#stream);
    this.#stream = await openStream(device);
    const [track] = this.#stream.getAudioTracks();
    track.onended = this.#handlers.onEnded;
    track.onmute = () => this.#handlers.onState("muted");
    track.onunmute = () => this.#handlers.onState("unmuted");
    return this.#stream;
  }

  /** Ends the present path after its last chunk. */
  async #finish() {
    const path = this.#path;
    this.#path = null;
    await path?.finish();
  }

  #reportContext() {
    const interrupted = !this.#path?.running();
    if (interrupted === this.#interrupted) return;
    this.#interrupted = interrupted;
    this.#handlers.onState(interrupted ? "interrupted" : "running");
  }
}
