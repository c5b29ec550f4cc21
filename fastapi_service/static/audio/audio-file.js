// @ts-check
/** An audio file as the stream that a microphone gives. */

import { SAMPLE_RATE, toPcm } from "./pcm.js";

const MAX_BYTES = 200e6;
/** 3 h. */
const MAX_SECONDS = 10_800;

/** A file that cannot be used; `code` is a key of the texts in `i18n`, `file`. */
export class AudioFileError extends Error {
  /**
   * @param {"not_audio" | "too_large" | "too_long"} code
   * @param {unknown} [cause]
   */
  constructor(code, cause) {
    super(code, { cause });
    this.code = code;
  }
}

export class AudioFile {
  #samples;

  /**
   * Decodes a file as a whole: browsers have no other way.
   * @param {Blob} file
   * @param {number} [longest] seconds
   * @throws {AudioFileError}
   */
  static async open(file, longest = MAX_SECONDS) {
    if (file.size > MAX_BYTES) throw new AudioFileError("too_large");
    const context = new OfflineAudioContext(1, 1, SAMPLE_RATE); // decoding resamples to its rate
    const audio = await file
      .arrayBuffer()
      .then((bytes) => context.decodeAudioData(bytes))
      .catch((error) => {
        throw new AudioFileError("not_audio", error); // a folder, or a file that is gone, cannot even be read
      });
    if (audio.duration > longest) throw new AudioFileError("too_long");
    return new AudioFile(mix(audio));
  }

  /** @param {Float32Array} samples mono, at 16 kHz */
  constructor(samples) {
    this.#samples = samples;
  }

  get seconds() {
    return this.#samples.length / SAMPLE_RATE;
  }

  /** The PCM, one second at a time: only the pieces in use are converted. */
  *pieces() {
    for (let start = 0; start < this.#samples.length; start += SAMPLE_RATE) {
      yield toPcm(this.#samples.subarray(start, start + SAMPLE_RATE));
    }
  }
}

/** The mean of the channels. @param {AudioBuffer} audio */
function mix(audio) {
  const mono = audio.getChannelData(0);
  const count = audio.numberOfChannels;
  for (let channel = 1; channel < count; channel++) {
    const other = audio.getChannelData(channel);
    for (let i = 0; i < mono.length; i++) mono[i] += other[i];
  }
  return count > 1 ? mono.map((sample) => sample / count) : mono;
}
