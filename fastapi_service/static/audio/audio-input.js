// @ts-check
/**
 * One open input device at a time: its stream, its path through the worklet, and what interrupts it. Beside it there may be
 * sound that the person shares.
 */

import { preparePath } from "./audio-path.js";
import { MicrophoneError, openStream, stopStream } from "./input-devices.js";
import { openSharedSound } from "./shared-sound.js";

/**
 * @typedef {import("./silence-suppressor.js").SuppressorOptions} SuppressorOptions
 *
 * Sound is `shared` or `unshared`; a device that was opened for two talkers is `stereo` or `mono`. Before a session begins, a
 * `mono` one makes it one talker's.
 * @typedef {"shared" | "unshared" | "stereo" | "mono"} SecondTalker
 *
 * @typedef {object} InputHandlers
 * @property {(chunk: import("./silence-suppressor.js").AudioChunk) => void} onChunk
 * @property {(state: "muted" | "unmuted" | "interrupted" | "running") => void} onState
 * @property {(state: SecondTalker) => void} onSecond only where there are two
 * @property {() => void} onEnded the device is gone, or the permission for it
 */

export class AudioInput {
  #handlers;
  #suppressor;
  /** @type {MediaStream | null} */
  #stream = null;
  /** @type {import("./audio-path.js").AudioPath | null} */
  #path = null;
  /** What the person shares. @type {MediaStream | null} */
  #shared = null;
  #interrupted = false;
  #closed = false;
  #channels;

  /**
   * @param {SuppressorOptions} suppressor
   * @param {InputHandlers} handlers
   * @param {number | null} channels of the session that goes on; null: none does
   */
  constructor(suppressor, handlers, channels = null) {
    this.#suppressor = suppressor;
    this.#handlers = handlers;
    this.#channels = channels;
  }

  /** Lets the person share sound, which becomes the right channel. @throws {MicrophoneError} */
  async share() {
    const stream = await openSharedSound();
    if (this.#closed) return stopStream(stream);
    this.#shared = stream;
    const [track] = stream.getAudioTracks();
    track.onended = () => {
      if (stream !== this.#shared) return; // the person has shared something else since
      this.#shared = null;
      this.#handlers.onSecond("unshared");
    };
    this.#path?.addRight(stream);
    this.#handlers.onSecond("shared");
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
      const channels = this.#count(stream, device);
      const handlers = { onChunk: this.#handlers.onChunk, onContext: () => this.#reportContext() };
      const two = channels > 1 ? { channels } : {};
      path = await preparePath(stream, { ...options, ...two }, handlers, device.talkers === "call");
      if (this.#shared) path.addRight(this.#shared);
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
    this.#closed = true;
    await this.#finish();
    for (const stream of [this.#stream, this.#shared]) stopStream(stream);
  }

  /**
   * The channels of a stream's path. They stay as many as they were at first.
   * @param {MediaStream} stream
   * @param {import("./input-devices.js").InputOptions} device
   */
  #count(stream, { talkers = "one" }) {
    const [track] = stream.getAudioTracks();
    const mono = talkers === "stereo" && track.getSettings().channelCount === 1;
    this.#channels ??= mono || talkers === "one" ? 1 : 2;
    if (talkers === "stereo") this.#handlers.onSecond(mono ? "mono" : "stereo");
    return this.#channels;
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
