// @ts-check
/** From pressing start to the last result: joins microphone, socket and page, which know nothing of each other. */

import { Microphone, MicrophoneError } from "../audio/microphone.js";
import { SpeechSocket } from "./socket.js";
import { words } from "../words/words.js";

/**
 * @typedef {object} Page
 * @property {import("../view/view.js").View} view
 * @property {import("../view/transcript.js").Transcript} transcript
 * @property {import("../view/statistics.js").StatisticsPanel} statistics
 * @property {import("../view/settings.js").Settings} settings
 */

export class Conversation {
  #page;
  #socket;
  /** @type {Microphone | null} */
  #microphone = null;
  /** The person, or the service, wants no more audio. */
  #finishing = false;
  #over;

  /**
   * @param {Page} page
   * @param {URL} url of the service's WebSocket
   * @param {() => void} onTrouble the connection is lost for now
   * @param {() => void} onOver
   */
  constructor(page, url, onTrouble, onOver) {
    this.#page = page;
    this.#over = onOver;
    this.#socket = new SpeechSocket(url, page.settings.value.language, {
      onState: (state) => {
        if (state === "reconnecting") onTrouble();
        this.#onState(state);
      },
      onMessage: (message) => this.#onMessage(message),
      onRenewed: () => this.#onRenewed(),
      onEnd: (pending) => this.#onEnd(pending),
    });
  }

  async start() {
    const { view, transcript, statistics } = this.#page;
    for (const topic of ["microphone", "error", "late", "end"]) view.dismiss(topic);
    view.status("permission");
    try {
      this.#microphone = await Microphone.open(
        (pcm) => this.#socket.push(pcm),
        () => this.#onMicrophoneLost(),
      );
    } catch (error) {
      if (!(error instanceof MicrophoneError)) throw error;
      console.warn(error); // with its cause, for whoever looks closer
      view.notice("microphone", () => words.microphone[error.code]);
      view.status("idle");
      this.#over();
      return;
    }
    transcript.clear();
    transcript.invite(() => words.empty.listening);
    statistics.clear();
    this.#socket.open();
  }

  /** No more audio; what was said is still answered. */
  async stop() {
    if (this.#finishing) return;
    this.#finishing = true;
    this.#page.view.status("finishing");
    await this.#microphone?.close();
    this.#socket.stop();
  }

  /** @param {"connecting" | "open" | "reconnecting"} state */
  #onState(state) {
    if (state === "open") for (const topic of ["error", "late"]) this.#page.view.dismiss(topic);
    this.#status(state === "open" ? "listening" : state);
  }

  /** @param {import("./messages.js").ServerMessage} message */
  #onMessage(message) {
    const { view, transcript, statistics } = this.#page;
    switch (message.type) {
      case "ready":
        return transcript.own(message.session_id);
      case "speech_started":
        return this.#status("hearing");
      case "interim":
        return transcript.showInterim(message);
      case "speech_ended":
        this.#status("listening");
        return transcript.awaitFinal(message);
      case "final":
        return transcript.addFinal(message);
      case "segment_failed":
        return transcript.addFailed(message);
      case "no_speech":
        return transcript.drop(message);
      case "stats":
        if (message.scope === "session") statistics.show(message);
        return;
      case "ack":
        return view.dismiss("late"); // the service can write again
      case "error":
        return view.notice(topicOf(message), () => words.error(message));
    }
  }

  #onRenewed() {
    this.#page.transcript.dropPending();
    this.#page.statistics.clear();
    this.#page.transcript.addDivider(() => words.renewed);
  }

  #onMicrophoneLost() {
    this.#page.view.notice("microphone", () => words.microphoneLost);
    this.stop();
  }

  /** @param {number | null} pending */
  async #onEnd(pending) {
    const { view, transcript } = this.#page;
    this.#finishing = true;
    await this.#microphone?.close();
    transcript.dropPending();
    transcript.invite(() => words.empty.nothing);
    view.dismiss("late");
    if (pending !== 0) view.notice("end", () => (pending === null ? words.incomplete : words.pending(pending)));
    view.status("stopped");
    this.#over();
  }

  /** @param {import("../view/view.js").Status} status */
  #status(status) {
    if (!this.#finishing) this.#page.view.status(status);
  }
}

/** Delays pass by themselves, and their notice with them. @param {import("./messages.js").ServiceError} error */
function topicOf({ code, fatal }) {
  return !fatal && ["redis_unreachable", "busy"].includes(code) ? "late" : "error";
}
