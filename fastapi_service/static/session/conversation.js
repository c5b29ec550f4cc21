// @ts-check
/**
 * One session, from its first audio to its last result: joins microphone or file, socket and page, which are independent of
 * each other. Without a source of audio it follows a room.
 */

import { Microphone } from "../audio/microphone.js";
import { MicrophoneError } from "../audio/input-devices.js";
import { SAMPLE_RATE } from "../audio/pcm.js";
import { texts } from "../i18n/index.js";
import { showEnd, showLost, showMessage, showRenewed, showWaiting } from "./presenter.js";
import { RecordedTime } from "./recorded-time.js";
import { SpeechSocket } from "./socket.js";
import { SessionStatus } from "./status.js";
import { keepAwake } from "./wake-lock.js";

/** @typedef {keyof typeof texts.expelled} Expelled code of the error */

/**
 * @typedef {object} Handlers
 * @property {import("./socket.js").Handlers["onSession"]} onSession a new session stands
 * @property {(status: import("../view/view.js").Status, share: number) => void} onStatus `share` of a file that was sent, 0–1
 * @property {() => void} onTrouble the connection is lost for now
 * @property {(lastSeq: number) => void} onOver `seq` of the newest result
 * @property {(why: Expelled) => void} onExpelled the service lets us in no more
 * @property {() => void} onDeleted the conversation was deleted, here or by another of its people
 */

export class Conversation {
  #page;
  #room;
  #socket;
  #handlers;
  /** @type {Microphone | null} */
  #microphone = null;
  /** The gateway's endpointer settings, once it has sent them. @type {Partial<import("../audio/silence-suppressor.js").Endpointing> | null} */
  #endpointing = null;
  /** The room of the sessions, also the one that two talkers have for themselves. @type {string | null} */
  #shared = null;
  /** Channels in which somebody speaks. @type {Set<number>} */
  #speaking = new Set();
  #opened = false;
  #status = new SessionStatus();
  #recorded = new RecordedTime(0);
  /** Samples of a channel: all, and those of them that were silence and not sent. */
  #samples = { total: 0, saved: 0 };

  /**
   * @param {import("./presenter.js").Page} page
   * @param {import("./socket.js").Options} options
   * @param {Handlers} handlers
   */
  constructor(page, options, handlers) {
    this.#page = page;
    this.#room = options.start.room ?? null;
    this.#handlers = handlers;
    this.#socket = new SpeechSocket(options, {
      onState: (state) => this.#onConnection(state),
      onMessage: (message) => this.#onMessage(message),
      onSession: (session, ready) => {
        this.#status.reader = ready.rights?.includes("talk") === false;
        this.#handlers.onSession(session, ready);
      },
      onDropped: () => page.view.notice("dropped", () => texts.audioDropped),
      onRenewed: () => showRenewed(page, this.#room),
      onWaiting: (pending) => showWaiting(page, pending, () => this.#socket.giveUp()),
      onEnd: (pending) => this.#onEnd(pending),
    });
  }

  /** A microphone is open, or a file is being sent. */
  get hasSource() {
    return this.#status.hasSource;
  }

  /** Connects. Audio that the microphone gave before is sent then. @param {number} lastSeq newest result on the page */
  open(lastSeq) {
    this.#opened = true;
    this.#socket.open(lastSeq);
  }

