// @ts-check
/** The one audio format of the service: 16 kHz, mono, Int16. Pure, so that a worklet can import it. */

/** Hertz. */
export const SAMPLE_RATE = 16_000;

const FRAME_MS = 100;

/** Samples that travel in one message. */
export const FRAME_SAMPLES = (SAMPLE_RATE * FRAME_MS) / 1000; // 1600

/**
 * Float32 → Int16; what lies outside [−1, 1) is clipped, for a wrapped peak is a loud click.
 * @param {number} sample
 */
export function toInt16(sample) {
  return Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_768)));
}
