// @ts-check
/** What the scripts say to people, in English. */

/** @typedef {import("../session/messages.js").Label} Label */

export const en = {
  start: "Start",
  stop: "Stop",
  startAgain: "Start anew",
  status: {
    idle: "Ready when you are.",
    permission: "Waiting for the microphone. The browser may ask for your permission.",
    connecting: "Connecting…",
    listening: "Listening.",
    hearing: "Hearing speech…",
    reconnecting: "Connection lost, reconnecting… Keep talking: up to a minute is kept.",
    finishing: "Finishing the last sentence…",
    stopped: "Stopped.",
  },
  empty: {
    idle: "Press Start and speak. Each sentence appears here, with how it is meant, soon after you have said it.",
    listening: "Say something. Your first sentence appears here soon after you have said it.",
    nothing: "Nothing was understood. Is the right microphone chosen, and is it not muted?",
  },
  /** @type {Record<import("../audio/microphone.js").MicrophoneError["code"], string>} */
  microphone: {
    insecure:
      "Browsers give a microphone to safe pages only. Open this page with https://, or as http://localhost on the machine that it runs on.",
    unsupported: "This browser cannot record sound for a page. Use a current Firefox, Chrome, Edge or Safari.",
    denied: "The microphone is not allowed. Allow it in the browser's settings for this page, then press Start again.",
    missing: "No microphone was found. Connect one, then press Start again.",
    busy: "The microphone cannot be used. Close other programs that use it, then press Start again.",
    broken: "The microphone could not be opened. Reload the page and try again; another browser may help.",
  },
  microphoneLost: "The microphone went away. Connect it, then start anew.",
  unreachable: "The service cannot be reached. Is it running, and is this machine online?",
  notReady: "The service is not ready yet; results come when it is. It waits for:",
  renewed: "The service did not know this conversation any more, so a new one began. The statistics count from here.",
  incomplete: "The connection ended before everything was answered. The last sentences may be missing.",
  /** @param {number} count */
  pending: (count) => `Still missing when the service stopped waiting: ${plural(count, "sentence")}.`,
  /** @param {number} count */
  waiting: (count) => `${plural(count, "sentence")} on the way…`,
  failed: "Not transcribed.",
  noSentiment: "No sentiment",
  /** @type {Record<Label, string>} */
  label: { positive: "Positive", neutral: "Neutral", negative: "Negative" },
  /** @param {number} trend −1…1 */
  trend: (trend) => `${direction(trend)} (${trend < 0 ? "−" : "+"}${Math.abs(trend).toFixed(2)})`,
  none: "–",
};

/** Valence from which a trend is called more than balanced. */
const LEANING = 0.15;

/** @param {number} trend */
function direction(trend) {
  if (Math.abs(trend) < LEANING) return "Balanced";
  return trend > 0 ? "Positive" : "Negative";
}

/**
 * @param {number} count
 * @param {string} noun
 */
function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
