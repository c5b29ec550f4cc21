// @ts-check
/** Short ways to make and to find elements. */

/**
 * Makes an element; strings among the children become text.
 * @param {string} tag
 * @param {Record<string, string>} [attributes]
 * @param {(Node | string)[]} children
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/**
 * Returns the element of index.html with this id, which is of the type that its place asks for.
 * @template {HTMLElement} [Found=HTMLElement]
 * @param {string} id
 */
export function find(id) {
  return /** @type {Found} */ (document.getElementById(id));
}
