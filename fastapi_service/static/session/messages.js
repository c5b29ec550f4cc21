// @ts-check
/**
 * The messages on `/ws`, as wire/messages/ defines them; a test holds the two together.
 *
 * @typedef {"negative" | "neutral" | "positive"} Label
 *
 * Sent, besides binary Int16 PCM:
 *
 * @typedef {object} Start
 * @property {"start"} type
 * @property {string | null} [language]
 * @property {"transcribe" | "translate"} [task]
 * @property {string} [prompt]
 * @property {string | null} [room]
 * @property {number} [sample_rate]
 * @property {string | null} [session_id]
 * @property {string | null} [token]
 * @property {number} [last_seq]
 *
 * @typedef {object} Gap
 * @property {"gap"} type
 * @property {number} samples
 *
 * @typedef {object} Stop
 * @property {"stop"} type
 *
 * @typedef {object} Ping
 * @property {"ping"} type
 * @property {string | null} [id]
 *
 * @typedef {Start | Gap | Stop | Ping} ClientMessage
 *
 * Received:
 *
 * @typedef {object} Ready
 * @property {"ready"} type
 * @property {string} session_id
 * @property {string | null} token
 * @property {boolean} resumed
 * @property {number} samples
 * @property {number} sample_rate
 * @property {string | null} language
 * @property {string | null} room
 * @property {Endpointing} [endpointing]
 *
 * @typedef {object} Endpointing
 * @property {number} pre_roll_ms
 * @property {number} silence_ms
 * @property {number} min_speech_ms
 * @property {number} max_utterance_ms
 * @property {number} silence_ceiling
 * @property {number} noise_factor
 *
 * @typedef {object} Ack
 * @property {"ack"} type
 * @property {number} samples
 *
 * @typedef {object} SpeechStarted
 * @property {"speech_started"} type
 * @property {number} segment
 * @property {number} at_ms
 *
 * @typedef {object} Interim
 * @property {"interim"} type
 * @property {number} segment
 * @property {number} revision
 * @property {string} stable
 * @property {string} unstable
 * @property {string} language
 *
 * @typedef {object} SpeechEnded
 * @property {"speech_ended"} type
 * @property {number} segment
 * @property {number} start_ms
 * @property {number} end_ms
 * @property {"silence" | "too_long" | "flush"} reason
 *
 * @typedef {object} Clock
 * @property {number} speech_end
 * @property {number} endpointed
 * @property {number | null} queued
 * @property {number | null} stt_start
 * @property {number | null} stt_end
 * @property {number | null} analysis_start
 * @property {number | null} analysed
 * @property {number | null} published
 * @property {number | null} delivered
 *
 * @typedef {object} Word
 * @property {string} text
 * @property {number} start_ms
 * @property {number} end_ms
 * @property {number} probability
 *
 * @typedef {object} Sentiment
 * @property {Label} label
 * @property {number} score
 * @property {Record<Label, number>} probabilities
 * @property {string} model
 * @property {string} language
 *
 * @typedef {object} SegmentEnd
 * @property {string} session_id
 * @property {string | null} room
 * @property {number} segment
 * @property {number} revision
 * @property {number} start_ms
 * @property {number} end_ms
 * @property {Clock} clock
 * @property {number} seq
 *
 * @typedef {object} FinalFields
 * @property {"final"} type
 * @property {string} text
 * @property {Word[]} words
 * @property {string} language
 * @property {number | null} language_probability
 * @property {number} avg_logprob
 * @property {number} no_speech_prob
 * @property {string} stt_model
 * @property {Sentiment | null} sentiment
 * @property {string | null} sentiment_reason
 *
 * @typedef {object} NoSpeechFields
 * @property {"no_speech"} type
 * @property {number | null} no_speech_prob
 *
 * @typedef {object} SegmentFailedFields
 * @property {"segment_failed"} type
 * @property {string} code
 * @property {string} message
 * @property {string} remedy
 * @property {number} attempts
 *
 * @typedef {SegmentEnd & FinalFields} Final
 * @typedef {SegmentEnd & NoSpeechFields} NoSpeech
 * @typedef {SegmentEnd & SegmentFailedFields} SegmentFailed
 *
 * @typedef {object} LabelStatistics
 * @property {number} count
 * @property {number | null} mean_score
 *
 * @typedef {object} HopLatency
 * @property {number} p50_ms
 * @property {number} p95_ms
 *
 * @typedef {object} TimelinePoint
 * @property {number} at
 * @property {number} valence
 * @property {number} count
 *
 * @typedef {object} Statistics
 * @property {"stats"} type
 * @property {"session" | "room" | "global"} scope
 * @property {string | null} session_id
 * @property {string | null} room
 * @property {number} version
 * @property {number} utterances
 * @property {number} no_speech
 * @property {number} failures
 * @property {number} words
 * @property {number} speech_ms
 * @property {Partial<Record<Label, LabelStatistics>>} sentiment
 * @property {number} unanalysed
 * @property {number | null} trend
 * @property {number} trend_window
 * @property {TimelinePoint[]} timeline
 * @property {Record<string, number>} languages
 * @property {Record<string, HopLatency>} latency
 *
 * @typedef {object} People
 * @property {"people"} type
 * @property {string} room
 * @property {number} people
 * @property {number} talking
 *
 * @typedef {object} Pong
 * @property {"pong"} type
 * @property {string | null} id
 *
 * @typedef {object} Stopped
 * @property {"stopped"} type
 * @property {number} segments
 * @property {number} pending
 *
 * @typedef {object} ServiceError
 * @property {"error"} type
 * @property {string} code
 * @property {string} message
 * @property {string} remedy
 * @property {boolean} fatal
 *
 * @typedef {Ready | Ack | SpeechStarted | Interim | SpeechEnded | Final | NoSpeech | SegmentFailed | Statistics
 *   | People | Pong | Stopped | ServiceError} ServerMessage
 */

export {};
