// @ts-check
/** The parts of a sentence in the list. What people said enters the page as text, never as markup. */

import { element } from "./element.js";
import { say } from "./translate.js";
import { percent, seconds, words } from "../words/words.js";

/**
 * @typedef {import("../session/messages.js").Final} Final
 * @typedef {import("../session/messages.js").SegmentFailed} SegmentFailed
 */

/** Shapes that differ without colour. @type {Record<import("../session/messages.js").Label, string>} */
export const ICONS = { positive: "▲", neutral: "●", negative: "▼" };

/**
 * The text so far: what may still change is lighter.
 * @param {string} stable
 * @param {string} unstable
 * @param {string} language
 */
export function interim(stable, unstable, language) {
  const rest = element("span", { class: "unstable" }, stable && unstable ? " " : "", unstable);
  return element("p", { class: "text", lang: language }, stable, rest);
}

/** @param {Final} final */
export function heard(final) {
  const { sentiment } = final;
  const text = element("p", { class: "text", lang: final.language }, final.text);
  if (sentiment) return [text, badge(sentiment)];
  return [
    text,
    say(element("span", { class: "badge" }), () => words.noSentiment),
    say(element("p", { class: "reason" }), () => words.noSentimentBecause(final)),
  ];
}

/** @param {SegmentFailed} failed */
export function notHeard(failed) {
  return [
    say(element("p", { class: "text failed" }), () => words.failed),
    say(element("p", { class: "reason" }), () => words.failure(failed)),
  ];
}

/** @param {import("../session/messages.js").Sentiment} sentiment */
function badge({ label, score }) {
  return element(
    "span",
    { class: "badge", "data-label": label },
    element("span", { "aria-hidden": "true" }, ICONS[label]),
    " ",
    say(element("span", {}), () => `${words.label[label]} ${percent(score)}`),
  );
}

/** How long after its end the sentence was here, and on what the time went. @param {Final | SegmentFailed} end */
export function hops({ clock }) {
  const here = clock.delivered ?? clock.published;
  if (here === null) return null;
  return say(element("p", { class: "hops" }), () => {
    const { total, ...names } = words.hops;
    const parts = /** @type {[string, number | null, number | null][]} */ ([
      [names.pause, clock.speech_end, clock.endpointed],
      [names.queue, clock.endpointed, clock.stt_start],
      [names.stt, clock.stt_start, clock.stt_end],
      [names.analysis, clock.stt_end, clock.analysed],
      [names.delivery, clock.analysed, here],
    ]);
    const known = parts.flatMap(([name, from, to]) => (from && to ? [`${name} ${seconds((to - from) * 1000)}`] : []));
    return `${total(seconds((here - clock.speech_end) * 1000))}: ${known.join(" · ")}`;
  });
}
