import assert from "node:assert/strict";
import { test } from "node:test";

import { RovingFocus } from "../../../fastapi_service/static/view/roving-focus.js";

/** A list of three items that reacts to `data-entry` selectors and keys as an element does. */
function list() {
  const root = /** @type {any} */ (new EventTarget());
  root.items = [0, 1, 2].map((entry) => ({
    dataset: { entry: String(entry) },
    tabIndex: -1,
    focus() {
      root.focused = entry;
    },
  }));
  root.querySelector = (/** @type {string} */ selector) =>
    root.items.find((/** @type {any} */ { dataset }) => selector === `[data-entry="${dataset.entry}"]`) ?? null;
  return root;
}

/** @param {any} root @param {number} entry @param {string} key */
function press(root, entry, key) {
  const event = Object.assign(new Event("keydown", { cancelable: true }), { key });
  Object.defineProperty(event, "target", { value: root.items[entry] });
  root.dispatchEvent(event);
  return event.defaultPrevented;
}

/** @param {any} root */
function tabIndices(root) {
  return root.items.map((/** @type {any} */ { tabIndex }) => tabIndex);
}

test("arrow keys move the focus by one item, and Tab reaches that item only", () => {
  const root = list();
  const focus = new RovingFocus(root);
  focus.moveTo(root.items[1]);
  focus.moveTo(root.items[2]);
  assert.deepEqual(tabIndices(root), [-1, -1, 0]);
  assert.ok(press(root, 2, "ArrowUp"));
  assert.deepEqual([root.focused, tabIndices(root)], [1, [-1, 0, -1]]);
  assert.ok(press(root, 1, "ArrowDown"));
  assert.equal(root.focused, 2);
});

test("at the ends and with other keys the focus stays", () => {
  const root = list();
  new RovingFocus(root).moveTo(root.items[2]);
  for (const [entry, key] of /** @type {const} */ ([[2, "ArrowDown"], [0, "ArrowUp"], [2, "Enter"]])) {
    assert.ok(!press(root, entry, key));
  }
  assert.deepEqual([root.focused, tabIndices(root)], [undefined, [-1, -1, 0]]);
});
