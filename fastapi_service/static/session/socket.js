// @ts-check
/** A session with the service that survives broken lines without losing a word. Knows no DOM and no audio API. */

import { Backlog } from "./backlog.js";
import { SAMPLE_RATE } from "../audio/pcm.js";

/** A line may be broken for 60 s. The utterance it broke in (at most 29 s) and the way back (14 s) come on top. */
const KEPT = 110 * SAMPLE_RATE; // samples, 3.5 MB
/**
 * With less unacknowledged audio there is room for more of a file. An acknowledgement comes when an utterance ends, so it
 * must be more than the longest one (29 s), the silence before it, and what is added at once.
 */
const ROOM = 35 * SAMPLE_RATE;
/** Bytes that may wait inside the browser; what a stalled service does not take stays in the backlog, which is bounded. */
const MOST_BUFFERED = 1_000_000;
const PING_MS = 5_000;
/** A line without any answer for so long is broken, whatever the browser thinks. */
const SILENT_MS = 10_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 4_000;
/** How long `stop` waits for the last results; the service itself waits 60 s for them. */
const STOP_MS = 90_000;
/** Close codes after which coming back is no use: over, against the rules, taken over by another page. */
const OVER = new Set([1000, 1002, 1003, 1007, 1008, 1009, 1010, 4409]);
/** What we close with: for good, or, so that the service keeps the open utterance for us, to come back. */
const DONE = 1000;
const BACK_SOON = 4000;

/**
 * @typedef {import("./messages.js").ServerMessage} ServerMessage
 * @typedef {{ session_id: string, token: string }} Session
 *
 * @typedef {object} Options
 * @property {URL} url
 * @property {Pick<import("./messages.js").Start, "language" | "task" | "prompt" | "room">} start
 * @property {Session | null} [resume] a session of an earlier page
 *
 * @typedef {object} Handlers
 * @property {(state: "connecting" | "open" | "reconnecting") => void} onState
 * @property {(message: ServerMessage) => void} onMessage each result once and in order
 * @property {(session: Session) => void} onSession a new session stands; what it takes to resume it
 * @property {() => void} onGivenUp audio that the service lacks was too much to keep; told again with each piece
 * @property {() => void} onRenewed the service had forgotten the session; a new one goes on
 * @property {(pending: number | null) => void} onEnd sentences whose result is missing; null when nobody knows
 */

export class SpeechSocket {
  #backlog = new Backlog(KEPT);
  /** @type {WebSocket | null} */
  #socket = null;
  #url;
  #start;
  /** @type {Session | null} */
  #session;
  /** The session began on an earlier page: only the service knows where its audio goes on. */
  #inherited;
  #ready = false;
  /** Samples since the session's start that went into the present line. */
  #sent = 0;
  /** `seq` of the newest result. */
  lastSeq = 0;
  #retries = 0;
  /** Since when an answer is awaited. @type {number | null} */
  #asked = null;
  #lastPing = 0;
  /** When to give up the last results. @type {number | null} */
  #stopBy = null;
  #stopSent = false;
  #ended = false;
  /** Who waits for room. @type {(() => void)[]} */
  #waiting = [];
  #timers = { tick: 0, retry: 0 };

  /**
   * @param {Options} options
   * @param {Handlers} handlers
   */
  constructor({ url, start, resume = null }, handlers) {
    this.#url = url;
    this.#start = start;
    this.#session = resume;
    this.#inherited = resume !== null;
    this.handlers = handlers;
  }

