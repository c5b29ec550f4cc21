// @ts-check
/** The messages about the sessions of all channels of one connection: they count when each channel has its own. */

/** @typedef {import("../wire/messages.js").Ready | import("../wire/messages.js").Ack | import("../wire/messages.js").Stopped} Marked */

export class Channels {
  count = 1;
  /** Newest messages of each type, by channel. @type {Record<string, Marked[]>} */
  #newest = {};

  /** Forgets the messages of a former connection. */
  clear() {
    this.#newest = {};
  }

  /**
   * Returns the newest messages of this type, one about each channel; none while one of them lacks.
   * @template {Marked} Each
   * @param {Each} message
   */
  all(message) {
    const all = /** @type {Each[]} */ (this.#newest[message.type] ??= []);
    all[message.channel ?? 0] = message;
    return all.filter(Boolean).length === this.count ? all : [];
  }
}

/** The position in samples that all channels have; 0 of none. @param {{ samples: number }[]} all */
export function earliest(all) {
  return all.length ? Math.min(...all.map(({ samples }) => samples)) : 0;
}
