// @ts-check
/** The browser's storage as JSON. A browser that blocks it counts as an empty one. */

/** @typedef {"localStorage" | "sessionStorage"} Area */

/**
 * Returns the stored value; null if there is none, or none that can be read.
 * @param {Area} area
 * @param {string} key
 * @returns {any}
 */
export function load(area, key) {
  try {
    return JSON.parse(globalThis[area].getItem(key) ?? "null");
  } catch {
    return null;
  }
}

/**
 * @param {Area} area
 * @param {string} key
 * @param {unknown} value null to forget it
 */
export function save(area, key, value) {
  try {
    globalThis[area].setItem(key, JSON.stringify(value));
  } catch {
    // The value is lost with the page.
  }
}
