// @ts-check
/** A WebSocket that reconnects by itself: back-off with jitter, and a time-out for answers. Of the messages only `ping` is its own. */

const TICK_MS = 1_000;
const PING_MS = 5_000;
/** A connection that answers nothing for this long is broken, even if the browser holds it for open. */
const ANSWER_TIMEOUT_MS = 10_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 4_000;
/** Close codes after which reconnecting would end the same way; see wire/close_codes.py. */
const FINAL = new Set([1000, 1002, 1003, 1007, 1008, 1009, 1010, 4409]);
/** Our own close codes: for good, and to come back, for which the service keeps the open utterance. */
const DONE = 1000;
const BACK_SOON = 4000;

/**
 * @typedef {object} Handlers
 * @property {() => void} onOpen connected: the first message is due
 * @property {(message: any) => void} onMessage
 * @property {() => void} onTick about once a second
 * @property {() => void} onLost disconnected; the next attempt follows by itself
 * @property {() => void} onRefused disconnected for good
 */

export class ReconnectingSocket {
  #url;
  #handlers;
  /** @type {WebSocket | null} */
  #socket = null;
  #retries = 0;
  /** Start of the wait for an answer. @type {number | null} */
  #waiting = null;
  #lastPing = 0;
  #timers = { tick: 0, retry: 0 };
  closed = false;

  /**
   * @param {URL} url
   * @param {Handlers} handlers
   */
  constructor(url, handlers) {
    this.#url = url;
    this.#handlers = handlers;
  }

  open() {
    this.#timers.tick = setInterval(this.#tick, TICK_MS);
    addEventListener("online", this.#connect);
    this.#connect();
  }

  /** Bytes that wait inside the browser. */
  get bufferedAmount() {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** @param {import("../wire/messages.js").ClientMessage | Int16Array<ArrayBuffer>} message sent as JSON, PCM as it is */
  send(message) {
    this.#socket?.send(message instanceof Int16Array ? message : JSON.stringify(message));
  }

  /** Sends a ping if one is due. An answer of any kind is expected in time. */
  ping() {
    const now = performance.now();
    if (this.#waiting !== null || now - this.#lastPing < PING_MS) return;
    this.send({ type: "ping" });
    this.#waiting = this.#lastPing = now;
  }

  /** Starts the next back-off from the shortest pause: the connection works. */
  resetBackoff() {
    this.#retries = 0;
  }

  close() {
    this.closed = true;
    this.#drop(DONE);
    clearInterval(this.#timers.tick);
    clearTimeout(this.#timers.retry);
    removeEventListener("online", this.#connect);
  }

  #connect = () => {
    clearTimeout(this.#timers.retry);
    if (this.#socket || this.closed) return;
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    this.#waiting = performance.now();
    socket.onopen = () => {
      this.#waiting = performance.now();
      this.#handlers.onOpen();
    };
    socket.onmessage = ({ data }) => {
      this.#waiting = null;
      this.#handlers.onMessage(JSON.parse(data));
    };
    socket.onclose = ({ code }) => (FINAL.has(code) ? this.#handlers.onRefused() : this.again());
  };

  #tick = () => {
    if (this.#waiting !== null && performance.now() - this.#waiting > ANSWER_TIMEOUT_MS) this.again();
    else this.#handlers.onTick();
  };

  /** Connects again, after a pause. */
  again() {
    this.#drop(BACK_SOON);
    const longest = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#retries++);
    // Jitter: after an outage the clients do not all come back at the same moment.
    this.#timers.retry = setTimeout(this.#connect, longest * (0.5 + Math.random() / 2));
    this.#handlers.onLost();
  }

  /**
   * Lets go of the connection and ignores what still comes over it.
   * @param {number} code
   */
  #drop(code) {
    const socket = this.#socket;
    this.#socket = this.#waiting = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(code);
  }
}
