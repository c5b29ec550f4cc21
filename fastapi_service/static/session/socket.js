// @ts-check
/**
 * One session with the service: start and resume, replay of unacknowledged audio, each result once and in order. No DOM, no
 * audio API. The contract is in docs/protocol.md, "What a client does".
 */

import { SAMPLE_RATE } from "../audio/pcm.js";
import { AudioSender } from "./audio-sender.js";
import { Channels, earliest } from "./channels.js";
import { ReconnectingSocket } from "./reconnecting-socket.js";

/** After `stop` the service may say nothing for this long; it waits 60 s for results, then says how many are missing. */
const STOP_TIMEOUT_MS = 90_000;

/**
 * @typedef {import("../wire/messages.js").ServerMessage} ServerMessage
 * @typedef {{ session_id: string, token: string }} ChannelSession
 * @typedef {ChannelSession & { second?: ChannelSession }} Session `second`: of the right one of two channels
 * @typedef {{ languages: string[], prompt: string }} Recognition `languages`: codes; none: any
 * @typedef {{ name?: string | null, role?: string | null }} Speaker
 * @typedef {Speaker & { speakers?: Speaker[] }} Introduction who talks; `speakers`: left and right, with two channels instead
 * @typedef {import("../wire/messages.js").Ready} Ready
 *
 * @typedef {object} Options
 * @property {URL} url
 * @property {Recognition & Introduction & Pick<import("../wire/messages.js").Start, "task" | "room" | "person_key" | "invite" | "key" | "ticket">} start
 * @property {number} [channels] of the audio, each with a talker of its own; 1 if missing
 * @property {Session | null} [resume] a session of an earlier page
 *
 * @typedef {object} Handlers
 * @property {(state: "connecting" | "open" | "reconnecting") => void} onState
 * @property {(message: ServerMessage) => void} onMessage also of types that this page does not have
 * @property {(session: Session, ready: Ready) => void} onSession a new session, with what resumes it
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
  #channels = new Channels();
  /**
   * What the service applies to each channel; none: it is unknown, or cannot be changed. Without a person the service has no
   * names.
   * @type {(Recognition & Speaker & { person?: string | null })[]}
   */
  #applied = [];
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
  constructor({ url, start, channels = 1, resume = null }, handlers) {
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
    this.channels = channels;
  }

  get channels() {
    return this.#channels.count;
  }

  /** May change before the first audio and `open`. */
  set channels(channels) {
    this.#channels.count = this.audio.channels = channels;
  }

  /** @param {number} [lastSeq] `seq` of the newest result that the page has */
  open(lastSeq = 0) {
    this.lastSeq = lastSeq;
    this.handlers.onState("connecting");
    this.#connection.open();
  }

  /** Changes what is recognised from now on, and who talks. @param {Recognition & Introduction} wanted */
  configure({ languages, prompt, name = null, role = null, speakers }) {
    this.#start = { ...this.#start, languages, prompt, name, role, speakers };
    this.#applied = this.#applied.map((applied, channel) => {
      const { name = null, role = null } = this.#speakers[channel] ?? {};
      const same = String(applied.languages) === String(languages) && applied.prompt === prompt;
      const known = !applied.person || ((applied.name ?? null) === name && (applied.role ?? null) === role);
      if (same && known) return applied;
      const which = this.channels > 1 ? { channel: /** @type {0 | 1} */ (channel) } : {};
      const changed = { ...(same ? {} : { languages, prompt }), ...(known ? {} : { name, role }) };
      this.#connection.send({ type: "configure", ...which, ...changed });
      return { ...applied, languages, prompt, name, role };
    });
  }

  /** Who talks in each channel. @returns {Speaker[]} */
  get #speakers() {
    return this.channels > 1 ? (this.#start.speakers ?? []) : [this.#start];
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
    this.#channels.clear();
    const { languages, name, role, speakers, person_key, ticket, ...start } = this.#start;
    const spoken = languages.length > 1 ? { languages } : { language: languages[0] ?? null };
    const two = this.channels > 1;
    const people = { ...(two ? { speakers } : { name, role }), person_key };
    const person = Object.entries(this.#anonymous ? {} : people).filter(([, value]) => value);
    const known = { last_seq: this.lastSeq, ...Object.fromEntries(person), ...(two ? this.#resumeBoth() : this.#session) };
    const entry = this.#session ? {} : { ticket }; // it opens one connection only
    this.#connection.send({ type: "start", ...spoken, ...start, ...entry, sample_rate: SAMPLE_RATE, ...known });
  }

  /** @returns {Pick<import("../wire/messages.js").Start, "channels" | "resume">} */
  #resumeBoth() {
    if (!this.#session?.second) return { channels: 2 };
    const { second, ...first } = this.#session;
    return { channels: 2, resume: [first, second] };
  }

  /** @param {ServerMessage} message */
  #receive(message) {
    if (this.#stopDeadline !== null) this.#expectAnswer();
    switch (message.type) {
      case "ready":
        return this.#onReady(this.#channels.all(message));
      case "ack":
        this.audio.acknowledge(earliest(this.#channels.all(message)));
        return this.handlers.onMessage(message);
      case "pong":
        return;
      case "final":
      case "no_speech":
      case "segment_failed":
        if (message.seq === null || message.seq <= this.lastSeq) return; // sent again after a reconnection
        this.lastSeq = message.seq;
        return this.handlers.onMessage(message);
      case "stopped": {
        const all = this.#channels.all(message);
        return all.length && this.#onStopped(all.reduce((sum, { pending }) => sum + pending, 0));
      }
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

  /** @param {Ready[]} all of each channel; none: not all are there */
  #onReady(all) {
    if (!all.length) return;
    const [first, second] = all.map(({ session_id, token }) => ({ session_id, token: token ?? "" }));
    if (first.token) {
      this.#session = { ...first, ...(second && { second }) };
      this.handlers.onSession(this.#session, all[0]);
    }
    this.audio.begin(earliest(all), this.#inherited);
    this.#inherited = false;
    this.#connection.resetBackoff();
    for (const ready of all) this.handlers.onMessage(ready);
    this.handlers.onState("open");
    this.#applied = all.filter(({ languages }) => languages); // an older service would refuse a change
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
    this.#applied = [];
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
