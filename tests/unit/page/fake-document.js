/** The parts of a document that the views need: elements with attributes, children and text. Nothing is laid out. */

export class FakeElement {
  /** @type {(FakeElement | string)[]} */
  children = [];
  /** @type {FakeElement | null} */
  parentElement = null;
  hidden = false;
  /** @type {Record<string, string>} */
  #attributes = {};
  style = { setProperty: () => {} };

  /** @param {string} tag */
  constructor(tag) {
    this.tag = tag;
  }

  /** @param {string} name @param {string} value */
  setAttribute(name, value) {
    this.#attributes[name] = value;
  }

  /** @param {string} name */
  getAttribute(name) {
    return this.#attributes[name] ?? null;
  }

  /** @param {string} name */
  toggleAttribute(name) {
    this.#attributes[name] = "";
  }

  get className() {
    return this.#attributes.class ?? "";
  }

  /** Attributes `data-…` without dashes in their names. */
  get dataset() {
    return { label: this.#attributes["data-label"], figure: this.#attributes["data-figure"] };
  }

  /** @param {(FakeElement | string)[]} children */
  append(...children) {
    for (const child of children) if (child instanceof FakeElement) child.parentElement = this;
    this.children.push(...children);
  }

  get textContent() {
    return this.children.map((child) => (typeof child === "string" ? child : child.textContent)).join("");
  }

  set textContent(text) {
    this.children = [text];
  }

  /** This element and all below it. @returns {FakeElement[]} */
  get all() {
    return [this, ...this.children.flatMap((child) => (typeof child === "string" ? [] : child.all))];
  }

  /** @param {string} selector `tag`, `[name]`, `[name=value]` or a tag and one of them */
  querySelectorAll(selector) {
    const [, tag, name, value] = selector.match(/^([a-z]*)(?:\[([a-z0-9-]+)(?:=([a-z_]+))?\])?$/) ?? [];
    const matches = (/** @type {FakeElement} */ each) => {
      const found = name ? each.getAttribute(name) : null;
      return (!tag || each.tag === tag) && (!name || (value ? found === value : found !== null));
    };
    return this.all.slice(1).filter(matches);
  }

  /** @param {string} selector */
  querySelector(selector) {
    return this.querySelectorAll(selector)[0] ?? null;
  }
}

export class FakeDocument extends FakeElement {
  documentElement = new FakeElement("html");

  constructor() {
    super("document");
  }

  /** Puts it, and what else of a browser the views need, in the place of the global one. */
  install() {
    class ResizeObserver {
      observe() {}
    }
    Object.defineProperty(globalThis, "navigator", { value: { language: "en-US" }, configurable: true });
    Object.assign(globalThis, { document: this, matchMedia: () => ({}), ResizeObserver });
    return this;
  }

  /** @param {string} tag */
  createElement(tag) {
    return new FakeElement(tag);
  }

  /** Adds an element with this id, unless there is one. @param {string} id */
  getElementById(id) {
    const known = this.all.find((each) => each.getAttribute("id") === id);
    if (known) return known;
    const made = new FakeElement("div");
    made.setAttribute("id", id);
    this.append(made);
    return made;
  }
}
