/** Reads pairs of texts with their language, and writes what the page makes of each: is it finished, and both as one sentence. */

import { readFileSync } from "node:fs";

import { isFinished, joined, lastMark } from "../../../fastapi_service/static/wire/sentence-ends.js";

const pairs = JSON.parse(readFileSync(0, "utf8"));
const found = pairs.map(([before, text, language]) => [isFinished(before), lastMark(before), joined(before, text, language)]);
process.stdout.write(JSON.stringify(found));
