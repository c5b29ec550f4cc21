// @ts-check
/**
 * One session with the service: start and resume, replay of unacknowledged audio, each result once and in order. No DOM, no
 * audio API. The contract is in docs/protocol.md, "What a client does".
 */

import { SAMPLE_RATE } from "../audio/pcm.js";
import { AudioSender } from "./audio-sender.js";
import { ReconnectingSocket } from "./reconnecting-socket.js";

/** After `stop` the service may say nothing for this long; it waits 60 s for results, then says how many are missing. */
const STOP_TIMEOUT_MS = 90_000;

/**
 * @typedef {import("../wire/messages.js").ServerMessage} ServerMessage
 * @typedef {{ session_id: string, token: string }} Session
 * @typedef {{ languages: string[], prompt: string }} Recognition `languages`: codes; none: any
 * @typedef {{ name?: string | null, role?: string | null }} Introduction who talks
 *
 * @typedef {object} Options
 * @property {URL} url
 * @property {Recognition & Introduction & Pick<import("../wire/messages.js").Start, "task" | "room" | "person_key" | "invite">} start
 * @property {Session | null} [resume] a session of an earlier page
 *
 * @typedef {object} Handlers
 * @property {(state: "connecting" | "open" | "reconnecting") => void} onState
 * @property {(message: ServerMessage) => void} onMessage also of types that this page does not have
 * @property {(session: Session, ready: import("../wire/messages.js").Ready) => void} onSession a new session, with what resumes it
 * @property {() => void} onDropped unacknowledged audio exceeded the replay buffer; repeated with each further piece
 * @property {() => void} onRenewed the session had expired; a new one continues
 * @property {(pending: number) => void} onWaiting after `stop`, so many results still have a place in the queue
 * @property {(pending: number | null) => void} onEnd number of results that are missing; null: unknown
 */

export class SpeechSocket {
  #connection;
  /** Takes the session's audio. */
  audio;
  #start;
  /** @type {Session | null} */
  #session;
  /** The session began on an earlier page: only the service has the position of its next audio. */
  #inherited;
  /**
   * What the service applies; null: it is unknown, or cannot be changed. Without a person the service has no names.
   * @type {Recognition & Introduction & { person?: string | null } | null}
   */
  #applied = null;
  /** An older service has refused to be told who talks. */
  #anonymous = false;
  /** `seq` of the newest result. */
  lastSeq = 0;
  /** @type {number | null} */
  #stopDeadline = null;
  /** Results that were missing when the service last stopped waiting for them; null: unknown. @type {number | null} */
  #pending = null;

