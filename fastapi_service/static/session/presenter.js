// @ts-check
/** Shows the service's messages on the page. Ignores types and fields that it does not have. */

import { duration } from "../i18n/format.js";
import { texts } from "../i18n/index.js";

/**
 * @typedef {object} Page
 * @property {import("../view/view.js").View} view
 * @property {import("../view/transcript.js").Transcript} transcript
 * @property {import("../view/statistics.js").StatisticsPanel} statistics
 * @property {import("../view/meter.js").Meter} meter
 * @property {import("../view/share.js").Share} share
 * @property {import("../view/who.js").Who} who
 *
 * @typedef {import("../wire/messages.js").ServerMessage} ServerMessage
 */

/**
 * @param {Page} page
 * @param {string | null} room
 * @param {ServerMessage} message
 */
export function showMessage({ view, transcript, statistics, share, who }, room, message) {
  switch (message.type) {
    case "ready":
      return transcript.own(message.session_id, message);
    case "configured":
      return transcript.rename(message);
    case "speech_started":
      return transcript.begin(message);
    case "interim":
      return transcript.showInterim(message);
    case "speech_ended":
      return transcript.awaitFinal(message);
    case "final":
      return transcript.addFinal(message);
    case "segment_failed":
      return transcript.addFailed(message);
    case "no_speech":
      return transcript.drop(message);
    case "stats":
      if (message.scope === (room ? "room" : "session")) statistics.show(message);
      return;
    case "person_stats":
      return statistics.showPerson(message);
    case "people":
      who.show(message.who);
      statistics.people(message.people);
      return share.people(message.people, message.talking);
    case "ack":
      return view.dismiss("late"); // the service can write again
    case "error":
      return view.notice(topicOf(message), () => texts.error(message));
  }
}

/**
 * A new session continues in place of one that expired.
 * @param {Page} page
 * @param {string | null} room
 */
export function showRenewed({ transcript, statistics }, room) {
  if (room) return transcript.clear(); // all results of the room come again
  transcript.dropPending();
  statistics.clear();
  transcript.addDivider(() => texts.renewed);
}

/**
 * There was no sound for a while.
 * @param {Page} page
 * @param {import("./recorded-time.js").Missed} missed
 */
export function showLost({ transcript }, { ms, call }) {
  transcript.addDivider(() => (call ? texts.lostBesideCall : texts.lost)(duration(ms)));
}

/**
 * The page waits for results that have a place in the queue.
 * @param {Page} page
 * @param {number} pending
 * @param {() => void} giveUp
 */
export function showWaiting({ view }, pending, giveUp) {
  view.notice("end", () => texts.waiting(pending), { actions: [{ text: () => texts.giveUp, run: giveUp }] });
}

/**
 * @param {Page} page
 * @param {number | null} pending results that are missing; null: unknown
 */
export function showEnd({ view, transcript }, pending) {
  transcript.dropPending();
  transcript.invite(() => texts.empty.nothing);
  for (const topic of ["late", "end"]) view.dismiss(topic);
  if (pending !== 0) view.notice("end", () => (pending === null ? texts.incomplete : texts.pending(pending)));
}

/** Delays pass by themselves, and their notice with them. @param {import("../wire/messages.js").Error} error */
function topicOf({ code, fatal }) {
  return !fatal && ["redis_unreachable", "busy"].includes(code) ? "late" : "error";
}
