// @ts-check
/** Lets the service decode a file: it requests the parts that it needs. The contract is in docs/protocol.md, "Decoding files". */

/**
 * The PCM stays in blobs, which browsers keep outside of the tab's memory.
 * @param {Blob} file
 * @param {URL} url of /decode
 * @returns {Promise<{ pieces: Blob[], error: import("../wire/messages.js").Error | null }>} with an error, what comes before it
 */
export function decodeRemotely(file, url) {
  const socket = new WebSocket(url);
  /** @type {Blob[]} */
  const pieces = [];
  return new Promise((resolve) => {
    /** @param {import("../wire/messages.js").Error | null} error */
    const end = (error) => resolve({ pieces, error });
    socket.onopen = () => socket.send(JSON.stringify({ type: "open", size: file.size }));
    socket.onmessage = ({ data }) => {
      if (data instanceof Blob) return void pieces.push(data);
      const message = JSON.parse(data);
      if (message.type === "read") socket.send(file.slice(message.offset, message.offset + message.length));
      else end(message.type === "error" ? message : null);
    };
    // Half a file without a reason is none. After the end this has no effect.
    socket.onclose = () =>
      resolve({ pieces: [], error: { type: "error", code: "unreachable", message: "", remedy: "", fatal: true } });
  });
}
