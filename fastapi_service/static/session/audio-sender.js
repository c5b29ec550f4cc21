// @ts-check
/** The audio of a session on its way to the service: sent once per connection, kept until acknowledged, then `stop`. */

import { SAMPLE_RATE } from "../audio/pcm.js";
import { ReplayBuffer } from "./replay-buffer.js";

/** Covers an outage of 60 s, the utterance before it (at most 29 s) and the reconnection (14 s): 3.5 MB. */
const REPLAY_CAPACITY = 110 * SAMPLE_RATE;
/**
 * With more unacknowledged audio than this a file waits. Acknowledgements come when utterances end, so it must exceed the
 * longest one (29 s), the silence before it, and one piece of a file.
 */
const HIGH_WATER = 35 * SAMPLE_RATE;
/** Samples in a message, of all channels: the service takes 64 KiB, and the pre-roll of two channels is more than that. */
const LONGEST_MESSAGE = SAMPLE_RATE;
/** Bytes; what a stalled service does not take stays in the replay buffer, which is bounded. */
const MAX_BUFFERED = 1_000_000;

export class AudioSender {
  #connection;
  #onDropped;
  #buffer = new ReplayBuffer(REPLAY_CAPACITY);
  /** The service takes audio: between `ready` and the loss of the connection. */
  ready = false;
  /** Position up to which audio went into the present connection, in samples since the session's start. */
  #sent = 0;
  #stopping = false;
  #stopSent = false;
  /** Resolvers of `waitForCapacity`. @type {(() => void)[]} */
  #waiting = [];

  /**
   * @param {import("./reconnecting-socket.js").ReconnectingSocket} connection
   * @param {() => void} onDropped unacknowledged audio exceeded the replay buffer; repeated with each further piece
   */
  constructor(connection, onDropped) {
    this.#connection = connection;
    this.#onDropped = onDropped;
  }

  /** Channels of the audio; only before the first of it. @param {number} channels */
  set channels(channels) {
    this.#buffer.channels = channels;
  }

  /** The service reads audio, and answers pings: not before `ready`, and not after `stop`. */
  get active() {
    return this.ready && !this.#stopSent;
  }

  /** @param {Int16Array<ArrayBuffer>} pcm at 16 kHz, the samples of all channels in turn */
  push(pcm) {
    const { dropped } = this.#buffer;
    for (let at = 0; at < pcm.length; at += LONGEST_MESSAGE) this.#buffer.push(pcm.slice(at, at + LONGEST_MESSAGE));
    if (this.#buffer.dropped > dropped) this.#reportDropped();
    this.pump();
  }

  /**
   * Silence, which is not sent.
   * @param {number} samples of each channel
   */
  skip(samples) {
    this.#buffer.skip(samples);
    this.pump();
  }

  /** Sends `stop` after the last audio. */
  stop() {
    this.#stopping = true;
    this.pump();
  }

  /** Resolves when a file may continue: it comes faster than the service works. */
  waitForCapacity() {
    return new Promise((resolve) => {
      this.#waiting.push(() => resolve(undefined));
      this.#releaseWaiting();
    });
  }

  /**
   * Takes the position at which the service continues.
   * @param {number} position in samples
   * @param {boolean} inherited the position is of a session that began on an earlier page
   */
  begin(position, inherited) {
    if (inherited) this.#buffer.continueAt(position);
    this.acknowledge(position);
    this.#sent = position;
    this.#reportDropped();
    this.ready = true;
  }

  /** @param {number} position everything before it is safe, in samples */
  acknowledge(position) {
    this.#buffer.acknowledge(position);
    this.#releaseWaiting();
  }

  /** Makes what is not acknowledged the beginning of a new session. */
  rebase() {
    this.#buffer.rebase();
  }

  /** The connection is lost. */
  pause() {
    this.#sent = 0;
    this.ready = this.#stopSent = false;
    this.#releaseWaiting();
  }

  /** Sends what the connection takes, and `stop` after the last of it. */
  pump() {
    while (this.active && this.#connection.bufferedAmount < MAX_BUFFERED) {
      const frame = this.#buffer.next(this.#sent);
      const silence = (frame?.start ?? this.#buffer.end) - this.#sent;
      if (silence > 0) this.#connection.send({ type: "gap", samples: silence });
      this.#sent += Math.max(0, silence);
      if (!frame) {
        if (this.#stopping) this.#connection.send({ type: "stop" });
        this.#stopSent = this.#stopping;
        return;
      }
      this.#connection.send(frame.pcm);
      this.#sent = this.#buffer.endOf(frame);
    }
  }

  /** Not while all of it went into the present connection, which may still bring its acknowledgement. */
  #reportDropped() {
    if (this.#buffer.dropped > this.#sent) this.#onDropped();
  }

  #releaseWaiting() {
    if (this.#buffer.kept < HIGH_WATER || this.#connection.closed) for (const go of this.#waiting.splice(0)) go();
  }
}
