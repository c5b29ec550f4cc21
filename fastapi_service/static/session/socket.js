// @ts-check
/** A session with the service that survives broken lines without losing a word. Knows no DOM and no audio API. */

import { Backlog } from "./backlog.js";
import { SAMPLE_RATE } from "../audio/pcm.js";

/** A line may be broken for 60 s. The utterance it broke in (at most 29 s) and the way back (14 s) come on top. */
const KEPT = 110 * SAMPLE_RATE; // samples, 3.5 MB
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
const OVER = new Set([1000, 1008, 4409]);
/** What we close with: for good, or, so that the service keeps the open utterance for us, to come back. */
const DONE = 1000;
const BACK_SOON = 4000;

/**
 * @typedef {import("./messages.js").ServerMessage} ServerMessage
 * @typedef {object} Handlers
 * @property {(state: "connecting" | "open" | "reconnecting") => void} onState
 * @property {(message: ServerMessage) => void} onMessage each result once and in order
 * @property {() => void} onRenewed the service had forgotten the session; a new one goes on
 * @property {(pending: number | null) => void} onEnd sentences whose result is missing; null when nobody knows
 */

export class SpeechSocket {
  #backlog = new Backlog(KEPT);
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {{ session_id: string, token: string } | null} */
  #session = null;
  #ready = false;
  /** Samples since the session's start that went into the present line. */
  #sent = 0;
  #lastSeq = 0;
  #retries = 0;
  /** Since when an answer is awaited. @type {number | null} */
  #asked = null;
  #lastPing = 0;
  /** When to give up the last results. @type {number | null} */
  #stopBy = null;
  #stopSent = false;
  #ended = false;
  #timers = { tick: 0, retry: 0 };

  /**
   * @param {URL} url
   * @param {string | null} language null lets the service detect it
   * @param {Handlers} handlers
   */
  constructor(url, language, handlers) {
    this.url = url;
    this.language = language;
    this.handlers = handlers;
  }

  open() {
    this.handlers.onState("connecting");
    this.#timers.tick = setInterval(this.#tick, 1000);
    addEventListener("online", this.#connect);
    this.#connect();
  }

  /** @param {Int16Array<ArrayBuffer>} pcm at 16 kHz */
  push(pcm) {
    this.#backlog.push(pcm);
    this.#pump();
  }

  /** No more audio; `onEnd` follows after the last result. */
  stop() {
    this.#stopBy = performance.now() + STOP_MS;
    this.#pump();
  }

  #connect = () => {
    clearTimeout(this.#timers.retry);
    if (this.#socket || this.#ended) return;
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    this.#asked = performance.now();
    socket.onopen = () => this.#start();
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    socket.onclose = ({ code }) => (OVER.has(code) ? this.#end(null) : this.#retry());
  };

  #start() {
    this.#asked = performance.now();
    this.#send({
      type: "start",
      language: this.language,
      sample_rate: SAMPLE_RATE,
      last_seq: this.#lastSeq,
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
        return this.handlers.onMessage(message);
      case "pong":
        return;
      case "final":
      case "no_speech":
      case "segment_failed":
        if (message.seq <= this.#lastSeq) return; // said again after a broken line
        this.#lastSeq = message.seq;
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
    if (token) this.#session = { session_id, token };
    this.#backlog.acknowledge(samples);
    this.#sent = samples;
    this.#retries = 0;
    this.#ready = true;
    this.handlers.onMessage(ready);
    this.handlers.onState("open");
    this.#pump();
  }

  /** Sessions expire; the audio that is still here begins a new one. */
  #renew() {
    this.#session = null;
    this.#lastSeq = 0;
    this.#backlog.rebase();
    this.handlers.onRenewed();
    this.#start();
  }

  /** Send whatever the line takes, and `stop` behind the last of it. */
  #pump() {
    if (!this.#ready || this.#stopSent) return;
    while (/** @type {WebSocket} */ (this.#socket).bufferedAmount < MOST_BUFFERED) {
      const frame = this.#backlog.next(this.#sent);
      if (!frame) return this.#sendStop();
      if (frame.start > this.#sent) this.#send({ type: "gap", samples: frame.start - this.#sent }); // given up
      this.#socket?.send(frame.pcm);
      this.#sent = frame.start + frame.pcm.length;
    }
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

  /** @param {number | null} pending */
  #end(pending) {
    if (this.#ended) return;
    this.#ended = true;
    this.#drop(DONE);
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
