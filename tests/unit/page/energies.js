/**
 * Reads lists of frame energies and settings of the endpointer as JSON; answers whether each frame is voiced, the threshold
 * after it, and the page's constants.
 */

import { json } from "node:stream/consumers";

import * as rule from "../../../fastapi_service/static/audio/energy-vad.js";
import { SAMPLE_RATE } from "../../../fastapi_service/static/audio/pcm.js";
import { ENDPOINTING, FRAME } from "../../../fastapi_service/static/audio/silence-suppressor.js";

const { lists, settings } = /** @type {{ lists: number[][], settings: Partial<typeof ENDPOINTING>[] }} */ (
  await json(process.stdin)
);
const judged = settings.map((endpointing) => {
  const { silence_ceiling, noise_factor } = { ...ENDPOINTING, ...endpointing };
  return lists.map((energies) => {
    const vad = Object.assign(new rule.EnergyVad(), { ceiling: silence_ceiling, factor: noise_factor });
    return energies.map((energy) => [vad.update(energy), vad.threshold]);
  });
});
console.log(JSON.stringify({ judged, rule: { ...rule, SAMPLE_RATE, FRAME }, endpointing: ENDPOINTING }));
