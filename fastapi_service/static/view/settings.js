// @ts-check
/** The settings, kept by the browser. Their defaults are in index.html. */

import { decibels, languageName } from "../i18n/format.js";
import { onLanguage, texts } from "../i18n/index.js";
import { load, save } from "../storage.js";
import { element, find } from "./element.js";
import { setText } from "./localize.js";

/**
 * @typedef {object} Choices
 * @property {string | null} language of the speech; null to detect it
 * @property {"transcribe" | "translate"} task
 * @property {string} prompt names and words that may come up
 * @property {string | null} device id of the microphone; null for the browser's default
 * @property {boolean} echoCancellation
 * @property {boolean} noiseSuppression
 * @property {boolean} autoGainControl
 * @property {number | null} threshold mean square below which is silence; null: it adapts to the room
 */

const STORED_AS = "settings";
const LANGUAGES = ["zh", "nl", "en", "fr", "de", "hi", "it", "ja", "ko", "pl", "pt", "ru", "es", "tr", "uk"];

export class Settings {
  /** @type {NodeListOf<HTMLInputElement>} */
  #fields = find("settings").querySelectorAll("input, select, textarea");
  /** Kept also while the device is not connected. */
  #device = "";
  /** @type {(value: Choices) => void} */
  #changed = () => {};

  constructor() {
    this.#listLanguages();
    onLanguage(() => this.#listLanguages());
    this.#load();
    this.devices([]);
    this.#showThreshold();
    find("settings").addEventListener("input", ({ target }) => {
      if (target === field("device")) this.#device = field("device").value;
      this.#save();
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

  /** Lists the microphones; browsers give their names after permission only. @param {MediaDeviceInfo[]} devices */
  devices(devices) {
    const options = devices
      .filter(({ deviceId }) => deviceId && deviceId !== "default")
      .map(({ deviceId, label }, i) =>
        setText(element("option", { value: deviceId }), () => label || texts.settings.unnamed(i + 1)),
      );
    const standard = setText(element("option", { value: "" }), () => texts.settings.standard);
    field("device").replaceChildren(standard, ...options);
    field("device").value = this.#device;
    if (field("device").value !== this.#device) field("device").value = "";
  }

  /** Mean square; the slider is in dB, which is even to the ear: −33 dB is 0.0005. */
  get #threshold() {
    return 10 ** (Number(field("threshold").value) / 10);
  }

  #showThreshold() {
    const text = `${decibels(this.#threshold)} (${Number(this.#threshold.toPrecision(1))})`;
    find("fixed").hidden = field("automatic").checked;
    field("threshold").setAttribute("aria-valuetext", text);
    find("threshold-db").textContent = text;
  }

  /** Sorts by the names in the page's language. */
  #listLanguages() {
    const chosen = field("language").value;
    const named = LANGUAGES.map((code) => element("option", { value: code }, languageName(code)));
    named.sort((a, b) => a.innerText.localeCompare(b.innerText, document.documentElement.lang));
    field("language").replaceChildren(element("option", { value: "" }, texts.settings.detect), ...named);
    field("language").value = chosen;
  }

  #save() {
    const values = [...this.#fields].map(({ id, type, value, checked }) => [id, type === "checkbox" ? checked : value]);
    save("localStorage", STORED_AS, { ...Object.fromEntries(values), device: this.#device });
  }

  #load() {
    const stored = load("localStorage", STORED_AS) ?? {};
    for (const field of this.#fields) {
      if (!(field.id in stored)) continue;
      if (field.type === "checkbox") field.checked = stored[field.id];
      else field.value = stored[field.id];
    }
    this.#device = stored.device ?? "";
  }
}

/** @param {string} id */
function field(id) {
  return find(id, HTMLInputElement);
}