  /**
   * Opens the microphone, and with two talkers what the second one needs.
   * @param {import("../audio/microphone.js").MicrophoneOptions} options
   * @returns {Promise<boolean>} false: there is none, and the page shows why; or the session ended meanwhile
   */
  async openMicrophone(options) {
    this.#page.view.dismiss("mono");
    this.#status.permission = true;
    this.show();
    try {
      const channels = this.#opened ? this.#socket.channels : null;
      const handlers = {
        onChunk: this.#onChunk.bind(this),
        onState: this.#onMicrophone.bind(this),
        onSecond: this.#onSecond.bind(this),
      };
      this.#microphone = await Microphone.open(options, handlers, channels);
      this.#microphone.setEndpointing(this.#endpointing);
    } catch (error) {
      if (!(error instanceof MicrophoneError)) throw error;
      console.warn(error); // with its cause
      this.#page.view.notice("microphone", () => texts.microphone[error.code]);
    }
    this.#status.permission = false;
    if (this.#status.finishing) {
      await this.#closeMicrophone();
      return false;
    }
    this.#status.microphone = this.#microphone !== null;
    this.#recorded = new RecordedTime(Date.now());
    if (this.#microphone) this.show();
    return this.#microphone !== null;
  }

  /**
   * Sends a file faster than real time, then stops.
   * @param {import("../audio/audio-file.js").AudioFile} file
   */
  async play(file) {
    this.#status.progress = 0;
    this.show();
    let sent = 0;
    for await (const pcm of file.pieces()) {
      await this.#socket.audio.waitForCapacity();
      if (this.#status.finishing) return;
      this.#socket.audio.push(pcm);
      sent += pcm.length / SAMPLE_RATE;
      this.#status.progress = sent / file.seconds;
      this.show();
    }
    this.stop();
  }

  /** @param {import("../audio/microphone.js").MicrophoneOptions & import("./socket.js").Recognition} options */
  configure(options) {
    this.#microphone?.setOptions(options);
    this.#socket.configure(options);
  }

  /** Ends the audio; the results of what was said still come. */
  async stop() {
    if (this.#status.finishing) return;
    this.#status.finishing = true;
    this.show();
    await this.#closeMicrophone();
    this.#socket.stop();
  }

  /** Ends without a further call of the handlers: another session takes its place. Returns `seq` of the newest result. */
  leave() {
    this.#status.finishing = true;
    keepAwake(false);
    this.#handlers = { onSession() {}, onStatus() {}, onTrouble() {}, onOver() {}, onExpelled() {}, onDeleted() {} };
    this.#closeMicrophone();
    this.#socket.leave();
    return this.#socket.lastSeq;
  }

  /** Lets the person share the call's sound again. */
  async #share() {
    try {
      await this.#microphone?.share();
    } catch (error) {
      console.warn(error); // the notice, and its button, are still there
    }
  }

  async #closeMicrophone() {
    this.#page.view.dismiss("call");
    await this.#microphone?.close();
    this.#page.meter.clear();
  }

  /** @param {import("../audio/silence-suppressor.js").AudioChunk} chunk */
  #onChunk({ gap, pcm, energy, threshold, at = Date.now() }) {
    const missed = this.#recorded.note(at, this.#status);
    if (missed) showLost(this.#page, missed);
    if (gap) this.#socket.audio.skip(gap);
    if (pcm.length) this.#socket.audio.push(pcm);
    this.#samples.total += gap + pcm.length / this.#socket.channels;
    this.#samples.saved += gap;
    if (this.#status.finishing) return;
    this.#page.meter.show(energy, threshold);
    this.#page.meter.saved(this.#samples.saved / Math.max(1, this.#samples.total));
  }

  /** @param {import("../audio/microphone.js").MicrophoneState} state */
  #onMicrophone(state) {
    const { view, meter } = this.#page;
    this.#status.note(state);
    if (state === "denied") view.notice("microphone", () => texts.microphone.denied);
    else if (!this.#status.lost) view.dismiss("microphone");
    if (this.#status.withoutAudio) meter.clear();
    this.show();
  }

  /** @param {import("../audio/audio-input.js").SecondTalker} state */
  #onSecond(state) {
    const { view } = this.#page;
    if (state === "shared" || state === "unshared") this.#status.shared = state === "shared";
    const actions = [{ text: () => texts.shareAgain, run: () => this.#share() }];
    if (state === "unshared") view.notice("call", () => texts.unshared, { actions });
    else if (state === "mono") view.notice("mono", () => texts.mono);
    else view.dismiss(state === "shared" ? "call" : "mono");
    if (state === "mono" && !this.#opened) this.#socket.channels = 1;
  }

  /** @param {"connecting" | "open" | "reconnecting"} state */
  #onConnection(state) {
    const reconnected = this.#status.connection === "reconnecting" && state === "open";
    this.#status.connection = state;
    this.#status.speech = false;
    this.#speaking.clear();
    if (reconnected) for (const topic of ["error", "late"]) this.#page.view.dismiss(topic);
    if (state === "reconnecting") this.#handlers.onTrouble();
    this.show();
  }

  /** @param {import("../wire/messages.js").ServerMessage} message */
  #onMessage(message) {
    // A file comes faster than speech: busy is its normal state.
    if (message.type === "error" && message.code === "busy" && this.#status.progress !== null) return;
    if (message.type === "deleted") return this.#handlers.onDeleted();
    if (message.type === "error" && message.code in texts.expelled)
      return this.#handlers.onExpelled(/** @type {Expelled} */ (message.code));
    if (message.type === "ready") this.#shared = this.#room ?? message.room;
    showMessage(this.#page, this.#shared, message);
    if (message.type === "ready") {
      this.#endpointing = message.endpointing ?? null;
      this.#microphone?.setEndpointing(this.#endpointing);
    } else if (message.type === "speech_started" || message.type === "speech_ended") {
      if (message.type === "speech_started") this.#speaking.add(message.channel ?? 0);
      else this.#speaking.delete(message.channel ?? 0);
      this.#status.speech = this.#speaking.size > 0;
      this.show();
    }
  }

  /** @param {number | null} pending */
  async #onEnd(pending) {
    this.#status.finishing = true;
    keepAwake(false);
    await this.#closeMicrophone();
    showEnd(this.#page, pending);
    this.#handlers.onStatus("stopped", 0);
    this.#handlers.onOver(this.#socket.lastSeq);
  }

  /** Reports the status. */
  show() {
    keepAwake(this.hasSource && !this.#status.finishing);
    this.#handlers.onStatus(this.#status.value, this.#status.progress ?? 0);
  }
}
