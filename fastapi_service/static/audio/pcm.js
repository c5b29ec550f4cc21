// @ts-check
/** The one audio format of the service: 16 kHz, mono, Int16. Pure, so that a worklet can import it. */

/** Hertz. */
export const SAMPLE_RATE = 16_000;

/**
 * Float32 → Int16. Samples outside [−1, 1) are clipped, because a wrapped peak is a loud click.
 * @param {Float32Array} samples
 */
export function toPcm(samples) {
  return new Int16Array(samples.map((sample) => Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_768)))));
}
