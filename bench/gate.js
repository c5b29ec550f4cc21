/**
 * Runs the page's silence suppressor over recordings from standard input: for each the number of samples as uint32, then
 * Int16 PCM at 16 kHz. Prints JSON: for each the samples not sent and sent, in turn: [[gap, sent], …].
 */

import { buffer } from "node:stream/consumers";

import { SilenceSuppressor } from "../fastapi_service/static/audio/silence-suppressor.js";

/** Samples at 16 kHz per block of a worklet at 48 kHz. */
const BLOCK = 43;

const input = await buffer(process.stdin);
const results = [];
for (let at = 0; at < input.length; ) {
  const bytes = 2 * input.readUInt32LE(at);
  const pcm = new Int16Array(input.buffer.slice(input.byteOffset + at + 4, input.byteOffset + at + 4 + bytes));
  results.push(run(pcm));
  at += 4 + bytes;
}
console.log(JSON.stringify(results));

/** @param {Int16Array} pcm */
function run(pcm) {
  const suppressor = new SilenceSuppressor({ threshold: null });
  const chunks = [];
  for (let i = 0; i < pcm.length; i += BLOCK) chunks.push(...suppressor.push(pcm.subarray(i, i + BLOCK)));
  chunks.push(suppressor.flush());
  return chunks.filter((chunk) => chunk.gap || chunk.pcm.length).map((chunk) => [chunk.gap, chunk.pcm.length]);
}