  /** @param {number} [seen] `seq` of the newest result that is known */
  open(seen = 0) {
    this.lastSeq = seen;
    this.handlers.onState("connecting");
    this.#timers.tick = setInterval(this.#tick, 1000);
    addEventListener("online", this.#connect);
    this.#connect();
  }

  /** @param {Int16Array<ArrayBuffer>} pcm at 16 kHz */
  push(pcm) {
    const given = this.#backlog.givenUp;
    this.#backlog.push(pcm);
    if (this.#backlog.givenUp > given) this.#tellGivenUp();
    this.#pump();
  }

  /**
   * Silence, which is not sent.
   * @param {number} samples
   */
  skip(samples) {
    this.#backlog.skip(samples);
    this.#pump();
  }

  /** Resolves when a file may go on: it comes faster than the service can work. */
  room() {
    return new Promise((resolve) => {
      this.#waiting.push(() => resolve(undefined));
      this.#admit();
    });
  }

  /** No more audio; `onEnd` follows after the last result. */
  stop() {
    this.#stopBy = performance.now() + STOP_MS;
    this.#pump();
  }

  #connect = () => {
    clearTimeout(this.#timers.retry);
    if (this.#socket || this.#ended) return;
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    this.#asked = performance.now();
    socket.onopen = () => this.#greet();
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    socket.onclose = ({ code }) => (OVER.has(code) ? this.#end(null) : this.#retry());
  };

  #greet() {
    this.#asked = performance.now();
    this.#send({
      type: "start",
      ...this.#start,
      sample_rate: SAMPLE_RATE,
      last_seq: this.lastSeq,
      ...this.#session,
    });
  }

  /** @param {ServerMessage} message */
  #receive(message) {
    this.#asked = null;
    switch (message.type) {
      case "ready":
        return this.#onReady(message);
      case "ack":
        this.#backlog.acknowledge(message.samples);
        this.#admit();
        return this.handlers.onMessage(message);
      case "pong":
        return;
      case "final":
      case "no_speech":
      case "segment_failed":
        if (message.seq <= this.lastSeq) return; // said again after a broken line
        this.lastSeq = message.seq;
        return this.handlers.onMessage(message);
      case "stopped":
        return this.#end(message.pending);
      case "error":
        if (message.code === "session_unknown") return this.#renew();
        this.handlers.onMessage(message);
        if (!this.#ready && !message.fatal) this.#end(null); // it does not want our start: nothing would follow
        return;
      default:
        this.handlers.onMessage(message);
    }
  }

  /** @param {import("./messages.js").Ready} ready */
  #onReady(ready) {
    const { session_id, token, samples } = ready;
    if (token) {
      this.#session = { session_id, token };
      this.handlers.onSession(this.#session);
    }
    if (this.#inherited) this.#backlog.continueAt(samples);
    this.#inherited = false;
    this.#backlog.acknowledge(samples);
    this.#admit();
    this.#sent = samples;
    this.#tellGivenUp();
    this.#retries = 0;
    this.#ready = true;
    this.handlers.onMessage(ready);
    this.handlers.onState("open");
    this.#pump();
  }

  /** Sessions expire; the audio that is still here begins a new one. */
  #renew() {
    this.#session = null;
    this.#inherited = false;
    this.lastSeq = 0;
    this.#backlog.rebase();
    this.handlers.onRenewed();
    this.#greet();
  }

  /** Send whatever the line takes, and `stop` behind the last of it. */
  #pump() {
    if (!this.#ready || this.#stopSent) return;
    while (/** @type {WebSocket} */ (this.#socket).bufferedAmount < MOST_BUFFERED) {
      const frame = this.#backlog.next(this.#sent);
      const silence = (frame?.start ?? this.#backlog.end) - this.#sent;
      if (silence > 0) this.#send({ type: "gap", samples: silence });
      this.#sent += Math.max(0, silence);
      if (!frame) return this.#sendStop();
      this.#socket?.send(frame.pcm);
      this.#sent += frame.pcm.length;
    }
  }

  /** Unless all of it went into the present line, which may still bring its acknowledgement. */
  #tellGivenUp() {
    if (this.#backlog.givenUp > this.#sent) this.handlers.onGivenUp();
  }

  #admit() {
    if (this.#backlog.kept < ROOM || this.#ended) for (const go of this.#waiting.splice(0)) go();
  }

  #sendStop() {
    if (this.#stopBy === null) return;
    this.#send({ type: "stop" });
    this.#stopSent = true;
  }

  #tick = () => {
    const now = performance.now();
    if (this.#stopBy !== null && now > this.#stopBy) return this.#end(null);
    if (this.#asked !== null && now - this.#asked > SILENT_MS) return this.#retry();
    this.#pump();
    // After `stop` the service is busy with the last results and answers nothing else.
    if (!this.#ready || this.#stopSent || this.#asked !== null || now - this.#lastPing < PING_MS) return;
    this.#send({ type: "ping" });
    this.#asked = this.#lastPing = now;
  };

  #retry() {
    this.#drop(BACK_SOON);
    const longest = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#retries++);
    // Jitter: after an outage not everybody comes back in the same moment.
    this.#timers.retry = setTimeout(this.#connect, longest * (0.5 + Math.random() / 2));
    this.handlers.onState("reconnecting");
  }

  /** No more audio, and no more results: nobody hears of it any more. */
  leave() {
    this.handlers = { ...this.handlers, onEnd: () => {} };
    this.#end(null);
  }

  /** @param {number | null} pending */
  #end(pending) {
    if (this.#ended) return;
    this.#ended = true;
    this.#drop(DONE);
    this.#admit();
    clearInterval(this.#timers.tick);
    clearTimeout(this.#timers.retry);
    removeEventListener("online", this.#connect);
    this.handlers.onEnd(pending);
  }

  /**
   * Let go of the line; what it still says does not count.
   * @param {number} code
   */
  #drop(code) {
    const socket = this.#socket;
    this.#socket = this.#asked = null;
    this.#sent = 0;
    this.#ready = this.#stopSent = false;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(code);
  }

  /** @param {import("./messages.js").ClientMessage} message */
  #send(message) {
    this.#socket?.send(JSON.stringify(message));
  }
}
