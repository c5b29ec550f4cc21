// @ts-check
/** The figures of voices, of several people at one microphone, in the shape of those of people. No DOM. */

/**
 * @typedef {import("../wire/messages.js").VoiceStatistics} VoiceStatistics
 * @typedef {object} Voice
 * @property {string} key
 * @property {string} person whose session it is
 * @property {number} voice in that session
 * @property {boolean} room false: it is the only session
 * @property {VoiceStatistics} statistics
 */

/**
 * Returns the voices of sessions in which there are several: where there is one, it is the person.
 * @param {VoiceStatistics[] | null | undefined} voices none: of an older service, or they are not distinguished
 * @param {string} person
 * @param {boolean} room
 * @returns {Voice[]}
 */
export function severalVoices(voices, person, room) {
  const all = voices ?? [];
  return all
    .filter(({ session_id }) => all.filter((other) => other.session_id === session_id).length > 1)
    .map((statistics) => {
      const { session_id, voice } = statistics;
      return { key: `${session_id}/${voice}`, person, voice, room, statistics };
    });
}
