/**
 * The page's export beside the service's: both must write the golden files of tests/data/export/, byte for byte. Subtitles have
 * files of their own: the service cuts them into short cues, and what the page makes without it is only in order of time.
 */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { FORMATS, formatTranscript } from "../../../fastapi_service/static/export/formats.js";

const GOLDEN = new URL("../../data/export/", import.meta.url);

for (const conversation of ["", "alone-", "sentences-", "people-", "voices-", "rejoined-"]) {
  for (const format of Object.keys(FORMATS)) {
    const golden = `${conversation}${["srt", "vtt"].includes(format) ? "page-" : ""}expected.${format}`;
    test(golden, async () => {
      const entries = JSON.parse(await readFile(new URL(`${conversation}entries.json`, GOLDEN), "utf8"));
      const expected = await readFile(new URL(golden, GOLDEN));
      assert.deepEqual(Buffer.from(formatTranscript(format, entries)), expected);
    });
  }
}

test("nothing said is still a file of its format", () => {
  assert.equal(formatTranscript("vtt", []), "WEBVTT\n");
  assert.deepEqual(JSON.parse(formatTranscript("json", [])), { format: "whisper-text-analyzer/1", entries: [] });
  assert.equal(formatTranscript("json", []), '{\n  "format": "whisper-text-analyzer/1",\n  "entries": []\n}\n');
  assert.equal(formatTranscript("txt", []), "");
});
