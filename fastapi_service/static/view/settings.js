// @ts-check
/** What people can choose, remembered by the browser. The first choices stand in index.html. */

import { element, find } from "./element.js";
import { load, save } from "../storage.js";
import { say } from "./translate.js";
import { decibels, languageName, onLanguage, words } from "../words/words.js";

/**
 * @typedef {object} Choices
 * @property {string | null} language spoken; null to detect it
 * @property {"transcribe" | "translate"} task
 * @property {string} prompt names and words that may come up
 * @property {string | null} device id of the microphone; null for the browser's default
 * @property {boolean} echoCancellation
 * @property {boolean} noiseSuppression
 * @property {boolean} autoGainControl
 * @property {number | null} threshold mean square below which is silence; null to find it automatically
 */

const REMEMBERED = "settings";
const LANGUAGES = ["zh", "nl", "en", "fr", "de", "hi", "it", "ja", "ko", "pl", "pt", "ru", "es", "tr", "uk"];

export class Settings {
  /** @type {NodeListOf<HTMLInputElement>} */
  #fields = find("settings").querySelectorAll("input, select, textarea");
  /** Also while it is not connected. */
  #device = "";
  /** @type {(value: Choices) => void} */
  #changed = () => {};

  constructor() {
    this.#listLanguages();
    onLanguage(() => this.#listLanguages());
    this.#recall();
    this.devices([]);
    this.#showThreshold();
    find("settings").addEventListener("input", ({ target }) => {
      if (target === field("device")) this.#device = field("device").value;
      this.#remember();
      this.#showThreshold();
      this.#changed(this.value);
    });
  }

  /** @param {(value: Choices) => void} changed */
  onChange(changed) {
    this.#changed = changed;
  }

  /** @returns {Choices} */
  get value() {
    return {
      language: field("language").value || null,
      task: field("translate").checked ? "translate" : "transcribe",
      prompt: field("prompt").value.trim(),
      device: this.#device || null,
      echoCancellation: field("echoCancellation").checked,
      noiseSuppression: field("noiseSuppression").checked,
      autoGainControl: field("autoGainControl").checked,
      threshold: field("automatic").checked ? null : this.#threshold,
    };
  }

  /** The microphones there are; browsers tell their names after permission only. @param {MediaDeviceInfo[]} devices */
  devices(devices) {
    const options = devices
      .filter(({ deviceId }) => deviceId && deviceId !== "default")
      .map(({ deviceId, label }, i) =>
        say(element("option", { value: deviceId }), () => label || words.settings.unnamed(i + 1)),
      );
    const standard = say(element("option", { value: "" }), () => words.settings.standard);
    field("device").replaceChildren(standard, ...options);
    field("device").value = this.#device;
    if (field("device").value !== this.#device) field("device").value = "";
  }

  /** The slider is in dB, so that it feels even: −33 dB is 0.0005. */
  get #threshold() {
    return 10 ** (Number(field("threshold").value) / 10);
  }

  #showThreshold() {
    const text = `${decibels(this.#threshold)} (${Number(this.#threshold.toPrecision(1))})`;
    find("fixed").hidden = field("automatic").checked;
    field("threshold").setAttribute("aria-valuetext", text);
    find("threshold-db").textContent = text;
  }

  /** By their names in the page's language. */
  #listLanguages() {
    const chosen = field("language").value;
    const named = LANGUAGES.map((code) => element("option", { value: code }, languageName(code)));
    named.sort((a, b) => a.innerText.localeCompare(b.innerText, document.documentElement.lang));
    field("language").replaceChildren(element("option", { value: "" }, words.settings.detect), ...named);
    field("language").value = chosen;
  }

  #remember() {
    const values = [...this.#fields].map(({ id, type, value, checked }) => [id, type === "checkbox" ? checked : value]);
    save("localStorage", REMEMBERED, { ...Object.fromEntries(values), device: this.#device });
  }

  #recall() {
    const remembered = load("localStorage", REMEMBERED) ?? {};
    for (const field of this.#fields) {
      if (!(field.id in remembered)) continue;
      if (field.type === "checkbox") field.checked = remembered[field.id];
      else field.value = remembered[field.id];
    }
    this.#device = remembered.device ?? "";
  }
}

/** @param {string} id */
function field(id) {
  return find(id, HTMLInputElement);
}
