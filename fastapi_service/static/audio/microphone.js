// @ts-check
/** The microphone as a stream of sound that survives unplugging, phone calls and changed settings. Knows no DOM, no socket. */

import { SAMPLE_RATE } from "./pcm.js";

/** How long the audio thread may take to hand out its last sound, or a context to start. */
const PATIENCE_MS = 1000;
/** Between tries to open a device that is there, but does not answer yet. */
const RETRY_MS = 1000;

/**
 * @typedef {import("./voice-gate.js").Sound} Sound
 *
 * @typedef {object} MicrophoneOptions
 * @property {string} deviceId empty: the browser's choice
 * @property {boolean} echoCancellation
 * @property {boolean} noiseSuppression
 * @property {boolean} autoGainControl
 * @property {import("./voice-gate.js").GateOptions} gate
 *
 * @typedef {"open" | "lost" | "denied" | "recovered" | "muted" | "unmuted" | "interrupted" | "running"} MicrophoneState
 *
 * @typedef {object} MicrophoneHandlers
 * @property {(sound: Sound) => void} onSound about every 100 ms; together they are the whole time since it was opened
 * @property {(state: MicrophoneState) => void} onState
 */

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
  #options;
  #handlers;
  /** @type {MediaStream | null} */
  #stream = null;
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {AudioWorkletNode | null} */
  #node = null;
  #finished = () => {};
  /** @type {PermissionStatus | null} */
  #permission = null;
  /** What keeps sound away. @type {"lost" | "denied" | null} */
  #trouble = null;
  #interrupted = false;
  /** One thing at a time: opening, opening again, closing. */
  #work = Promise.resolve();
  #retry = 0;
  /** @type {Promise<void> | null} */
  #closing = null;

  /**
   * Asks for permission, then delivers sound until it is closed.
   * @param {MicrophoneOptions} options
   * @param {MicrophoneHandlers} handlers
   * @throws {MicrophoneError}
   */
  static async open(options, handlers) {
    const obstacle = Microphone.obstacle();
    if (obstacle) throw new MicrophoneError(obstacle);
    const microphone = new Microphone(options, handlers);
    await microphone.#connect();
    await microphone.#watch();
    microphone.#tellOpen("open");
    return microphone;
  }

  /** Why this page can never have a microphone, known without asking for one. */
  static obstacle() {
    if (!window.isSecureContext) return "insecure";
    return navigator.mediaDevices && window.AudioWorkletNode ? null : "unsupported";
  }

  /**
   * @param {MicrophoneOptions} options
   * @param {MicrophoneHandlers} handlers
   */
  constructor(options, handlers) {
    this.#options = options;
    this.#handlers = handlers;
  }

  /**
   * The gate obeys at once; for the rest the device is opened again, and silence stands for the moment in between.
   * @param {MicrophoneOptions} options
   */
  setOptions(options) {
    const { gate, ...wanted } = options;
    const { gate: _, ...present } = this.#options;
    this.#options = options;
    this.#node?.port.postMessage(gate);
    if (JSON.stringify(wanted) !== JSON.stringify(present)) this.#reopen("open");
  }

  /** After an interruption or a loss: try again now. Best called when a person asks for it. */
  resume = () => {
    if (this.#context?.state !== "running") this.#context?.resume().catch(() => {}); // it tells when it runs
    this.#recover();
  };

  /** Resolves when the last sound was handed out, and the browser's recording sign is off. */
  close() {
    return (this.#closing ??= this.#close());
  }

  async #close() {
    clearTimeout(this.#retry);
    navigator.mediaDevices.removeEventListener("devicechange", this.#recover);
    document.removeEventListener("visibilitychange", this.resume);
    removeEventListener("focus", this.resume);
    if (this.#permission) this.#permission.onchange = null;
    await this.#work;
    await this.#finish();
    stop(this.#stream);
  }

  async #watch() {
    navigator.mediaDevices.addEventListener("devicechange", this.#recover);
    document.addEventListener("visibilitychange", this.resume);
    addEventListener("focus", this.resume);
    try {
      this.#permission = await navigator.permissions.query({ name: /** @type {PermissionName} */ ("microphone") });
      this.#permission.onchange = () => (this.#isDenied() ? this.#lose() : this.#recover());
    } catch {
      // This browser does not tell; the track ends all the same.
    }
  }

  /** A device, and a path for its sound in place of the former, which counts silence until then. */
  async #connect() {
    const stream = await this.#acquire();
    /** @type {AudioContext | null} */
    let made = null;
    try {
      const { context, source } = await prepare(stream);
      made = context;
      const node = this.#makeNode(context);
      if (!stream.active) throw new Error("the device went away at once");
      await this.#finish();
      this.#context = context;
      this.#node = node;
      // Its output is silence; some browsers run only what leads to the loudspeaker.
      source.connect(node).connect(context.destination);
      context.onstatechange = () => this.#tellContext();
    } catch (error) {
      if (made) discard(made);
      stop(stream);
      throw new MicrophoneError("broken", error);
    }
  }

  /** Only one stream at a time: some browsers give a device's second stream the settings of its first. */
  async #acquire() {
    stop(this.#stream);
    const { deviceId, gate: _, ...processing } = this.#options;
    const audio = { channelCount: 1, ...processing };
    const devices = navigator.mediaDevices;
    try {
      this.#stream = await devices
        .getUserMedia({ audio: { ...audio, ...(deviceId && { deviceId: { exact: deviceId } }) } })
        .catch((error) => {
          if (deviceId && CODES[error.name] === "missing") return devices.getUserMedia({ audio });
          throw error;
        });
    } catch (error) {
      const { name } = /** @type {DOMException} */ (error);
      throw new MicrophoneError(CODES[name] ?? "broken", error);
    }
    const [track] = this.#stream.getAudioTracks();
    track.onended = () => this.#lose();
    track.onmute = () => this.#handlers.onState("muted");
    track.onunmute = () => this.#handlers.onState("unmuted");
    return this.#stream;
  }

  /** @param {AudioContext} context */
  #makeNode(context) {
    const node = new AudioWorkletNode(context, "pcm", {
      channelCount: 1,
      channelCountMode: "explicit",
      processorOptions: this.#options.gate,
    });
    node.port.onmessage = ({ data }) => (data === null ? this.#finished() : this.#handlers.onSound(data));
    return node;
  }

  /** Let the present path hand out the rest, then take it down. */
  async #finish() {
    const [context, node] = [this.#context, this.#node];
    if (!context || !node) return;
    this.#context = this.#node = null;
    await new Promise((resolve) => {
      this.#finished = () => resolve(undefined);
      node.port.postMessage(null);
      setTimeout(resolve, PATIENCE_MS);
    });
    discard(context);
  }

  #isDenied() {
    return this.#permission?.state === "denied";
  }

  #lose() {
    if (this.#closing) return;
    const trouble = this.#isDenied() ? "denied" : "lost";
    if (trouble !== this.#trouble) this.#handlers.onState(trouble);
    this.#trouble = trouble;
    this.#recover();
  }

  /** The same device, or another one, as soon as there is any. */
  #recover = () => {
    if (this.#trouble && !this.#isDenied()) this.#reopen("recovered");
  };

  /** @param {"open" | "recovered"} state to tell on success */
  #reopen(state) {
    clearTimeout(this.#retry);
    this.#work = this.#work.then(async () => {
      if (this.#closing || (state === "recovered" && !this.#trouble)) return;
      try {
        await this.#connect();
        this.#tellOpen(this.#trouble ? "recovered" : state);
      } catch (error) {
        this.#fail(/** @type {MicrophoneError} */ (error));
      }
    });
  }

  /** @param {MicrophoneError} error */
  #fail(error) {
    console.warn(error); // with its cause, for whoever looks closer
    const trouble = error.code === "denied" ? "denied" : "lost";
    if (trouble !== this.#trouble) this.#handlers.onState(trouble);
    this.#trouble = trouble;
    if (error.code === "busy" || error.code === "broken") this.#retry = setTimeout(this.#recover, RETRY_MS);
  }

  /** @param {"open" | "recovered"} state */
  #tellOpen(state) {
    this.#trouble = null;
    this.#handlers.onState(state);
    this.#tellContext();
    if (this.#stream?.getAudioTracks()[0].muted) this.#handlers.onState("muted");
  }

  #tellContext() {
    const interrupted = this.#context?.state !== "running";
    if (interrupted === this.#interrupted) return;
    this.#interrupted = interrupted;
    this.#handlers.onState(interrupted ? "interrupted" : "running");
    if (interrupted) this.resume();
  }
}

/**
 * Tells the input devices, now and whenever they change. They have names only when a microphone was allowed: call what
 * it returns after that.
 * @param {(devices: MediaDeviceInfo[]) => void} tell
 */
export function watchInputDevices(tell) {
  const look = async () => {
    const devices = await navigator.mediaDevices.enumerateDevices();
    tell(devices.filter(({ kind }) => kind === "audioinput"));
  };
  navigator.mediaDevices.addEventListener("devicechange", look);
  look();
  return look;
}

/**
 * A running context that the stream leads into: of our rate, or, where the browser does not connect that, of the device's.
 * @param {MediaStream} stream
 */
async function prepare(stream) {
  try {
    return await prepareAt({ sampleRate: SAMPLE_RATE }, stream);
  } catch (error) {
    if (/** @type {DOMException} */ (error).name !== "NotSupportedError") throw error;
    return prepareAt({}, stream);
  }
}

/**
 * @param {AudioContextOptions} options
 * @param {MediaStream} stream
 */
async function prepareAt(options, stream) {
  const context = new AudioContext(options);
  try {
    const source = context.createMediaStreamSource(stream);
    await context.audioWorklet.addModule(new URL("pcm-worklet.js", import.meta.url));
    // Without a person's gesture it may never start; then it is interrupted, which is told.
    await Promise.race([context.resume(), new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
    return { context, source };
  } catch (error) {
    discard(context);
    throw error;
  }
}

/** @param {AudioContext} context */
function discard(context) {
  context.onstatechange = null;
  context.close();
}

/** @param {MediaStream | null} stream */
function stop(stream) {
  for (const track of stream?.getTracks() ?? []) {
    track.onended = track.onmute = track.onunmute = null;
    track.stop();
  }
}
