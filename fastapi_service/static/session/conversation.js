// @ts-check
/**
 * One session, from its first sound to its last result: joins microphone or file, socket and page, which know nothing of
 * each other. Without a source it only listens to what others in the room say.
 */

import { Microphone, MicrophoneError } from "../audio/microphone.js";
import { SAMPLE_RATE } from "../audio/pcm.js";
import { SpeechSocket } from "./socket.js";
import { words } from "../words/words.js";

/**
 * @typedef {object} Page
 * @property {import("../view/view.js").View} view
 * @property {import("../view/transcript.js").Transcript} transcript
 * @property {import("../view/statistics.js").StatisticsPanel} statistics
 * @property {import("../view/meter.js").Meter} meter
 * @property {import("../view/share.js").Share} share
 *
 * @typedef {object} Handlers
 * @property {(session: import("./socket.js").Session) => void} onSession a new session stands
 * @property {(status: import("../view/view.js").Status, share: number) => void} onStatus `share` of a file that was sent, 0–1
 * @property {() => void} onTrouble the connection is lost for now
 * @property {() => void} onOver
 */

export class Conversation {
  #page;
  #socket;
  #handlers;
  #room;
  /** @type {Microphone | null} */
  #microphone = null;
  /** How much of a file was sent, 0–1. @type {number | null} */
  #progress = null;
  /** @type {"connecting" | "open" | "reconnecting"} */
  #line = "connecting";
  /** What keeps sound away. */
  #trouble = { lost: false, interrupted: false, muted: false };
  #hearing = false;
  /** The browser asks the person for the microphone. */
  #asking = false;
  /** The person, or the service, wants no more audio. */
  #finishing = false;
  /** Samples of sound, and those of them that were silence and not sent. */
  #sound = { total: 0, saved: 0 };

