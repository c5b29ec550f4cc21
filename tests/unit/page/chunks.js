/**
 * Reads settings of the endpointer and 16 kHz samples as JSON; answers what the page sends of them: for each chunk the sample
 * after which it is sent, the samples of its gap and those of its audio.
 */

import { json } from "node:stream/consumers";

import { SilenceSuppressor } from "../../../fastapi_service/static/audio/silence-suppressor.js";
import { blocks } from "./signals.js";

const { endpointing, samples } = /** @type {{ endpointing: object, samples: number[] }} */ (await json(process.stdin));
const suppressor = new SilenceSuppressor({ threshold: null, endpointing });
const sent = [];
let at = 0;
for (const block of blocks(Int16Array.from(samples), 128)) {
  at += block.length;
  for (const { gap, pcm } of suppressor.push(block)) if (gap || pcm.length) sent.push([at, gap, pcm.length]);
}
console.log(JSON.stringify(sent));
