/** The messages on `/ws`. Generated from wire/messages/ by `make contracts`: change them there. */

/** The session of one channel, to be resumed. */
export interface ChannelSession {
  session_id: string;
  token: string;
}

/** The person who talks in one channel of a stereo input. */
export interface ChannelSpeaker {
  name?: string | null;
  role?: string | null;
}

/** Changes the session for utterances that end from now on. Fields that are left out stay as they are. */
export interface Configure {
  language?: string | null;
  languages?: string[];
  prompt?: string;
  name?: string | null;
  role?: string | null;
  type: "configure";
  channel?: 0 | 1 | null;
}

/** Replaces silence that the client does not send. */
export interface Gap {
  type: "gap";
  samples: number;
}

/** Requests a ``pong``. */
export interface Ping {
  type: "ping";
  id?: string | null;
}

/** Begins a session with other settings than the defaults, or resumes one. Only as the first message. */
export interface Start {
  language?: string | null;
  languages?: string[];
  prompt?: string;
  name?: string | null;
  role?: string | null;
  type: "start";
  task?: "transcribe" | "translate";
  room?: string | null;
  sample_rate?: number;
  person_key?: string | null;
  session_id?: string | null;
  token?: string | null;
  key?: string | null;
  ticket?: string | null;
  invite?: string | null;
  last_seq?: number;
  channels?: 1 | 2;
  speakers?: [ChannelSpeaker, ChannelSpeaker] | null;
  resume?: [ChannelSession, ChannelSession] | null;
}

/** Ends the session: the gateway ends the open utterance, waits for all results, then closes. */
export interface Stop {
  type: "stop";
}

export type ClientMessage =
  | Start
  | Configure
  | Gap
  | Stop
  | Ping;

/** Acknowledges audio: the client may discard all samples before this one. */
export interface Ack {
  type: "ack";
  samples: number;
  channel?: 0 | 1 | null;
}

/** Timestamps of one utterance in Unix seconds by Redis' clock, from which any consumer computes latencies. So the hosts of gateway, workers and listener may have different clocks. */
export interface Clock {
  speech_end: number;
  endpointed: number;
  audio_end?: number | null;
  queued: number | null;
  stt_start: number | null;
  stt_end: number | null;
  analysis_start: number | null;
  analysed: number | null;
  published: number | null;
  delivered: number | null;
}

/** Answer to ``configure``: utterances that end from now on are recognised so. */
export interface Configured {
  language: string | null;
  languages: string[];
  prompt: string;
  name?: string | null;
  role?: string | null;
  channel?: 0 | 1 | null;
  type: "configured";
}

/** The talk in a room: how long each person talked, and how long several at once. Times are those of an export, on the common clock of all sessions. */
export interface Conversation {
  people: PersonTalk[];
  silence_ms: number;
  overlap_ms: number;
}

/** The conversation was deleted, with all that was said in it: nothing more comes. The gateway closes with 1000. */
export interface Deleted {
  type: "deleted";
  session_id: string;
}

/** The gateway's settings for the ends of utterances, for clients that leave out silence. */
export interface Endpointing {
  pre_roll_ms: number;
  silence_ms: number;
  min_speech_ms: number;
  max_utterance_ms: number;
  silence_ceiling: number;
  noise_factor: number;
}

/** The gateway refused a message, or cannot continue. */
export interface Error {
  type: "error";
  code: string;
  message: string;
  remedy: string;
  fatal: boolean;
}

/** The final text of an utterance, which never changes, with its sentiment. */
export interface Final {
  session_id: string;
  room: string | null;
  segment: number;
  revision: number;
  start_ms: number;
  end_ms: number;
  clock: Clock;
  speaker?: Speaker | null;
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
  continues: boolean;
  continued_segment?: number | null;
  first_segment?: number | null;
  sentence?: string | null;
  voice?: number | null;
  merged_voices?: Record<string, number> | null;
}

/** Median and 95th percentile of one hop's latency. */
export interface HopLatency {
  p50_ms: number;
  p95_ms: number;
}

/** The text so far of an utterance that is not over. Replaces the one before it; sent to its speaker only. */
export interface Interim {
  type: "interim";
  segment: number;
  revision: number;
  stable: string;
  unstable: string;
  language: string;
  channel?: 0 | 1 | null;
}

/** Statistics of the sentences with one label. */
export interface LabelStatistics {
  count: number;
  mean_score: number | null;
}

/** An utterance that was loud enough but has no speech, or none whose text is certain enough to be shown. */
export interface NoSpeech {
  session_id: string;
  room: string | null;
  segment: number;
  revision: number;
  start_ms: number;
  end_ms: number;
  clock: Clock;
  speaker?: Speaker | null;
  seq: number | null;
  type: "no_speech";
  no_speech_prob: number | null;
  reason: "silence" | "uncertain";
}

/** A sentence, without its text: that of the finals with this ``session_id`` and first segment. */
export interface NotableSentence {
  session_id: string;
  segment: number;
  at: number;
  valence: number;
}

/** The people in the room. Sent to each client that joins, and to all when it changes. */
export interface People {
  type: "people";
  room: string;
  people: number;
  talking: number;
  who?: PersonPresent[] | null;
}

/** A person in the room, with all of the person's connections. */
export interface PersonPresent {
  person: string;
  name: string | null;
  role: string | null;
  talker: boolean;
  talking: boolean;
}

