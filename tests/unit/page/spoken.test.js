import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { setLanguage } from "../../../fastapi_service/static/i18n/index.js";
import { languagesIn, plain, spokenLanguages, unknownIn } from "../../../fastapi_service/static/i18n/spoken.js";

afterEach(() => setLanguage("en"));

/** @param {string[]} chosen */
function codes(chosen) {
  return spokenLanguages(chosen).map(({ code }) => code);
}

test("the frequent languages come first, each part by name, and each language once", () => {
  const listed = codes([]);
  assert.deepEqual(listed.slice(0, 3), ["zh", "nl", "en"]);
  assert.deepEqual(listed.slice(14, 17), ["uk", "af", "sq"]);
  assert.equal(new Set(listed).size, 100);
});

test("chosen languages come before all others, also rare ones", () => {
  assert.deepEqual(codes(["sw", "ko"]).slice(0, 3), ["ko", "sw", "zh"]);
  assert.equal(codes(["sw", "ko"]).length, 100);
});

test("names are those of the page's language, and their order with them", async () => {
  await setLanguage("ko");
  const [first, second] = spokenLanguages([]);
  assert.deepEqual([first.name, second.name], ["네덜란드어", "독일어"]);
  assert.ok(spokenLanguages([]).every(({ code, name }) => name && name !== code));
});

test("an address asks for one language or for several; what is unknown is left out", () => {
  for (const [address, expected] of /** @type {[string, string[] | null][]} */ ([
    ["", null],
    ["?room=kitchen", null],
    ["?language=ko", ["ko"]],
    ["?languages=ko,en", ["en", "ko"]],
    ["?languages=ko%2Cklingon", ["ko"]],
    ["?language=", []],
  ])) {
    assert.deepEqual(languagesIn(new URLSearchParams(address)), expected, address);
  }
});

test("browsers' tags and newer codes are understood, and what is unknown is said", () => {
  for (const [address, known, unknown] of /** @type {[string, string[], string[]][]} */ ([
    ["?language=KO", ["ko"], []],
    ["?language=pt-BR", ["pt"], []],
    ["?languages=zh_TW, yue", ["zh", "yue"], []],
    ["?language=jv", ["jw"], []],
    ["?language=nb-NO", ["no"], []],
    ["?languages=nb,nn_NO", ["nn", "no"], []],
    ["?language=fil", ["tl"], []],
    ["?language=auto", [], []],
    ["?language=", [], []],
    ["?language=klingon", [], ["klingon"]],
    ["?languages=ko,xx,e", ["ko"], ["xx", "e"]],
  ])) {
    const asked = new URLSearchParams(address);
    assert.deepEqual(languagesIn(asked), known, address);
    assert.deepEqual(unknownIn(asked), unknown, address);
  }
  assert.deepEqual(unknownIn(new URLSearchParams("?room=kitchen")), []);
});

test("a language is found by its name here, its own name, its English name and its code", async () => {
  /** @param {string} wanted */
  const found = (wanted) => spokenLanguages([]).flatMap(({ code, words }) => (words.includes(plain(wanted)) ? [code] : []));
  for (const [wanted, code] of [["Korean", "ko"], ["한국어", "ko"], ["espanol", "es"], ["DEUTSCH", "de"], ["русский", "ru"], ["yue", "yue"]]) {
    assert.ok(found(wanted).includes(code), wanted);
  }
  assert.deepEqual(found("klingon"), []);
  assert.equal(found(" ").length, 100);
  await setLanguage("ko");
  for (const wanted of ["독일어", "german", "deutsch"]) assert.ok(found(wanted).includes("de"), wanted);
});