  /**
   * @param {Options} options
   * @param {Handlers} handlers
   */
  constructor({ url, start, resume = null }, handlers) {
    this.#start = start;
    this.#session = resume;
    this.#inherited = resume !== null;
    this.handlers = handlers;
    this.#connection = new ReconnectingSocket(url, {
      onOpen: () => this.#sendStart(),
      onMessage: (message) => this.#receive(message),
      onTick: () => this.#tick(),
      onLost: () => this.#onLost(),
      onRefused: () => this.#end(null),
    });
    this.audio = new AudioSender(this.#connection, () => this.handlers.onDropped());
  }

  /** @param {number} [lastSeq] `seq` of the newest result that the page has */
  open(lastSeq = 0) {
    this.lastSeq = lastSeq;
    this.handlers.onState("connecting");
    this.#connection.open();
  }

  /** Changes what is recognised from now on, and who talks. @param {Recognition & Introduction} wanted */
  configure({ languages, prompt, name = null, role = null }) {
    this.#start = { ...this.#start, languages, prompt, name, role };
    const applied = this.#applied;
    if (!applied) return;
    const same = String(applied.languages) === String(languages) && applied.prompt === prompt;
    const known = !applied.person || ((applied.name ?? null) === name && (applied.role ?? null) === role);
    if (same && known) return;
    this.#applied = { ...applied, languages, prompt, name, role };
    this.#connection.send({ type: "configure", ...(same ? {} : { languages, prompt }), ...(known ? {} : { name, role }) });
  }

  /** No more audio; `onEnd` follows after the last result. */
  stop() {
    this.#expectAnswer();
    this.audio.stop();
  }

  /** Ends without the results that are still missing. */
  giveUp() {
    this.#end(this.#pending);
  }

  /** Ends without a further call of `onEnd`. */
  leave() {
    this.handlers = { ...this.handlers, onEnd: () => {} };
    this.#end(null);
  }

  #expectAnswer() {
    this.#stopDeadline = performance.now() + STOP_TIMEOUT_MS;
  }

  #sendStart() {
    const { languages, name, role, person_key, ...start } = this.#start;
    const spoken = languages.length > 1 ? { languages } : { language: languages[0] ?? null };
    const person = Object.entries(this.#anonymous ? {} : { name, role, person_key }).filter(([, value]) => value);
    const known = { last_seq: this.lastSeq, ...Object.fromEntries(person), ...this.#session };
    this.#connection.send({ type: "start", ...spoken, ...start, sample_rate: SAMPLE_RATE, ...known });
  }

  /** @param {ServerMessage} message */
  #receive(message) {
    if (this.#stopDeadline !== null) this.#expectAnswer();
    switch (message.type) {
      case "ready":
        return this.#onReady(message);
      case "ack":
        this.audio.acknowledge(message.samples);
        return this.handlers.onMessage(message);
      case "pong":
        return;
      case "final":
      case "no_speech":
      case "segment_failed":
        if (message.seq === null || message.seq <= this.lastSeq) return; // sent again after a reconnection
        this.lastSeq = message.seq;
        return this.handlers.onMessage(message);
      case "stopped":
        return this.#onStopped(message.pending);
      case "error":
        if (message.code === "session_unknown") return this.#pending === null ? this.#renew() : this.giveUp();
        if (message.code === "bad_message" && !this.audio.ready && !this.#anonymous) {
          this.#anonymous = true;
          return this.#sendStart();
        }
        this.handlers.onMessage(message);
        if (!this.audio.ready && !message.fatal) this.#end(null); // our start was refused: nothing would follow
        return;
      default:
        this.handlers.onMessage(message);
    }
  }

  /** @param {import("../wire/messages.js").Ready} ready */
  #onReady(ready) {
    const { session_id, token, samples } = ready;
    if (token) {
      this.#session = { session_id, token };
      this.handlers.onSession(this.#session, ready);
    }
    this.audio.begin(samples, this.#inherited);
    this.#inherited = false;
    this.#connection.resetBackoff();
    this.handlers.onMessage(ready);
    this.handlers.onState("open");
    this.#applied = ready.languages ? ready : null; // null: an older service, which would refuse a change
    this.configure(this.#start);
    this.audio.pump();
  }

  /** Resumes a session that we stopped, for results that wait in the queue. @param {number} pending */
  #onStopped(pending) {
    if (!pending || this.#stopDeadline === null) return this.#end(pending);
    this.#pending = pending;
    this.handlers.onWaiting(pending);
    this.#connection.again();
  }

  /** Begins a new session, after the old one expired, with the audio that is still here. */
  #renew() {
    this.#session = null;
    this.#inherited = false;
    this.lastSeq = 0;
    this.audio.rebase();
    this.handlers.onRenewed();
    this.#sendStart();
  }

  #tick() {
    if (this.#stopDeadline !== null && performance.now() > this.#stopDeadline) return this.giveUp();
    this.audio.pump();
    if (this.audio.active) this.#connection.ping();
  }

  #onLost() {
    this.#applied = null;
    this.audio.pause();
    this.handlers.onState("reconnecting");
  }

  /** @param {number | null} pending */
  #end(pending) {
    if (this.#connection.closed) return;
    this.#connection.close();
    this.audio.pause();
    this.handlers.onEnd(pending);
  }
}
