/** The messages on `/ws`. Generated from wire/messages/ by `make contracts`: change them there. */

/** Silence that the client did not send. */
export interface Gap {
  type: "gap";
  samples: number;
}

/** Asks for a ``pong``. */
export interface Ping {
  type: "ping";
  id?: string | null;
}

/** First message of a client that wants anything but the defaults, or that resumes a session. */
export interface Start {
  type: "start";
  language?: string | null;
  task?: "transcribe" | "translate";
  prompt?: string;
  room?: string | null;
  sample_rate?: number;
  session_id?: string | null;
  token?: string | null;
  last_seq?: number;
}

/** No more audio: end the open utterance, wait for all results, then close. */
export interface Stop {
  type: "stop";
}

export type ClientMessage =
  | Start
  | Gap
  | Stop
  | Ping;

/** Everything before this sample is safe; the client may forget it. */
export interface Ack {
  type: "ack";
  samples: number;
}

/** When each hop of an utterance happened, in Unix seconds; any consumer computes latencies from it. */
export interface Clock {
  speech_end: number;
  endpointed: number;
  queued: number | null;
  stt_start: number | null;
  stt_end: number | null;
  analysis_start: number | null;
  analysed: number | null;
  published: number | null;
  delivered: number | null;
}

/** The gateway's settings that decide where an utterance begins and ends, for clients that leave out silence. */
export interface Endpointing {
  pre_roll_ms: number;
  silence_ms: number;
  min_speech_ms: number;
  max_utterance_ms: number;
  silence_ceiling: number;
  noise_factor: number;
}

/** Something the client sent was refused, or the service cannot go on. */
export interface Error {
  type: "error";
  code: string;
  message: string;
  remedy: string;
  fatal: boolean;
}

/** The text of an utterance, which never changes again, and how it is meant. */
export interface Final {
  session_id: string;
  room: string | null;
  segment: number;
  revision: number;
  start_ms: number;
  end_ms: number;
  clock: Clock;
  seq: number | null;
  type: "final";
  text: string;
  words: Word[];
  language: string;
  language_probability: number | null;
  avg_logprob: number;
  no_speech_prob: number;
  stt_model: string;
  sentiment: Sentiment | null;
  sentiment_reason: string | null;
}

/** Median and 95th percentile of one hop's latency. */
export interface HopLatency {
  p50_ms: number;
  p95_ms: number;
}

/** The text so far of an utterance that is being spoken, for the person who speaks; the next one replaces it. */
export interface Interim {
  type: "interim";
  segment: number;
  revision: number;
  stable: string;
  unstable: string;
  language: string;
}

/** Utterances with one label. */
export interface LabelStatistics {
  count: number;
  mean_score: number | null;
}

/** Something was loud enough, but nobody spoke. */
export interface NoSpeech {
  session_id: string;
  room: string | null;
  segment: number;
  revision: number;
  start_ms: number;
  end_ms: number;
  clock: Clock;
  seq: number | null;
  type: "no_speech";
  no_speech_prob: number | null;
}

/** How many are in the room now; said to whoever joins it, and whenever it changes. */
export interface People {
  type: "people";
  room: string;
  people: number;
  talking: number;
}

/** Answers a ``ping``. */
export interface Pong {
  type: "pong";
  id: string | null;
}

/** The session stands: audio may flow. */
export interface Ready {
  type: "ready";
  session_id: string;
  token: string | null;
  resumed: boolean;
  samples: number;
  sample_rate: number;
  language: string | null;
  room: string | null;
  endpointing?: Endpointing | null;
}

/** The utterance was given up. */
export interface SegmentFailed {
  session_id: string;
  room: string | null;
  segment: number;
  revision: number;
  start_ms: number;
  end_ms: number;
  clock: Clock;
  seq: number | null;
  type: "segment_failed";
  code: string;
  message: string;
  remedy: string;
  attempts: number;
}

/** Judgement of one utterance. */
export interface Sentiment {
  label: "negative" | "neutral" | "positive";
  score: number;
  probabilities: Record<"negative" | "neutral" | "positive", number>;
  model: string;
  language: string;
}

/** An utterance is complete; its result follows under the same ``segment``. */
export interface SpeechEnded {
  type: "speech_ended";
  segment: number;
  start_ms: number;
  end_ms: number;
  reason: "silence" | "too_long" | "flush";
}

/** Speech was found: an utterance begins. */
export interface SpeechStarted {
  type: "speech_started";
  segment: number;
  at_ms: number;
}

/** Totals since the session, the room or the installation began. */
export interface Statistics {
  type: "stats";
  scope: "session" | "room" | "global";
  session_id: string | null;
  room: string | null;
  version: number;
  utterances: number;
  no_speech: number;
  failures: number;
  words: number;
  speech_ms: number;
  sentiment: Record<"negative" | "neutral" | "positive", LabelStatistics>;
  unanalysed: number;
  trend: number | null;
  trend_window: number;
  timeline: TimelinePoint[];
  languages: Record<string, number>;
  latency: Record<string, HopLatency>;
}

/** Answer to ``stop`` after the last result; the gateway closes with 1000 next. */
export interface Stopped {
  type: "stopped";
  segments: number;
  pending: number;
}

/** Utterances with sentiment that follow one another. */
export interface TimelinePoint {
  at: number;
  valence: number;
  count: number;
}

/** One word, with its punctuation and the space before it: all of them joined are the text. */
export interface Word {
  text: string;
  start_ms: number;
  end_ms: number;
  probability: number;
}

export type ServerMessage =
  | Ready
  | Ack
  | SpeechStarted
  | Interim
  | SpeechEnded
  | Final
  | NoSpeech
  | SegmentFailed
  | Statistics
  | People
  | Pong
  | Stopped
  | Error;
