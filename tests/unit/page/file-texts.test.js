import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { CODES } from "../../../fastapi_service/static/audio/audio-file.js";
import { en } from "../../../fastapi_service/static/i18n/en.js";
import { ko } from "../../../fastapi_service/static/i18n/ko.js";

const protocol = readFileSync(new URL("../../../docs/protocol.md", import.meta.url), "utf-8");
const [, section] = protocol.split("## Decoding files");
const codes = section.split("\n## ")[0].split("| code | when |")[1].split("\n").flatMap((row) => row.split("|")[1]?.match(/\w{2,}/g) ?? []);

/** The reason that the page shows for an error of the service. @param {typeof en} texts @param {string} code */
function reason(texts, code) {
  const shown = CODES[code] ?? code;
  const error = { type: /** @type {const} */ ("error"), code, message: "The message.", remedy: "The remedy.", fatal: true };
  return /** @type {Record<string, string>} */ (/** @type {unknown} */ (texts.file))[shown] ?? texts.error(error);
}

test("every code of the table is found", () => {
  assert.ok(["not_wav", "too_large", "decoder_slow", "decoders_busy", "wrong_part"].every((code) => codes.includes(code)));
});

for (const code of [...codes, "unreachable"]) {
  test(`${code} has a reason in both languages`, () => {
    assert.match(reason(ko, code), /[가-힣]/);
    assert.doesNotMatch(reason(ko, code), /The (message|remedy)/);
    assert.match(reason(en, code), /\.$/);
  });
}
