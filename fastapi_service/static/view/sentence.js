// @ts-check
/** The parts of a sentence in the list. Speech enters the page as text, never as markup. */

import { languageName, percent, seconds } from "../i18n/format.js";
import { texts } from "../i18n/index.js";
import { spaceBetween } from "../wire/sentence-ends.js";
import { element } from "./element.js";
import { setText } from "./localize.js";

/**
 * @typedef {import("../wire/messages.js").Final} Final
 * @typedef {import("../wire/messages.js").SegmentFailed} SegmentFailed
 * @typedef {import("../wire/messages.js").Sentiment} Sentiment older services send no marks
 */

/** Shapes that differ without colour. @type {Record<Sentiment["label"], string>} */
const ICONS = { positive: "▲", neutral: "●", negative: "▼" };

/**
 * The text so far; the part that may still change is lighter.
 * @param {import("../wire/messages.js").Interim} interim
 * @param {boolean} within a sentence that it goes on with
 */
export function interimParts({ stable, unstable, language }, within) {
  const rest = element("span", { class: "unstable" }, spaceBetween(stable, unstable, language), unstable);
  return within ? [spaceBetween("a", stable + unstable, language), stable, rest] : [element("p", { class: "text", lang: language }, stable, rest)];
}

/** Text of the sentence so far, and its sentiment. @param {Final} final */
export function finalParts({ sentence, text, language, sentiment, sentiment_reason }) {
  const paragraph = element("p", { class: "text", lang: language }, sentence ?? text);
  if (sentiment) return [paragraph, badge(sentiment), ...(sentiment.zero_shot ? [footnote()] : [])];
  const reason = () => texts.noSentimentBecause({ reason: sentiment_reason ?? "", languageName: languageName(language) });
  return [
    paragraph,
    setText(element("span", { class: "badge" }), () => texts.noSentiment),
    setText(element("p", { class: "reason" }), reason),
  ];
}

/** The failure and its reason. @param {SegmentFailed} failed */
export function failedParts(failed) {
  return [
    setText(element("p", { class: "text failed" }), () => texts.failed),
    setText(element("p", { class: "reason" }), () => texts.failure(failed)),
  ];
}

/** @param {Sentiment} sentiment */
function badge({ label, score, unsure, zero_shot }) {
  const figure = () => (unsure ? `· ${texts.unsure}` : percent(score));
  return element(
    "span",
    { class: unsure ? "badge unsure" : "badge", "data-label": label },
    element("span", { "aria-hidden": "true" }, ICONS[label]),
    " ",
    setText(element("span"), () => `${texts.label[label]} ${figure()}${zero_shot ? " *" : ""}`),
  );
}

/** What the asterisk of a zero-shot label means; screen readers have it always, others where they look. */
function footnote() {
  return setText(element("p", { class: "reason footnote" }), () => texts.statistics.zero_shot);
}

/** The time from the end of speech to the display, in total and by stage. @param {Final | SegmentFailed} end */
export function latencyLine({ clock }) {
  const here = clock.delivered ?? clock.published;
  if (here === null) return null;
  return setText(element("p", { class: "hops" }), () => {
    const { total, ...names } = texts.hops;
    const stages = /** @type {[string, number | null, number | null][]} */ ([
      [names.pause, clock.speech_end, clock.endpointed],
      [names.queue, clock.endpointed, clock.stt_start],
      [names.stt, clock.stt_start, clock.stt_end],
      [names.analysis, clock.stt_end, clock.analysed],
      [names.delivery, clock.analysed, here],
    ]);
    const known = stages.flatMap(([name, from, to]) =>
      from && to ? [`${name} ${seconds(Math.max(0, to - from) * 1000)}`] : [], // a text may be begun before the end is found
    );
    return `${total(seconds((here - clock.speech_end) * 1000))}: ${known.join(" · ")}`;
  });
}
