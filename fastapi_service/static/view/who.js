// @ts-check
/** Who is in the room: those who talk as marks with names, and who of them talks now; the number of those who listen. */

import { texts } from "../i18n/index.js";
import { element, find } from "./element.js";
import { setText } from "./localize.js";

/** @typedef {import("../wire/messages.js").PersonPresent} PersonPresent */

/** People with a mark; those who talk now go first where there are more. */
const MOST = 12;

export class Who {
  #people;
  #shown;

  /**
   * @param {import("./people.js").People} people
   * @param {(who: PersonPresent[]) => void} [shown] called with those who are here
   */
  constructor(people, shown = () => {}) {
    this.#people = people;
    this.#shown = shown;
    find("rename").onclick = () => {
      /** @type {HTMLDetailsElement} */ (find("settings")).open = true;
      find("name").focus();
    };
  }

  /** @param {PersonPresent[] | null} [who] none: outside of a room, or of an older service */
  show(who) {
    find("here").hidden = !who;
    this.#shown(who ?? []);
    if (!who) return;
    const people = this.#people;
    people.present(who);
    const talkers = who.filter(({ talker }) => talker);
    const shown = new Set(talkers.toSorted((a, b) => Number(b.talking) - Number(a.talking)).slice(0, MOST));
    const items = talkers
      .filter((each) => shown.has(each))
      .sort((a, b) => people.order(a.person) - people.order(b.person) || 0)
      .map((each) => this.#item(each));
    find("who").replaceChildren(...items);
    const listeners = who.filter(({ talker }) => !talker);
    setText(find("others"), () => {
      const names = listeners.flatMap(({ name, person }) => (name ? people.label(person) : []));
      const more = talkers.length > MOST ? [texts.people.more(talkers.length - MOST)] : [];
      const listening = listeners.length ? [texts.people.listening(listeners.length, names.join(", "))] : [];
      return [...more, ...listening].join(" · ");
    });
    const named = who.some(({ person, name }) => name && people.isOwn(person));
    setText(find("rename"), () => (named ? texts.people.rename : texts.people.name));
  }

  /** @param {PersonPresent} each */
  #item({ person, talking }) {
    const tag = this.#people.tag("span", person);
    const own = this.#people.isOwn(person) && this.#people.name(person);
    return element(
      "li",
      { class: talking ? "talking" : "" },
      tag,
      ...(own ? [" ", setText(element("span", { class: "role" }), () => texts.people.you)] : []),
      ...(talking ? [" ", setText(element("span", { class: "unseen" }), () => texts.people.talking)] : []),
    );
  }
}
