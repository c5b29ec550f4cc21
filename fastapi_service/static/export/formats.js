// @ts-check
/**
 * A conversation as a file, pure. `fastapi_service/export/formats.py` writes the same bytes, except that it cuts subtitles
 * into short cues; docs/protocol.md has the rules. Numbers have three decimals at most.
 */

import { asSentences } from "./sentences.js";
import { Speakers, halfUp, plainText } from "./speakers.js";

/**
 * @typedef {import("../wire/messages.js").Final} Final
 * @typedef {import("../wire/messages.js").SegmentFailed} SegmentFailed
 * @typedef {import("../wire/messages.js").Sentiment} Sentiment
 * @typedef {keyof typeof FORMATS} Format
 */

/**
 * A sentence, or an utterance that failed, independent of the format: times on the file's clock, the text with single spaces.
 * @typedef {object} Line
 * @property {number} start_ms
 * @property {number} end_ms
 * @property {string | null} speaker null with a single person without a name
 * @property {string | null} person
 * @property {string | null} role
 * @property {number | null} voice
 * @property {string} text
 * @property {string | null} language
 * @property {Sentiment | null} sentiment
 * @property {string | null} sentiment_reason
 * @property {import("../wire/messages.js").Word[]} words
 * @property {{ start_ms: number, end_ms: number }[]} utterances
 * @property {boolean} failed
 */

const NOT_TRANSCRIBED = "[not transcribed]";
/** The beginning of a cell that a spreadsheet would calculate; with decimal commas, a semicolon begins one. */
const FORMULA = /(^|;)(?= *[=+\-@\t\r])/g;

export const FORMATS = {
  txt: { type: "text/plain", write: txt },
  srt: { type: "application/x-subrip", write: srt },
  vtt: { type: "text/vtt", write: vtt },
  json: { type: "application/json", write: json },
  csv: { type: "text/csv", write: csv },
};

/**
 * @param {Format} format
 * @param {(Final | SegmentFailed)[]} entries in the order of `seq`
 */
export function formatTranscript(format, entries) {
  const speakers = new Speakers();
  for (const entry of entries) speakers.note(entry);
  return FORMATS[format].write(asSentences(entries).map(({ result, utterances }) => toLine(result, utterances, speakers)));
}

/**
 * @param {Final | SegmentFailed} entry
 * @param {{ start_ms: number, end_ms: number }[]} utterances
 * @param {Speakers} speakers
 * @returns {Line}
 */
function toLine(entry, utterances, speakers) {
  const offset = speakers.offset(entry.session_id);
  const final = entry.type === "final" ? entry : null;
  return {
    start_ms: entry.start_ms + offset,
    end_ms: entry.end_ms + offset,
    speaker: speakers.voiced(entry),
    person: speakers.person(entry.session_id),
    role: speakers.role(entry.session_id),
    voice: speakers.voices.number(entry),
    text: final ? plainText(final.text) : NOT_TRANSCRIBED,
    language: final && final.language,
    sentiment: final && final.sentiment,
    sentiment_reason: final && final.sentiment_reason,
    words: (final?.words ?? []).map(({ text, start_ms, end_ms, probability }) => ({
      text,
      start_ms: start_ms + offset,
      end_ms: end_ms + offset,
      probability: rounded(probability),
    })),
    utterances: utterances.map(({ start_ms, end_ms }) => ({ start_ms: start_ms + offset, end_ms: end_ms + offset })),
    failed: final === null,
  };
}

/** @param {Line[]} lines */
function txt(lines) {
  return lines.map((line) => `[${time(line.start_ms).slice(0, -4)}] ${named(line)}${labelled(line)}\n`).join("");
}

/** @param {Line} line */
function labelled({ sentiment }) {
  return sentiment ? ` (${sentiment.label} ${halfUp(sentiment.score * 100)} %${marks(sentiment, ", ")})` : "";
}

/**
 * The marks of a label; older services do not send any.
 * @param {Sentiment} sentiment
 * @param {string} separator before each of them
 */
function marks({ unsure, zero_shot }, separator) {
  return (unsure ? `${separator}unsure` : "") + (zero_shot ? `${separator}zero-shot` : "");
}

/** @param {Line[]} lines */
function srt(lines) {
  const cues = spoken(lines).map((line, i) => {
    const label = line.sentiment ? ` [${line.sentiment.label}${marks(line.sentiment, ", ")}]` : "";
    return `${i + 1}\n${times(line).replaceAll(".", ",")}\n${named(line).replaceAll("-->", "→")}${label}\n`;
  });
  return cues.join("\n");
}

/** @param {Line[]} lines */
function vtt(lines) {
  const cues = spoken(lines).map((line) => {
    const { speaker, sentiment } = line;
    const content = sentiment ? `<c.${sentiment.label}${marks(sentiment, ".")}>${safe(line.text)}</c>` : safe(line.text);
    return `\n${times(line)}\n${speaker ? `<v ${safe(speaker)}>` : ""}${content}\n`;
  });
  return `WEBVTT\n${cues.join("")}`;
}

/** @param {string} text */
function safe(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** @param {Line[]} lines */
function json(lines) {
  const entries = lines.map((line) => ({ ...line, sentiment: line.sentiment && plain(line.sentiment) }));
  return `${JSON.stringify({ format: "whisper-text-analyzer/1", entries }, null, 2)}\n`;
}

/** @param {Sentiment} sentiment */
function plain({ label, score, probabilities: { negative, neutral, positive }, unsure = false, zero_shot = false }) {
  const probabilities = { negative: rounded(negative), neutral: rounded(neutral), positive: rounded(positive) };
  return { label, score: rounded(score), probabilities, unsure, zero_shot };
}

/** @param {Line[]} lines */
function csv(lines) {
  const head = "\ufeffstart,end,speaker,language,text,sentiment,score,unsure,zero_shot,role\r\n"; // the mark makes Excel read UTF-8
  const rows = lines.map(({ start_ms, end_ms, speaker, language, text, sentiment, role }) => {
    const { label = "", score = "", unsure = "", zero_shot = "" } = sentiment ? plain(sentiment) : {};
    const said = [time(start_ms), time(end_ms), speaker ?? "", language ?? "", text];
    return `${[...said, label, score, unsure, zero_shot, role ?? ""].map(String).map(cell).join(",")}\r\n`;
  });
  return head + rows.join("");
}

/** The lines for subtitles: those with text, in order of time. @param {Line[]} lines */
function spoken(lines) {
  return lines.filter(({ failed, text }) => !failed && text).sort((a, b) => a.start_ms - b.start_ms);
}

/** @param {Line} line */
function times({ start_ms, end_ms }) {
  return `${time(start_ms)} --> ${time(end_ms)}`;
}

/** @param {Line} line */
function named({ speaker, text }) {
  return speaker ? `${speaker}: ${text}` : text;
}

/** @param {number} ms as HH:MM:SS.mmm */
function time(ms) {
  const seconds = Math.floor(ms / 1000);
  const parts = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map((part) => String(Math.floor(part)).padStart(2, "0"));
  return `${parts.join(":")}.${String(ms - seconds * 1000).padStart(3, "0")}`;
}

/** @param {number} value */
function rounded(value) {
  return halfUp(value * 1000) / 1000;
}

/** A cell after RFC 4180, harmless in a spreadsheet. @param {string} text */
function cell(text) {
  const harmless = text.replace(FORMULA, "$1'");
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