  /**
   * @param {Page} page
   * @param {import("./socket.js").Options} options
   * @param {Handlers} handlers
   */
  constructor(page, options, handlers) {
    this.#page = page;
    this.#room = options.start.room ?? null;
    this.#handlers = handlers;
    this.#socket = new SpeechSocket(options, {
      onState: (state) => this.#onLine(state),
      onMessage: (message) => this.#onMessage(message),
      onSession: (session) => this.#handlers.onSession(session),
      onGivenUp: () => page.view.notice("given-up", () => words.givenUp),
      onRenewed: () => this.#onRenewed(),
      onEnd: (pending) => this.#onEnd(pending),
    });
  }

  /** Somebody talks here, or a file is being sent. */
  get talking() {
    return this.#microphone !== null || this.#progress !== null;
  }

  /** `seq` of the newest result. */
  get lastSeq() {
    return this.#socket.lastSeq;
  }

  /** Connect. What the microphone has heard by then is not lost. @param {number} seen `seq` of the newest result on the page */
  open(seen) {
    this.#socket.open(seen);
  }

  /**
   * Ask for the microphone.
   * @param {import("../audio/microphone.js").MicrophoneOptions} options
   * @returns {Promise<boolean>} false: there is none, which was said
   */
  async listenTo(options) {
    this.#asking = true;
    this.show();
    try {
      this.#microphone = await Microphone.open(options, {
        onSound: (sound) => this.#onSound(sound),
        onState: (state) => this.#onMicrophone(state),
      });
    } catch (error) {
      if (!(error instanceof MicrophoneError)) throw error;
      console.warn(error); // with its cause, for whoever looks closer
      this.#page.view.notice("microphone", () => words.microphone[error.code]);
    }
    this.#asking = false;
    if (this.#microphone) this.show();
    return this.#microphone !== null;
  }

  /**
   * Send a file, faster than it lasts, then stop.
   * @param {import("../audio/sound-file.js").SoundFile} file
   */
  async play(file) {
    this.#progress = 0;
    let sent = 0;
    for await (const pcm of file.pieces()) {
      await this.#socket.room();
      if (this.#finishing) return;
      this.#socket.push(pcm);
      sent += pcm.length / SAMPLE_RATE;
      this.#progress = sent / file.seconds;
      this.show();
    }
    this.stop();
  }

  /** @param {import("../audio/microphone.js").MicrophoneOptions} options */
  configure(options) {
    this.#microphone?.setOptions(options);
  }

  /** No more audio; what was said is still answered. */
  async stop() {
    if (this.#finishing) return;
    this.#finishing = true;
    this.show();
    await this.#silence();
    this.#socket.stop();
  }

  /** Let go of it without a word: another session takes its place. */
  leave() {
    this.#finishing = true;
    this.#handlers = { onSession() {}, onStatus() {}, onTrouble() {}, onOver() {} };
    this.#silence();
    this.#socket.leave();
  }

  async #silence() {
    await this.#microphone?.close();
    this.#page.meter.clear();
  }

  /** @param {import("../audio/voice-gate.js").Sound} sound */
  #onSound({ gap, pcm, energy, threshold }) {
    if (gap) this.#socket.skip(gap);
    if (pcm.length) this.#socket.push(pcm);
    this.#sound.total += gap + pcm.length;
    this.#sound.saved += gap;
    if (this.#finishing) return;
    this.#page.meter.show(energy, threshold);
    this.#page.meter.saved(this.#sound.saved / Math.max(1, this.#sound.total));
  }

  /** @param {import("../audio/microphone.js").MicrophoneState} state */
  #onMicrophone(state) {
    const { view, meter } = this.#page;
    const trouble = this.#trouble;
    if (state === "lost" || state === "denied") trouble.lost = true;
    else if (state === "open" || state === "recovered") trouble.lost = trouble.muted = false;
    else if (state === "muted" || state === "unmuted") trouble.muted = state === "muted";
    else trouble.interrupted = state === "interrupted";
    if (state === "denied") view.notice("microphone", () => words.microphone.denied);
    else if (!trouble.lost) view.dismiss("microphone");
    if (Object.values(trouble).some(Boolean)) meter.clear();
    this.show();
  }

  /** @param {"connecting" | "open" | "reconnecting"} state */
  #onLine(state) {
    const back = this.#line === "reconnecting" && state === "open";
    this.#line = state;
    this.#hearing = false;
    if (back) for (const topic of ["error", "late"]) this.#page.view.dismiss(topic);
    if (state === "reconnecting") this.#handlers.onTrouble();
    this.show();
  }

  /** Tell the status. */
  show() {
    this.#handlers.onStatus(this.#status(), this.#progress ?? 0);
  }

  /** @returns {import("../view/view.js").Status} */
  #status() {
    if (this.#finishing) return "finishing";
    if (this.#asking) return "permission";
    if (!this.talking) return this.#line === "open" ? "watching" : "joining";
    if (this.#line !== "open") return this.#line;
    if (this.#progress !== null) return "sending";
    const { lost, interrupted, muted } = this.#trouble;
    if (lost) return "lost";
    if (interrupted) return "interrupted";
    if (muted) return "muted";
    return this.#hearing ? "hearing" : "listening";
  }

  /** @param {import("./messages.js").ServerMessage} message */
  #onMessage(message) {
    const { view, transcript, statistics, share } = this.#page;
    switch (message.type) {
      case "ready":
        return transcript.own(message.session_id);
      case "speech_started":
        this.#hearing = true;
        return this.show();
      case "interim":
        return transcript.showInterim(message);
      case "speech_ended":
        this.#hearing = false;
        transcript.awaitFinal(message);
        return this.show();
      case "final":
        return transcript.addFinal(message);
      case "segment_failed":
        return transcript.addFailed(message);
      case "no_speech":
        return transcript.drop(message);
      case "stats":
        if (message.scope === (this.#room ? "room" : "session")) statistics.show(message);
        return;
      case "people":
        statistics.people(message.people);
        return share.people(message.people, message.talking);
      case "ack":
        return view.dismiss("late"); // the service can write again
      case "error":
        if (message.code === "busy" && this.#progress !== null) return; // of course: a file comes faster than speech
        return view.notice(topicOf(message), () => words.error(message));
    }
  }

  #onRenewed() {
    const { transcript, statistics } = this.#page;
    if (this.#room) return transcript.clear(); // all that is known of the room comes anew
    transcript.dropPending();
    statistics.clear();
    transcript.addDivider(() => words.renewed);
  }

  /** @param {number | null} pending */
  async #onEnd(pending) {
    const { view, transcript } = this.#page;
    this.#finishing = true;
    await this.#silence();
    transcript.dropPending();
    transcript.invite(() => words.empty.nothing);
    view.dismiss("late");
    if (pending !== 0) view.notice("end", () => (pending === null ? words.incomplete : words.pending(pending)));
    this.#handlers.onStatus("stopped", 0);
    this.#handlers.onOver();
  }
}

/** Delays pass by themselves, and their notice with them. @param {import("./messages.js").ServiceError} error */
function topicOf({ code, fatal }) {
  return !fatal && ["redis_unreachable", "busy"].includes(code) ? "late" : "error";
}
