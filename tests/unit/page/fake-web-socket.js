import assert from "node:assert/strict";

/** The service's end of a connection: records what the page sent, and delivers messages to it. */
export class FakeWebSocket {
  /** Oldest first. @type {FakeWebSocket[]} */
  static opened = [];
  bufferedAmount = 0;
  /** Messages as objects, audio as its length. @type {unknown[]} */
  sent = [];
  onopen = () => {};
  onclose = (/** @type {{ code: number }} */ { code }) => assert.ok(code);
  onmessage = (/** @type {{ data: string }} */ { data }) => assert.ok(data);

  constructor() {
    FakeWebSocket.opened.push(this);
  }

  /** @param {string | Int16Array} data */
  send(data) {
    this.sent.push(typeof data === "string" ? JSON.parse(data) : data.length);
  }

  close() {}

  /** @param {object} message */
  deliver(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }

  /** @param {number} samples @param {string | null} [token] */
  ready(samples, token = null) {
    this.onopen();
    this.sent = [];
    this.deliver({ type: "ready", session_id: "known", token, samples });
  }

  /** Takes the browser's place, with no connection yet. */
  static install() {
    FakeWebSocket.opened = [];
    Object.assign(globalThis, { WebSocket: FakeWebSocket, addEventListener() {}, removeEventListener() {} });
  }
}

/** The newest connection. */
export function latest() {
  return /** @type {FakeWebSocket} */ (FakeWebSocket.opened.at(-1));
}
