/**
 * The page's gate over recordings. Reads them from standard input: for each the number of its samples as uint32, then
 * Int16 PCM at 16 kHz. Answers as JSON, for each, with the samples that are left out and sent in turn: [[gap, sent], …].
 */

import { buffer } from "node:stream/consumers";

import { SilenceSuppressor } from "../fastapi_service/static/audio/silence-suppressor.js";

/** Samples that the gate gets at once in a worklet at 48 kHz. */
const BLOCK = 43;

const input = await buffer(process.stdin);
const answers = [];
for (let at = 0; at < input.length; ) {
  const bytes = 2 * input.readUInt32LE(at);
  const pcm = new Int16Array(input.buffer.slice(input.byteOffset + at + 4, input.byteOffset + at + 4 + bytes));
  answers.push(listen(pcm));
  at += 4 + bytes;
}
console.log(JSON.stringify(answers));

/** @param {Int16Array} pcm */
function listen(pcm) {
  const suppressor = new SilenceSuppressor({ threshold: null });
  const sounds = [];
  for (let i = 0; i < pcm.length; i += BLOCK) sounds.push(...suppressor.push(pcm.subarray(i, i + BLOCK)));
  sounds.push(suppressor.flush());
  return sounds.filter((sound) => sound.gap || sound.pcm.length).map((sound) => [sound.gap, sound.pcm.length]);
}
