// @ts-check
/** An audio file as the stream that a microphone gives, decoded by the browser or by the service. */

import { SAMPLE_RATE, toPcm } from "./pcm.js";
import { decodeRemotely } from "./remote-decoder.js";

const MAX_BYTES = 200e6;
/** 3 h. */
const MAX_SECONDS = 10_800;
/** The browser decodes at once: 10 minutes can take 500 MB. What is longer is for the service. */
const SHORT_S = 600;
/** Of unknown length, what is larger counts as longer. */
const SMALL_BYTES = 1e6;
/** What the service does not read, such as M4A, is tried in the browser up to this length; of unknown length, this size. */
const HELD_S = 3600;
const HELD_BYTES = 4e6;
/** The service's codes, where the page has its own for the same: not_audio may be read by the browser. @type {Record<string, string>} */
export const CODES = { not_wav: "not_audio", wav_format: "not_audio", wav_empty: "empty", no_sound: "empty" };
/** Power of the sum of the channels, relative to theirs, below which they cancel each other out, as in infra/sound/mono.py. */
const CANCELLED = 0.1;

/** A file that cannot be used; `code` is a key of the texts in `i18n`, `file`, or the service's. */
export class AudioFileError extends Error {
  /**
   * @param {string} code
   * @param {unknown} [cause] if the code is the service's, its error
   */
  constructor(code, cause) {
    super(code, { cause });
    this.code = code;
  }
}

export class AudioFile {
  seconds;
  #count;
  #piece;
  /** The service's reason why the end is missing. @type {AudioFileError | null} */
  problem = null;

  /**
   * Decodes a file: a short one here, a long one by the service; what one of them cannot read, by the other.
   * @param {Blob} file
   * @param {number} [longest] seconds
   * @param {URL} [service] of /decode
   * @param {import("./remote-decoder.js").Progress} [progress]
   * @throws {AudioFileError}
   * @throws {DOMException} it was ended
   */
  static async open(file, longest = MAX_SECONDS, service, progress) {
    if (file.size > MAX_BYTES) throw new AudioFileError("too_large");
    const seconds = await durationOf(file);
    const unknown = !(seconds < Infinity);
    if (!unknown && seconds > longest) throw new AudioFileError("too_long");
    const short = unknown ? file.size <= SMALL_BYTES : seconds <= SHORT_S;
    const held = unknown ? file.size <= HELD_BYTES : seconds <= HELD_S;
    const there = () => decodeThere(file, /** @type {URL} */ (service), progress);
    const decoders = held ? [() => decodeHere(file)] : [];
    if (service) decoders.splice(short ? 1 : 0, 0, there);
    let cause;
    for (const decode of decoders) {
      try {
        const audio = await decode();
        progress?.signal?.throwIfAborted();
        if (audio.seconds > longest) throw new AudioFileError("too_long");
        if (!audio.seconds) throw new AudioFileError("empty");
        return audio;
      } catch (error) {
        progress?.signal?.throwIfAborted();
        if (error instanceof AudioFileError && error.code !== "not_audio") throw error;
        cause ??= error;
      }
    }
    throw new AudioFileError(seconds > (unknown && held ? Infinity : SHORT_S) ? "memory" : "not_audio", cause);
  }

  /**
   * @param {number} seconds
   * @param {number} count of pieces
   * @param {(index: number) => Int16Array<ArrayBuffer> | Promise<Int16Array<ArrayBuffer>>} piece about a second of PCM
   */
  constructor(seconds, count, piece) {
    this.seconds = seconds;
    this.#count = count;
    this.#piece = piece;
  }

  /** The PCM, one second at a time: only the pieces in use are converted. */
  *pieces() {
    for (let i = 0; i < this.#count; i++) yield this.#piece(i);
  }
}

/** Seconds by the file's header; Infinity if it does not say them, NaN if the browser does not read it. @param {Blob} file @returns {Promise<number>} */
async function durationOf(file) {
  if (!globalThis.Audio || !file.size) return NaN;
  const probe = new Audio();
  const url = URL.createObjectURL(file);
  await new Promise((resolve) => {
    probe.onloadedmetadata = probe.onerror = resolve;
    setTimeout(resolve, 5000);
    probe.preload = "metadata";
    probe.src = url;
  });
  const { duration } = probe;
  probe.src = ""; // else it may go on loading
  URL.revokeObjectURL(url);
  return duration;
}

/** @param {Blob} file */
async function decodeHere(file) {
  const context = new OfflineAudioContext(1, 1, SAMPLE_RATE); // decoding resamples to its rate
  const audio = await context.decodeAudioData(await file.arrayBuffer());
  const channels = Array.from({ length: audio.numberOfChannels }, (_, channel) => audio.getChannelData(channel));
  const samples = channels[0].length;
  return new AudioFile(samples / SAMPLE_RATE, Math.ceil(samples / SAMPLE_RATE), (index) =>
    toPcm(mix(channels.map((channel) => channel.subarray(index * SAMPLE_RATE, (index + 1) * SAMPLE_RATE)))),
  );
}

/** @param {Blob} file @param {URL} service @param {import("./remote-decoder.js").Progress} [progress] */
async function decodeThere(file, service, progress) {
  const { pieces, error } = await decodeRemotely(file, service, progress);
  const problem = error && new AudioFileError(CODES[error.code] ?? error.code, error);
  if (problem && !pieces.length) throw problem;
  const bytes = pieces.reduce((sum, { size }) => sum + size, 0);
  const audio = new AudioFile(bytes / 2 / SAMPLE_RATE, pieces.length, async (i) => new Int16Array(await pieces[i].arrayBuffer()));
  audio.problem = problem;
  return audio;
}

/** The mean of the channels; of channels that cancel each other out, as when one is inverted, the loudest. @param {Float32Array[]} channels */
function mix(channels) {
  const mean = channels[0].map((_, i) => channels.reduce((sum, channel) => sum + channel[i], 0) / channels.length);
  const powers = channels.map(power);
  const all = powers.reduce((sum, each) => sum + each);
  if (power(mean) * channels.length ** 2 >= CANCELLED * all) return mean;
  return channels[powers.indexOf(Math.max(...powers))];
}

/** @param {Float32Array} samples */
function power(samples) {
  return samples.reduce((sum, sample) => sum + sample * sample, 0);
}
