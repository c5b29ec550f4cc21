// @ts-check
/** What the browser keeps for the page. One that keeps nothing, because cookies are blocked, is as good as an empty one. */

/** @typedef {"localStorage" | "sessionStorage"} Area */

/**
 * What was saved; null when there is nothing, or nothing that can be read.
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
    // It is forgotten with the page.
  }
}
