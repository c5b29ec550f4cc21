// @ts-check
/** What the package has for pages of your own. README.md shows its use. */

export { Talker } from "./talker.js";
export { ServiceError } from "./service-error.js";

/** The parts that a talker joins, for sources of audio and transcripts of your own. */
export { AudioFile, AudioFileError } from "../../../fastapi_service/static/audio/audio-file.js";
export { MicrophoneError, watchInputDevices } from "../../../fastapi_service/static/audio/input-devices.js";
export { Microphone } from "../../../fastapi_service/static/audio/microphone.js";
export { canShareSound } from "../../../fastapi_service/static/audio/shared-sound.js";
export { asSentences } from "../../../fastapi_service/static/export/sentences.js";
export { personKey } from "../../../fastapi_service/static/session/person-key.js";
export { SpeechSocket } from "../../../fastapi_service/static/session/socket.js";
export { keepAwake } from "../../../fastapi_service/static/session/wake-lock.js";

/** @typedef {import("./events.js").TalkerOptions} TalkerOptions */
/** @typedef {import("./events.js").Events} Events */
/** @typedef {import("./events.js").Session} Session */
/** @typedef {import("./events.js").MicrophoneOptions} MicrophoneOptions */
/** @typedef {import("./events.js").ServerMessage} ServerMessage */
/** @typedef {import("../../../fastapi_service/static/wire/messages.js").Final} Final */
/** @typedef {import("../../../fastapi_service/static/wire/messages.js").Interim} Interim */
/** @typedef {import("../../../fastapi_service/static/wire/messages.js").Sentiment} Sentiment */
/** @typedef {import("../../../fastapi_service/static/wire/messages.js").Statistics} Statistics */
