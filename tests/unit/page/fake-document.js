/** The parts of a document that the views need: elements with attributes, children and text. Nothing is laid out. */

export class FakeElement extends EventTarget {
  /** Elements, and texts as strings. @type {(FakeElement | string)[]} */
  children = [];
  /** @type {FakeElement | null} */
  parentElement = null;
  hidden = false;
  /** @type {string | null} */
  ariaHidden = null;
  tabIndex = -1;
  /** @type {Record<string, string>} */
  #attributes = {};
  style = { setProperty: () => {} };

  /** @param {string} tag */
  constructor(tag) {
    super();
    this.tag = tag;
  }

  get tagName() {
    return this.tag.toUpperCase();
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
  removeAttribute(name) {
    delete this.#attributes[name];
  }

  /** @param {string} name */
  toggleAttribute(name) {
    this.#attributes[name] = "";
  }

  get className() {
    return this.#attributes.class ?? "";
  }

  set className(names) {
    this.#attributes.class = names;
  }

  get classList() {
    return { add: (/** @type {string} */ name) => (this.className = `${this.className} ${name}`.trim()) };
  }

  /** Attributes `data-…` without dashes in their names. @type {Record<string, string>} */
  dataset = new Proxy(/** @type {Record<string, string>} */ ({}), {
    get: (_, name) => this.#attributes[`data-${String(name)}`],
    set: (_, name, value) => Boolean((this.#attributes[`data-${String(name)}`] = value)),
  });

  /** @param {(FakeElement | string)[]} children */
  append(...children) {
    for (const child of children) this.#insert(child, this.children.length);
  }

  /** @param {(FakeElement | string)[]} children */
  replaceChildren(...children) {
    for (const child of [...this.children]) if (child instanceof FakeElement) child.remove();
    this.children = [];
    this.append(...children);
  }

  /** @param {FakeElement} other */
  before(other) {
    other.remove();
    this.parentElement?.#insert(other, this.parentElement.children.indexOf(this));
  }

  remove() {
    if (this.parentElement) this.parentElement.children = this.parentElement.children.filter((child) => child !== this);
    this.parentElement = null;
  }

  /** @param {FakeElement | string} child @param {number} place */
  #insert(child, place) {
    if (child instanceof FakeElement) {
      child.remove();
      child.parentElement = this;
    }
    if (child !== "") this.children.splice(Math.min(place, this.children.length), 0, child);
  }

  /** A text whose `data` can be set. */
  get firstChild() {
    const { children } = this;
    return {
      set data(/** @type {string} */ text) {
        children[0] = text;
      },
    };
  }

  get previousElementSibling() {
    const siblings = this.parentElement?.children ?? [];
    return siblings[siblings.indexOf(this) - 1] ?? null;
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

  /** @param {string} selector `tag`, `.class`, `[name]`, `[name=value]` or a tag and one of them */
  querySelectorAll(selector) {
    const [, tag, wanted, name, value] = selector.match(/^([a-z]*)(?:\.([a-z]+))?(?:\[([a-z0-9-]+)(?:=([a-z_]+))?\])?$/) ?? [];
    const matches = (/** @type {FakeElement} */ each) => {
      const found = name ? each.getAttribute(name) : null;
      if (wanted && !each.className.split(" ").includes(wanted)) return false;
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
    class Observer {
      observe() {}
    }
    Object.defineProperty(globalThis, "navigator", { value: { language: "en-US" }, configurable: true });
    Object.assign(globalThis, { document: this, matchMedia: () => ({}), ResizeObserver: Observer, IntersectionObserver: Observer });
    Object.assign(globalThis, { requestAnimationFrame: () => 0 });
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
