// @ts-check
/** One session of a page of your own. What it does is in the modules of the service's own page; here they are joined. */

import { AudioFile } from "../../../fastapi_service/static/audio/audio-file.js";
import { Microphone } from "../../../fastapi_service/static/audio/microphone.js";
import { SAMPLE_RATE } from "../../../fastapi_service/static/audio/pcm.js";
import { SpeechSocket } from "../../../fastapi_service/static/session/socket.js";
import { Deferred } from "./deferred.js";
import { Listeners } from "./listeners.js";
import { ServiceError, ended, reasonOf } from "./service-error.js";

/** As on the service's own page. @type {import("./events.js").MicrophoneOptions} */
const MICROPHONE = { device: null, echoCancellation: true, noiseSuppression: false, autoGainControl: true, threshold: null };

/** @typedef {import("./events.js").Events} Events */
/** @typedef {import("./events.js").Session} Session */

export class Talker {
  #service;
  #socket;
  #start;
  #lastSeq;
  /** @type {Session | null} */
  #session;
  /** @type {Listeners<Events>} */
  #listeners = new Listeners();
  /** @type {Microphone | null} */
  #microphone = null;
  #progress = /** @type {"new" | "begun" | "stands" | "over"} */ ("new");
  /** Settled when the session stands, or cannot. @type {Deferred<void> | null} */
  #opening = null;
  /** The number of results that are missing at the end. @type {Deferred<number | null>} */
  #end = new Deferred();
  /** The latest fault before the session stands. @type {ServiceError | null} */
  #failure = null;
  #explaining = false;
  #sendsFile = false;

