// @ts-check
/** The one audio format of the service: 16 kHz, Int16, one talker or two in turn. Pure, so that a worklet can import it. */

/** Hertz. */
export const SAMPLE_RATE = 16_000;

/**
 * Float32 → Int16. Samples outside [−1, 1) are clipped, because a wrapped peak is a loud click.
 * @param {Float32Array} samples
 */
export function toPcm(samples) {
  return new Int16Array(samples.map((sample) => Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_768)))));
}

/**
 * The samples of all channels in turn, as left, right, left, right.
 * @param {Float32Array[]} channels of the same length
 */
export function interleave(channels) {
  if (channels.length === 1) return channels[0];
  const samples = new Float32Array(channels.length * channels[0].length);
  channels.forEach((channel, number) => {
    for (let i = 0; i < channel.length; i++) samples[i * channels.length + number] = channel[i];
  });
  return samples;
}
