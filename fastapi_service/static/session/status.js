// @ts-check
/** The status of a session, pure: one word of what the page shows, from everything that goes on at the same time. */

/** @typedef {import("../view/view.js").Status} Status */

export class SessionStatus {
  /** @type {"connecting" | "open" | "reconnecting"} */
  connection = "connecting";
  microphone = false;
  /** The browser's request for permission is open. */
  permission = false;
  /** Share of a file that was sent, 0–1. @type {number | null} */
  progress = null;
  /** The gateway found speech that has not ended. */
  speech = false;
  /** No more audio is wanted. */
  finishing = false;
  lost = false;
  /** The sound of a call is recorded beside the microphone. */
  shared = false;
  /** The link into the room lets us read only. */
  reader = false;
  #muted = false;
  #interrupted = false;

  /** A microphone is open, or a file is being sent. */
  get hasSource() {
    return this.microphone || this.progress !== null;
  }

  /** The microphone gives no audio for now. */
  get withoutAudio() {
    return this.lost || this.#muted || this.#interrupted;
  }

  /** A call is recorded, whatever the microphone does. */
  get callGoesOn() {
    return this.shared && !this.#interrupted;
  }

  /** @param {import("../audio/microphone.js").MicrophoneState} state */
  note(state) {
    if (state === "lost" || state === "denied") this.lost = true;
    else if (state === "open" || state === "recovered") this.lost = this.#muted = false;
    else if (state === "muted" || state === "unmuted") this.#muted = state === "muted";
    else this.#interrupted = state === "interrupted";
  }

  /** @returns {Status} */
  get value() {
    if (this.finishing) return "finishing";
    if (this.permission) return "permission";
    if (!this.hasSource) return this.connection !== "open" ? "joining" : this.reader ? "following" : "watching";
    if (this.connection !== "open") return this.connection;
    if (this.progress !== null) return "sending";
    if (this.lost) return "lost";
    if (this.#interrupted) return "interrupted";
    if (this.#muted) return "muted";
    return this.speech ? "hearing" : "listening";
  }
}
