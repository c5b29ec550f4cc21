/** Reads lists of frame energies as JSON; answers whether each frame is loud, the threshold after it, and the rule. */

import { json } from "node:stream/consumers";

import * as rule from "../../../fastapi_service/static/audio/energy-gate.js";
import { SAMPLE_RATE } from "../../../fastapi_service/static/audio/pcm.js";
import { FRAME } from "../../../fastapi_service/static/audio/voice-gate.js";

const lists = /** @type {number[][]} */ (await json(process.stdin));
const judged = lists.map((energies) => {
  const gate = new rule.EnergyGate();
  return energies.map((energy) => [gate.isLoud(energy), gate.threshold]);
});
console.log(JSON.stringify({ judged, rule: { ...rule, SAMPLE_RATE, FRAME } }));
