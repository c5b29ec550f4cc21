// @ts-check
/** A promise that is settled from outside, as `Promise.withResolvers` makes it; browsers have that since 2024. */

/** @template Value */
export class Deferred {
  /** @type {(value: Value) => void} */
  resolve = () => {};
  /** @type {(error: Error) => void} */
  reject = () => {};
  /** @type {Promise<Value>} */
  promise = new Promise((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}
