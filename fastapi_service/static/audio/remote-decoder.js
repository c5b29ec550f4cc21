// @ts-check
/** Lets the service decode a file: it requests the parts that it needs. The contract is in docs/protocol.md, "Decoding files". */

/** A line without a message for this long is dead. */
const SILENT_MS = 45_000;
/** Pause before the next attempt. */
const AGAIN_MS = 3000;
/** A lost line costs the file's beginning, so not too often. */
const RECONNECTS = 2;

/**
 * @typedef {object} Progress
 * @property {AbortSignal} [signal] ends it
 * @property {(state: "reading" | "queued", share: number) => void} [onState] `share` of the file that was read, 0–1
 * @property {{ silentMs?: number, againMs?: number }} [pauses]
 */

/** @typedef {{ pieces: Blob[], error: import("../wire/messages.js").Error | null }} Decoded with an error, what comes before it */

/**
 * Waits while all decoders are busy, and connects again when the line is lost. The PCM stays in blobs, which browsers keep
 * outside of the tab's memory.
 * @param {Blob} file
 * @param {URL} url of /decode
 * @param {Progress} [progress]
 * @returns {Promise<Decoded>}
 * @throws {DOMException} it was ended
 */
export async function decodeRemotely(file, url, progress = {}) {
  const { signal, onState = () => {}, pauses: { silentMs = SILENT_MS, againMs = AGAIN_MS } = {} } = progress;
  for (let lost = 0; ; ) {
    const decoded = await attempt(file, url, silentMs, onState, signal);
    const code = decoded.error?.code;
    if (code === "decoders_busy") onState("queued", 0);
    else if (code !== "unreachable" || lost++ >= RECONNECTS) return decoded;
    await new Promise((resolve) => setTimeout(resolve, againMs));
    signal?.throwIfAborted();
  }
}

/**
 * @param {Blob} file
 * @param {URL} url
 * @param {number} silentMs
 * @param {NonNullable<Progress["onState"]>} onState
 * @param {AbortSignal} [signal]
 * @returns {Promise<Decoded>}
 */
function attempt(file, url, silentMs, onState, signal) {
  const socket = new WebSocket(url);
  /** @type {Blob[]} */
  const pieces = [];
  let share = 0;
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  return new Promise((resolve, reject) => {
    /** @param {Decoded} decoded */
    const end = (decoded) => {
      clearTimeout(timer);
      socket.onmessage = socket.onclose = null;
      resolve(decoded);
      socket.close();
    };
    // Half a file without a reason is none.
    const lose = () =>
      end({ pieces: [], error: { type: "error", code: "unreachable", message: "", remedy: "", fatal: true } });
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(lose, silentMs);
    };
    wait();
    signal?.addEventListener("abort", () => {
      reject(signal.reason);
      lose();
    });
    socket.onopen = () => socket.send(JSON.stringify({ type: "open", size: file.size }));
    socket.onmessage = ({ data }) => {
      wait();
      if (data instanceof Blob) return void pieces.push(data);
      const message = JSON.parse(data);
      if (message.type !== "read") return end({ pieces, error: message.type === "error" ? message : null });
      socket.send(file.slice(message.offset, message.offset + message.length));
      onState("reading", (share = Math.max(share, message.offset / file.size)));
    };
    socket.onclose = lose;
  });
}
