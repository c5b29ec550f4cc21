// @ts-check
/** An audio file as the same stream that a microphone gives. */

import { SAMPLE_RATE, toPcm } from "./pcm.js";

/** Bytes. */
const LARGEST = 200e6;
/** Seconds: 3 h. */
const LONGEST = 10_800;

/** Why a file is of no use; `code` tells the sentence for it. */
export class SoundFileError extends Error {
  /**
   * @param {"not_audio" | "too_large" | "too_long"} code
   * @param {unknown} [cause]
   */
  constructor(code, cause) {
    super(code, { cause });
    this.code = code;
  }
}

export class SoundFile {
  #samples;

  /**
   * Decodes it whole, as browsers can do no other.
   * @param {Blob} file
   * @param {number} [longest] seconds
   * @throws {SoundFileError}
   */
  static async open(file, longest = LONGEST) {
    if (file.size > LARGEST) throw new SoundFileError("too_large");
    const context = new OfflineAudioContext(1, 1, SAMPLE_RATE); // decoding resamples to its rate
    const bytes = await file.arrayBuffer();
    const sound = await context.decodeAudioData(bytes).catch((error) => {
      throw new SoundFileError("not_audio", error);
    });
    if (sound.duration > longest) throw new SoundFileError("too_long");
    return new SoundFile(mix(sound));
  }

  /** @param {Float32Array} samples mono, at 16 kHz */
  constructor(samples) {
    this.#samples = samples;
  }

  get seconds() {
    return this.#samples.length / SAMPLE_RATE;
  }

  /** Its PCM, a second at a time; between two of them the page can do something else. */
  async *pieces() {
    for (let start = 0; start < this.#samples.length; start += SAMPLE_RATE) {
      yield toPcm(this.#samples.subarray(start, start + SAMPLE_RATE));
    }
  }
}

/** The mean of the channels. @param {AudioBuffer} sound */
function mix(sound) {
  const mono = sound.getChannelData(0);
  const count = sound.numberOfChannels;
  for (let channel = 1; channel < count; channel++) {
    const other = sound.getChannelData(channel);
    for (let i = 0; i < mono.length; i++) mono[i] += other[i];
  }
  return count > 1 ? mono.map((sample) => sample / count) : mono;
}
