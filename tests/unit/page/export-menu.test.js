/** Buttons that save the transcript: what the file is made of. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, beforeEach, test } from "node:test";

import { formatTranscript } from "../../../fastapi_service/static/export/formats.js";
import { ExportMenu } from "../../../fastapi_service/static/view/export-menu.js";

const ENTRIES = JSON.parse(await readFile(new URL("../../data/export/entries.json", import.meta.url), "utf8"));
const SESSION = { session_id: "a".repeat(32), token: "secret" };
const former = { createObjectURL: URL.createObjectURL, revokeObjectURL: URL.revokeObjectURL, fetch: globalThis.fetch };

/** The buttons, by their format. */
let buttons = {};
/** Requests to the service. */
let requests = [];
/** Called with the next file and its name. */
let onSaved = () => {};

before(() => {
  URL.createObjectURL = (blob) => blob;
  URL.revokeObjectURL = () => {};
  globalThis.document = {
    querySelectorAll: () => Object.values(buttons),
    createElement: () => ({
      click() {
        onSaved(this);
      },
    }),
  };
});

after(() => {
  Object.assign(URL, { createObjectURL: former.createObjectURL, revokeObjectURL: former.revokeObjectURL });
  globalThis.fetch = former.fetch;
  delete globalThis.document;
});

beforeEach(() => {
  buttons = Object.fromEntries(["txt", "srt", "vtt", "json", "csv"].map((format) => [format, { dataset: { format } }]));
  requests = [];
});

/** Saves a file of a menu whose service answers so. */
async function saved(format, session, answer) {
  globalThis.fetch = async (path, { headers }) => {
    requests.push([path, headers.Authorization]);
    return answer();
  };
  const menu = new ExportMenu({ entries: ENTRIES, onEntries() {} });
  if (session) menu.session = session;
  const link = await new Promise((resolve) => {
    onSaved = resolve;
    buttons[format].onclick();
  });
  assert.equal(link.download, `transcript.${format}`);
  return link.href.text();
}

const cut = () => new Response("cut");
const refuse = () => new Response('{"code": "session_unknown"}', { status: 404 });
const fail = () => Promise.reject(new TypeError("no network"));

for (const format of ["srt", "vtt"]) {
  test(`${format} is the service's, with the session's token`, async () => {
    assert.equal(await saved(format, SESSION, cut), "cut");
    assert.deepEqual(requests, [[`sessions/${SESSION.session_id}/export?format=${format}`, "Bearer secret"]]);
  });

  for (const [what, answer] of Object.entries({ "refuses the session": refuse, "cannot be reached": fail })) {
    test(`${format} is the page's if the service ${what}`, async () => {
      assert.equal(await saved(format, SESSION, answer), formatTranscript(format, ENTRIES));
      assert.equal(requests.length, 1);
    });
  }

  test(`${format} is the page's if no session has all results`, async () => {
    assert.equal(await saved(format, null, cut), formatTranscript(format, ENTRIES));
    assert.deepEqual(requests, []);
  });
}

for (const format of ["txt", "json", "csv"]) {
  test(`${format} is made without the service`, async () => {
    // A Blob leaves out the mark that makes Excel read UTF-8 when it is read as text.
    assert.equal(await saved(format, SESSION, cut), formatTranscript(format, ENTRIES).replace(/^\ufeff/, ""));
    assert.deepEqual(requests, []);
  });
}
