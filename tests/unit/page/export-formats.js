/** Reads conversations as JSON, and writes each of them in the formats that the page and the service write alike. */

import { json } from "node:stream/consumers";

import { formatTranscript } from "../../../fastapi_service/static/export/formats.js";

const conversations = await json(process.stdin);
const files = conversations.map((entries) => ["txt", "json", "csv"].map((format) => formatTranscript(format, entries)));
console.log(JSON.stringify(files));