  /**
   * @param {string | URL} service address of the service's own page, such as https://talk.example.org
   * @param {import("./events.js").TalkerOptions} [options]
   */
  constructor(service, { resume = null, lastSeq = 0, ...start } = {}) {
    this.#service = new URL(service);
    this.#service.pathname = this.#service.pathname.replace(/\/?$/, "/");
    this.#start = { languages: [], prompt: "", ...start };
    this.#session = resume;
    this.#lastSeq = lastSeq;
    const url = new URL("ws", this.#service);
    url.protocol = url.protocol.replace("http", "ws");
    this.#socket = new SpeechSocket(
      { url, start: this.#start, channels: resume?.second ? 2 : 1, resume },
      {
        onState: (state) => this.#onState(state),
        onMessage: (message) => this.#onMessage(message),
        onSession: (session) => void (this.#session = session),
        onDropped: () => this.#listeners.call("dropped", undefined),
        onRenewed: () => this.#listeners.call("renewed", undefined),
        onWaiting: (pending) => this.#listeners.call("waiting", pending),
        onEnd: (missing) => this.#onEnd(missing),
      },
    );
  }

  /** Resumes, exports and deletes the session; null before it stands. Whoever has it can read what was said. */
  get session() {
    return this.#session;
  }

  /** `seq` of the newest result. */
  get lastSeq() {
    return this.#opening ? this.#socket.lastSeq : this.#lastSeq;
  }

  /** The open microphone, to set its options or to share sound again. */
  get microphone() {
    return this.#microphone;
  }

  /**
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {(value: Events[Name]) => void} listener
   * @returns {() => void} removes it
   */
  on(name, listener) {
    return this.#listeners.add(name, listener);
  }

  /**
   * Opens the microphone and the session. What is said before the session stands is sent then.
   * @param {Partial<import("./events.js").MicrophoneOptions>} [options]
   * @throws {import("../../../fastapi_service/static/audio/input-devices.js").MicrophoneError} there is none
   * @throws {ServiceError} the service lets this page or this person not in
   */
  async start(options = {}) {
    this.#begin();
    const wanted = { ...MICROPHONE, ...options };
    if (wanted.talkers && wanted.talkers !== "one") this.#socket.channels = 2;
    const channels = this.#session ? this.#socket.channels : null;
    this.#microphone = await this.#opened(Microphone.open(wanted, this.#microphoneHandlers(), channels));
    await this.#connect();
  }

  /**
   * Sends a file that the browser can decode, as fast as the service takes it, and waits for its results.
   * @param {Blob} file
   * @returns {Promise<number | null>} as `stop`
   * @throws {import("../../../fastapi_service/static/audio/audio-file.js").AudioFileError} it cannot be decoded
   * @throws {ServiceError}
   */
  async play(file) {
    this.#begin();
    const audio = await this.#opened(AudioFile.open(file));
    this.#sendsFile = true;
    await this.#connect();
    let sent = 0;
    for await (const pcm of audio.pieces()) {
      await this.#socket.audio.waitForCapacity();
      if (this.#progress === "over") break;
      this.#socket.audio.push(pcm);
      sent += pcm.length / SAMPLE_RATE;
      this.#listeners.call("progress", sent / audio.seconds);
    }
    return this.stop();
  }

  /** Follows a room without audio. @throws {ServiceError} */
  async watch() {
    this.#begin();
    await this.#connect();
  }

  /** Changes what is recognised from now on, or who talks. @param {import("./events.js").Changes} changes */
  configure(changes) {
    this.#start = { ...this.#start, ...changes };
    this.#socket.configure(this.#start);
  }

  /**
   * Ends the audio and waits for the last results.
   * @returns {Promise<number | null>} how many of them are missing all the same; null: unknown
   */
  async stop() {
    if (this.#opening) {
      await this.#microphone?.close();
      this.#socket.stop();
    } else this.leave();
    return this.#end.promise;
  }

  /** Ends at once, without the results that are still missing. */
  leave() {
    this.#socket.giveUp();
  }

  #begin() {
    if (this.#progress !== "new") throw new Error("A talker is one session, which has begun: make another one.");
    this.#progress = "begun";
  }

  /** Returns the source of audio; without it, the talker is over. @template Source @param {Promise<Source>} source */
  async #opened(source) {
    try {
      return await source;
    } catch (error) {
      this.leave();
      throw error;
    }
  }

  async #connect() {
    if (this.#progress === "over") {
      await this.#microphone?.close();
      throw ended();
    }
    this.#opening = new Deferred();
    this.#socket.open(this.#lastSeq);
    await this.#opening.promise;
  }

  /** @returns {import("../../../fastapi_service/static/audio/microphone.js").MicrophoneHandlers} */
  #microphoneHandlers() {
    return {
      onChunk: ({ gap, pcm, energy, threshold }) => {
        if (gap) this.#socket.audio.skip(gap);
        if (pcm.length) this.#socket.audio.push(pcm);
        this.#listeners.call("level", { energy, threshold });
      },
      onState: (state) => this.#listeners.call("microphone", state),
      onSecond: (state) => {
        if (state === "mono" && !this.#opening) this.#socket.channels = 1; // of a session that has not begun
        this.#listeners.call("second", state);
      },
    };
  }

  /** @param {"connecting" | "open" | "reconnecting"} state */
  #onState(state) {
    this.#listeners.call("state", state);
    if (state === "reconnecting" && this.#progress === "begun") this.#explain();
  }

  /** Reports why the session does not open; it ends if no attempt can open it. */
  async #explain() {
    if (this.#explaining) return;
    this.#explaining = true;
    const failure = this.#failure ?? (await reasonOf(this.#service));
    this.#explaining = false;
    if (this.#progress !== "begun") return;
    this.#failure = failure?.code === "origin_refused" ? failure : null;
    if (this.#failure) this.leave();
    else if (failure) this.#report(failure);
  }

  /** @param {ServiceError} error */
  #report(error) {
    if (!this.#listeners.call("error", error)) console.warn(error);
  }

  /** @param {import("./events.js").ServerMessage} message */
  #onMessage(message) {
    if (message.type === "error") {
      if (message.code === "busy" && this.#sendsFile) return; // a file comes faster than speech
      const error = new ServiceError(message);
      if (this.#progress === "stands") this.#report(error);
      else this.#failure = error;
      return;
    }
    if (message.type === "ready") {
      this.#microphone?.setEndpointing(message.endpointing ?? null);
      this.#progress = "stands";
      this.#opening?.resolve();
    }
    this.#listeners.call(/** @type {"final"} */ (message.type), /** @type {any} */ (message));
  }

  /** @param {number | null} missing */
  async #onEnd(missing) {
    this.#progress = "over";
    await this.#microphone?.close();
    this.#opening?.reject(this.#failure ?? ended());
    this.#listeners.call("state", "ended");
    this.#end.resolve(missing);
  }
}