/** Totals of one person in a room, over all of the person's sessions there. Sent to all of the room. */
export interface PersonStatistics {
  person: string;
  name: string | null;
  role: string | null;
  utterances: number;
  sentences: number;
  words: number;
  speech_ms: number;
  sentiment: Record<"negative" | "neutral" | "positive", LabelStatistics>;
  unanalysed: number;
  unsure: number;
  zero_shot: number;
  trend: number | null;
  timeline: TimelinePoint[];
  languages: Record<string, number>;
  turning_points?: TurningPoint[] | null;
  most_positive?: NotableSentence | null;
  most_negative?: NotableSentence | null;
  version: number;
  no_speech: number;
  uncertain: number;
  failures: number;
  trend_window: number;
  type: "person_stats";
  room: string;
  voices?: VoiceStatistics[] | null;
}

/** One person's part in the conversation of a room. */
export interface PersonTalk {
  person: string;
  name: string | null;
  role: string | null;
  talk_ms: number;
  share: number | null;
  words: number;
  words_per_minute: number | null;
  longest_monologue_ms: number;
  interruptions: number;
  overlap_ms: number;
}

/** Answer to ``ping``. */
export interface Pong {
  type: "pong";
  id: string | null;
}

/** The session has begun: the client may send audio. */
export interface Ready {
  language: string | null;
  languages: string[];
  prompt: string;
  name?: string | null;
  role?: string | null;
  channel?: 0 | 1 | null;
  type: "ready";
  session_id: string;
  token: string | null;
  resumed: boolean;
  samples: number;
  sample_rate: number;
  room: string | null;
  person?: string | null;
  endpointing?: Endpointing | null;
  rights?: ("read" | "talk" | "files" | "admin")[] | null;
  links?: boolean | null;
}

/** An utterance that could not be transcribed. */
export interface SegmentFailed {
  session_id: string;
  room: string | null;
  segment: number;
  revision: number;
  start_ms: number;
  end_ms: number;
  clock: Clock;
  speaker?: Speaker | null;
  seq: number | null;
  type: "segment_failed";
  code: string;
  message: string;
  remedy: string;
  attempts: number;
}

/** Sentiment of one text. */
export interface Sentiment {
  label: "negative" | "neutral" | "positive";
  score: number;
  probabilities: Record<"negative" | "neutral" | "positive", number>;
  unsure: boolean;
  zero_shot: boolean;
  model: string;
  language: string;
}

/** The person who talks in a session. */
export interface Speaker {
  person: string;
  name: string | null;
  role: string | null;
}

/** An utterance is complete; its result follows under the same ``segment``. */
export interface SpeechEnded {
  type: "speech_ended";
  segment: number;
  start_ms: number;
  end_ms: number;
  reason: "silence" | "too_long" | "flush";
  channel?: 0 | 1 | null;
}

/** An utterance begins. */
export interface SpeechStarted {
  type: "speech_started";
  segment: number;
  at_ms: number;
  channel?: 0 | 1 | null;
}

/** Totals since the beginning of the session, the room or the installation. */
export interface Statistics {
  utterances: number;
  sentences: number;
  words: number;
  speech_ms: number;
  sentiment: Record<"negative" | "neutral" | "positive", LabelStatistics>;
  unanalysed: number;
  unsure: number;
  zero_shot: number;
  trend: number | null;
  timeline: TimelinePoint[];
  languages: Record<string, number>;
  turning_points?: TurningPoint[] | null;
  most_positive?: NotableSentence | null;
  most_negative?: NotableSentence | null;
  version: number;
  no_speech: number;
  uncertain: number;
  failures: number;
  trend_window: number;
  type: "stats";
  scope: "session" | "room" | "global";
  session_id: string | null;
  room: string | null;
  latency: Record<string, HopLatency>;
  conversation?: Conversation | null;
  voices?: VoiceStatistics[] | null;
}

/** Answer to ``stop`` after the last result; the gateway closes with 1000 next. */
export interface Stopped {
  type: "stopped";
  segments: number;
  pending: number;
  channel?: 0 | 1 | null;
}

/** Consecutive sentences with sentiment. */
export interface TimelinePoint {
  at: number;
  valence: number;
  count: number;
}

/** The smoothed sentiment changed its sign here, and kept the new one for several sentences. */
export interface TurningPoint {
  at: number;
  valence: number;
}

/** Totals of one voice: of several people who share the microphone of a session. They count the sentences whose final has this ``voice``, after all revisions (``merged_voices``). The points of the ``timeline`` are at the same times for all voices of a session. */
export interface VoiceStatistics {
  utterances: number;
  sentences: number;
  words: number;
  speech_ms: number;
  sentiment: Record<"negative" | "neutral" | "positive", LabelStatistics>;
  unanalysed: number;
  unsure: number;
  zero_shot: number;
  trend: number | null;
  timeline: TimelinePoint[];
  languages: Record<string, number>;
  turning_points?: TurningPoint[] | null;
  most_positive?: NotableSentence | null;
  most_negative?: NotableSentence | null;
  session_id: string;
  voice: number;
  share: number | null;
  words_per_minute: number | null;
  longest_monologue_ms: number;
}

/** One word, with its punctuation and the space before it. Joined, all words are the text. */
export interface Word {
  text: string;
  start_ms: number;
  end_ms: number;
  probability: number;
}

export type ServerMessage =
  | Ready
  | Configured
  | Ack
  | SpeechStarted
  | Interim
  | SpeechEnded
  | Final
  | NoSpeech
  | SegmentFailed
  | Statistics
  | PersonStatistics
  | People
  | Pong
  | Stopped
  | Deleted
  | Error;
