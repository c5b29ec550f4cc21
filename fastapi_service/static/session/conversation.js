// @ts-check
/** From pressing start to the last result: joins microphone, socket and page, which know nothing of each other. */

import { DEFAULTS, Microphone, MicrophoneError } from "../audio/microphone.js";
import { SpeechSocket } from "./socket.js";
import { words } from "../words/words.js";

/**
 * @typedef {object} Page
 * @property {import("../view/view.js").View} view
 * @property {import("../view/transcript.js").Transcript} transcript
 * @property {import("../view/statistics.js").StatisticsPanel} statistics
 */

export class Conversation {
  #page;
  #socket;
  /** @type {Microphone | null} */
  #microphone = null;
  /** The person, or the service, wants no more audio. */
  #finishing = false;
  /** Utterances that were heard and that were answered; both happen in order. */
  #heard = 0;
  #answered = 0;
  /** Utterance of the interim text that is shown. */
  #speaking = 0;
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
    this.#socket = new SpeechSocket(
      { url, start: { language: page.view.language } },
      {
        onState: (state) => {
          if (state === "reconnecting") onTrouble();
          this.#onState(state);
        },
        onMessage: (message) => this.#onMessage(message),
        onSession: () => {},
        onGivenUp: () => {},
        onRenewed: () => this.#onRenewed(),
        onEnd: (pending) => this.#onEnd(pending),
      },
    );
  }

  async start() {
    const { view, transcript, statistics } = this.#page;
    for (const topic of ["microphone", "error", "late", "end"]) view.dismiss(topic);
    view.status("permission");
    try {
      this.#microphone = await Microphone.open(DEFAULTS, {
        onSound: ({ gap, pcm }) => {
          if (gap) this.#socket.skip(gap);
          if (pcm.length) this.#socket.push(pcm);
        },
        onState: (state) => {
          if (state === "lost" || state === "denied") this.#onMicrophoneLost();
        },
      });
    } catch (error) {
      if (!(error instanceof MicrophoneError)) throw error;
      console.warn(error); // with its cause, for whoever looks closer
      view.notice("microphone", words.microphone[error.code]);
      view.status("idle");
      this.#over();
      return;
    }
    transcript.clear();
    transcript.invite(words.empty.listening);
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
      case "speech_started":
        return this.#status("hearing");
      case "interim":
        this.#speaking = message.segment;
        return transcript.showInterim(message);
      case "speech_ended":
        this.#heard = message.segment + 1;
        this.#status("listening");
        return this.#showWaiting();
      case "final":
        this.#onAnswer(message.segment);
        return transcript.addFinal(message);
      case "segment_failed":
        this.#onAnswer(message.segment);
        return transcript.addFailed(message);
      case "no_speech":
        return this.#onAnswer(message.segment);
      case "stats":
        if (message.scope === "session") statistics.show(message);
        return;
      case "ack":
        return view.dismiss("late"); // the service can write again
      case "error":
        return view.notice(topicOf(message), `${message.message} ${message.remedy}`);
    }
  }

  /** @param {number} segment */
  #onAnswer(segment) {
    if (segment >= this.#speaking) this.#page.transcript.dropInterim();
    this.#answered = segment + 1;
    this.#showWaiting();
  }

  #showWaiting() {
    this.#page.transcript.waiting(Math.max(0, this.#heard - this.#answered));
  }

  #onRenewed() {
    this.#heard = this.#answered = this.#speaking = 0;
    this.#page.transcript.dropInterim();
    this.#showWaiting();
    this.#page.statistics.clear();
    this.#page.transcript.addDivider(words.renewed);
  }

  #onMicrophoneLost() {
    this.#page.view.notice("microphone", words.microphoneLost);
    this.stop();
  }

  /** @param {number | null} pending */
  async #onEnd(pending) {
    const { view, transcript } = this.#page;
    this.#finishing = true;
    await this.#microphone?.close();
    transcript.waiting(0);
    transcript.dropInterim();
    transcript.invite(words.empty.nothing);
    view.dismiss("late");
    if (pending !== 0) view.notice("end", pending === null ? words.incomplete : words.pending(pending));
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
