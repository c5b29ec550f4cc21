// @ts-check
/** The microphone as a stream of Int16 frames. Knows no DOM and no socket. */

/** Whatever the room: no echo of the loudspeaker, and a level that is neither faint nor clipped. */
const CONSTRAINTS = { audio: { channelCount: 1, echoCancellation: true, autoGainControl: true } };
/** How long the audio thread may take to hand out its last frame. */
const FLUSH_MS = 1000;

/** Why there is no microphone; `code` is a key of `words.microphone`. */
export class MicrophoneError extends Error {
  /**
   * @param {"insecure" | "unsupported" | "denied" | "missing" | "busy" | "broken"} code
   * @param {unknown} [cause]
   */
  constructor(code, cause) {
    super(code, { cause });
    this.code = code;
  }
}

/** @type {Record<string, "denied" | "missing" | "busy">} */
const CODES = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "busy",
  AbortError: "busy",
};

export class Microphone {
  #stream;
  #context;
  #node;
  /** @type {() => void} */
  #finished = () => {};
  /** @type {Promise<void> | null} */
  #closing = null;

  /**
   * Asks for permission, then calls `onFrame` every 100 ms, and `onLost` if the device goes away.
   * @param {(pcm: Int16Array<ArrayBuffer>) => void} onFrame
   * @param {() => void} onLost
   * @throws {MicrophoneError}
   */
  static async open(onFrame, onLost) {
    const obstacle = Microphone.obstacle();
    if (obstacle) throw new MicrophoneError(obstacle);
    const stream = await navigator.mediaDevices.getUserMedia(CONSTRAINTS).catch((error) => {
      throw new MicrophoneError(CODES[error.name] ?? "broken", error);
    });
    /** @type {AudioContext | undefined} */
    let context;
    try {
      // At the rate of the sound card: not every browser connects a microphone to a context of another rate.
      context = new AudioContext();
      await context.audioWorklet.addModule(new URL("pcm-worklet.js", import.meta.url));
      await context.resume();
      return new Microphone(stream, context, onFrame, onLost);
    } catch (error) {
      release(stream, context);
      throw new MicrophoneError("broken", error);
    }
  }

  /** Why this page can never have a microphone, known without asking for one. */
  static obstacle() {
    if (!window.isSecureContext) return "insecure";
    return navigator.mediaDevices && window.AudioWorkletNode ? null : "unsupported";
  }

  /**
   * @param {MediaStream} stream
   * @param {AudioContext} context
   * @param {(pcm: Int16Array<ArrayBuffer>) => void} onFrame
   * @param {() => void} onLost
   */
  constructor(stream, context, onFrame, onLost) {
    this.#stream = stream;
    this.#context = context;
    this.#node = new AudioWorkletNode(context, "pcm", { channelCount: 1, channelCountMode: "explicit" });
    this.#node.port.onmessage = ({ data }) => (data === null ? this.#finished() : onFrame(data));
    for (const track of stream.getAudioTracks()) track.onended = onLost;
    // Its output is silence; some browsers run only what leads to the loudspeaker.
    context.createMediaStreamSource(stream).connect(this.#node).connect(context.destination);
  }

  /** Resolves when the last frame was handed out, and the browser's recording sign is off. */
  close() {
    return (this.#closing ??= this.#close());
  }

  async #close() {
    await new Promise((resolve) => {
      this.#finished = () => resolve(undefined);
      this.#node.port.postMessage("finish");
      setTimeout(resolve, FLUSH_MS);
    });
    release(this.#stream, this.#context);
  }
}

/**
 * @param {MediaStream} stream
 * @param {AudioContext} [context]
 */
function release(stream, context) {
  for (const track of stream.getTracks()) track.stop();
  context?.close();
}
