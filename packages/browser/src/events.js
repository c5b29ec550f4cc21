// @ts-check
/** What a talker takes and what it reports: types only. */

/**
 * @typedef {import("./service-error.js").ServiceError} ServiceError
 * @typedef {import("../../../fastapi_service/static/session/socket.js").Options["start"]} Start
 * @typedef {import("../../../fastapi_service/static/session/socket.js").Session} Session
 * @typedef {import("../../../fastapi_service/static/wire/messages.js").ServerMessage} ServerMessage
 * @typedef {import("../../../fastapi_service/static/audio/microphone.js").MicrophoneOptions} MicrophoneOptions
 * @typedef {import("../../../fastapi_service/static/audio/microphone.js").MicrophoneState} MicrophoneState
 * @typedef {import("../../../fastapi_service/static/audio/audio-input.js").SecondTalker} SecondTalker
 *
 * @typedef {Partial<Pick<Start, "languages" | "prompt" | "name" | "role" | "speakers">>} Changes
 *
 * @typedef {object} Continued
 * @property {Session | null} [resume] `session` of an earlier talker, such as before a reload
 * @property {number} [lastSeq] highest `seq` that the page has of it; results after it come again
 *
 * @typedef {Partial<Start> & Continued} TalkerOptions the fields of `start` in docs/protocol.md, such as `languages`, `room`,
 *   `name`; where access is closed `invite`, `ticket` or `key`
 *
 * @typedef {object} OwnEvents
 * @property {"connecting" | "open" | "reconnecting" | "ended"} state of the connection
 * @property {ServiceError} error a fault; the session goes on, unless `ended` follows. What ends it before it stands is thrown
 *   instead, by `start`, `play` or `watch`
 * @property {MicrophoneState} microphone it was lost, recovered, muted, …
 * @property {SecondTalker} second the same of the second talker's sound
 * @property {{ energy: number, threshold: number }} level about ten times a second: mean square of the sound, and below which
 *   it counts as silence
 * @property {number} progress share of a file that was sent, 0–1
 * @property {undefined} dropped audio was lost: the outage is longer than what a page keeps
 * @property {undefined} renewed the session had expired, and a new one goes on
 * @property {number} waiting after `stop`, so many results still have a place in the queue
 *
 * @typedef {{ [Message in ServerMessage as Exclude<Message["type"], "error" | "pong" | "stopped">]: Message }} Messages by type
 * @typedef {OwnEvents & Messages} Events
 */

export {};
