// @ts-check
/** The settings, kept by the browser. Their defaults are in index.html. */

import { canShareSound } from "../audio/shared-sound.js";
import { decibels } from "../i18n/format.js";
import { onLanguage, texts } from "../i18n/index.js";
import { plain, spokenLanguages } from "../i18n/spoken.js";
import { load, save } from "../storage.js";
import { element, find } from "./element.js";
import { setText } from "./localize.js";

/**
 * @typedef {object} Choices
 * @property {string[]} languages of the speech; none: any
 * @property {"transcribe" | "translate"} task
 * @property {string} prompt names and words that may come up
 * @property {string | null} name of the person who talks
 * @property {string | null} role likewise
 * @property {import("../audio/input-devices.js").Talkers} talkers at this page
 * @property {string | null} device id of the microphone; null for the browser's default
 * @property {boolean} echoCancellation
 * @property {boolean} noiseSuppression
 * @property {boolean} autoGainControl
 * @property {number | null} threshold mean square below which is silence; null: it adapts to the room
 */

const STORED_AS = "settings";
/** What the service does not take in a name: control characters, halves of characters, ends of lines, changes of direction. */
const NOT_IN_NAMES = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu;

export class Settings {
  /** @type {NodeListOf<HTMLInputElement>} */
  #fields = find("settings").querySelectorAll("input:not([type=search]), select, textarea");
  /** Kept also while the device is not connected. */
  #device = "";
  /** @type {(value: Choices) => void} */
  #changed = () => {};

  constructor() {
    if (!canShareSound()) find("talkers").querySelector("[value=call]")?.remove();
    this.#load();
    onLanguage(() => {
      this.choose(this.#languages);
      this.#showTalkers();
    });
    this.devices([]);
    this.#showThreshold();
    this.#showTalkers();
    field("search").oninput = () => this.#search();
    const note = (/** @type {Event} */ { target, type }) => {
      if (target === field("search")) return;
      if (target === field("device")) this.#device = field("device").value;
      this.#save();
      this.#showThreshold();
      this.#showTalkers();
      // While they are typed, prompt and names are none yet.
      const typed = ["prompt", "name", "role", "second"].some((id) => target === field(id));
      if (typed === (type === "change")) this.#changed(this.value);
    };
    for (const type of ["input", "change"]) find("settings").addEventListener(type, note);
  }

  /** @param {(value: Choices) => void} changed */
  onChange(changed) {
    this.#changed = changed;
  }

  /** Takes what the sign-in calls the person, who may give no other name. @param {string} name */
  fix(name) {
    field("name").value = name;
    field("name").readOnly = true;
    this.#changed(this.value);
  }

  /** @returns {Choices} */
  get value() {
    return {
      languages: this.#languages,
      task: field("translate").checked ? "translate" : "transcribe",
      prompt: field("prompt").value.trim(),
      name: nameIn("name"),
      role: nameIn("role"),
      talkers: this.#talkers,
      device: this.#device || null,
      echoCancellation: field("echoCancellation").checked,
      noiseSuppression: field("noiseSuppression").checked,
      autoGainControl: field("autoGainControl").checked,
      threshold: field("automatic").checked ? null : this.#threshold,
    };
  }

  /**
   * The two who talk here. Whoever has no name is called by the place; but to others in a room nobody is "Me".
   * @param {boolean} alone in no room
   */
  speakers(alone) {
    const { name, role, talkers } = this.value;
    const [first, second] = texts.talkers.names[talkers];
    const nobody = talkers === "call" && !alone;
    return [
      { name: name ?? (nobody ? null : first), role },
      { name: nameIn("second") ?? second, role: null },
    ];
  }

  /** @returns {import("../audio/input-devices.js").Talkers} */
  get #talkers() {
    return /** @type {any} */ (field("talkers").value || "one"); // a browser that shares no sound has nothing of that kind
  }

  /** Shows what goes with who talks here: browsers change no sound in stereo, and remove a call's echo always. */
  #showTalkers() {
    const talkers = this.#talkers;
    field("talkers").value = talkers;
    find("beside").hidden = talkers === "one";
    find("processing").hidden = talkers === "stereo";
    field("echoCancellation").labels?.[0].toggleAttribute("hidden", talkers !== "one");
    setText(find("talkers-hint"), () => texts.talkers.hint[talkers]);
    field("second").placeholder = texts.talkers.names[talkers][1];
    setText(find("second-title"), () => texts.talkers.second[talkers]);
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

  /** Lists all languages, the chosen ones first. @param {string[]} chosen codes */
  choose(chosen) {
    const items = spokenLanguages(chosen).map(({ code, name, words }) => {
      const box = element("input", { type: "checkbox", value: code });
      box.toggleAttribute("checked", chosen.includes(code));
      return element("label", { class: "switch", "data-words": words }, box, name);
    });
    find("languages").replaceChildren(...items);
    this.#search();
  }

  /** Hides the languages that are not searched for. */
  #search() {
    const wanted = plain(field("search").value);
    const labels = [...find("languages").querySelectorAll("label")];
    for (const label of labels) label.hidden = !label.dataset.words?.includes(wanted);
    const found = labels.filter(({ hidden }) => !hidden).length;
    setText(find("found"), () => (wanted ? texts.settings.found(found) : ""));
  }

  get #languages() {
    /** @type {NodeListOf<HTMLInputElement>} */
    const chosen = find("languages").querySelectorAll(":checked");
    return Array.from(chosen, ({ value }) => value);
  }

  #save() {
    const own = [...this.#fields].filter(({ readOnly }) => !readOnly); // no name that is fixed: it goes with the sign-in
    const values = own.map(({ id, type, value, checked }) => [id, type === "checkbox" ? checked : value]);
    const others = { device: this.#device, languages: this.#languages };
    save("localStorage", STORED_AS, { ...Object.fromEntries(values), ...others });
  }

  #load() {
    const stored = load("localStorage", STORED_AS) ?? {};
    for (const field of this.#fields) {
      if (!(field.id in stored)) continue;
      if (field.type === "checkbox") field.checked = stored[field.id];
      else field.value = stored[field.id];
    }
    this.#device = stored.device ?? "";
    this.choose(stored.languages ?? [stored.language]); // one, as stored before there were several
  }
}

/**
 * @param {string} id
 * @returns {HTMLInputElement}
 */
function field(id) {
  return find(id);
}

/** What a person is to be called; null: nothing. @param {string} id */
function nameIn(id) {
  return field(id).value.replace(NOT_IN_NAMES, "").trim() || null;
}
