// @ts-check
/** The way of a stream's audio, or of two beside each other: audio context → worklet → chunks. */

import { SAMPLE_RATE } from "./pcm.js";

/** For the audio thread to hand out its last chunk, or a context to start. */
const TIMEOUT_MS = 1000;

/**
 * @typedef {import("./silence-suppressor.js").SuppressorOptions} SuppressorOptions
 * @typedef {Awaited<ReturnType<typeof prepareAt>>} AudioPath
 *
 * @typedef {object} PathHandlers
 * @property {(chunk: import("./silence-suppressor.js").AudioChunk) => void} onChunk
 * @property {() => void} onContext the context runs, or no longer runs
 */

/**
 * Prepares a path with a running context; it carries nothing before `start`. The context has our rate or, where the browser
 * cannot connect the stream to that, the device's.
 * @param {MediaStream} stream
 * @param {SuppressorOptions} options
 * @param {PathHandlers} handlers
 * @param {boolean} beside the stream is the left channel, and the right one is what `addRight` adds
 */
export async function preparePath(stream, options, handlers, beside) {
  try {
    return await prepareAt({ sampleRate: SAMPLE_RATE }, stream, options, handlers, beside);
  } catch (error) {
    if (/** @type {DOMException} */ (error).name !== "NotSupportedError") throw error;
    return prepareAt({}, stream, options, handlers, beside);
  }
}

/**
 * @param {AudioContextOptions} rate
 * @param {MediaStream} stream
 * @param {SuppressorOptions} options
 * @param {PathHandlers} handlers
 * @param {boolean} beside
 */
async function prepareAt(rate, stream, options, { onChunk, onContext }, beside) {
  const context = new AudioContext(rate);
  try {
    const source = context.createMediaStreamSource(stream);
    await context.audioWorklet.addModule(new URL("pcm-worklet.js", import.meta.url));
    // Without a person's gesture it may never start; then it counts as interrupted.
    await Promise.race([context.resume(), timeout()]);
    const node = new AudioWorkletNode(context, "pcm", { ...layout(options.channels ?? 1), processorOptions: options });
    const merger = beside ? context.createChannelMerger(2) : null; // it mixes each stream down to its channel
    let onFinished = () => {};
    node.port.onmessage = ({ data }) => (data === null ? onFinished() : onChunk(data));
    return {
      start() {
        // The worklet's output is silence; some browsers run only what leads to the loudspeaker.
        (merger ? source.connect(merger, 0, 0) : source).connect(node).connect(context.destination);
        context.onstatechange = onContext;
      },
      /** Makes a stream the right channel; a stream that ends leaves silence in it. @param {MediaStream} right */
      addRight(right) {
        if (merger) context.createMediaStreamSource(right).connect(merger, 0, 1);
      },
      /** @param {SuppressorOptions} changed */
      configure: (changed) => node.port.postMessage(changed),
      running: () => context.state === "running",
      /** Tries to run an interrupted context again. */
      resume() {
        if (context.state !== "running") context.resume().catch(() => {}); // success is reported by onContext
      },
      /** Hands out the rest, then takes the path down. */
      async finish() {
        const finished = new Promise((resolve) => (onFinished = () => resolve(undefined)));
        node.port.postMessage(null);
        await Promise.race([finished, timeout()]);
        discard(context);
      },
      discard: () => discard(context),
    };
  } catch (error) {
    discard(context);
    throw error;
  }
}

/**
 * Channels of the worklet's input. Two talkers are kept apart: of a device with one channel the right one is silent.
 * @param {number} channelCount
 * @returns {AudioWorkletNodeOptions}
 */
function layout(channelCount) {
  const apart = { channelInterpretation: /** @type {const} */ ("discrete") };
  return { channelCount, channelCountMode: "explicit", ...(channelCount > 1 ? apart : {}) };
}

function timeout() {
  return new Promise((resolve) => setTimeout(resolve, TIMEOUT_MS));
}

/** @param {AudioContext} context */
function discard(context) {
  context.onstatechange = null;
  context.close();
}
