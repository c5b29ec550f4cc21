/** The parts of a browser that a microphone needs. Records requests; a test sets the answers and raises the events. */

export class FakeBrowser {
  /** Every request for a stream. @type {MediaTrackConstraints[]} */
  requests = [];
  /** Channels of the next devices. @type {number | undefined} */
  channelCount = undefined;
  /** Tracks of what is shared next, as their kinds; null: the person shares nothing. @type {string[] | null} */
  shares = ["audio", "video"];
  /** What was shared: the tracks of each time. @type {FakeTrack[][]} */
  shared = [];
  /** @type {FakeTrack[]} */
  tracks = [];
  /** @type {FakeContext[]} */
  contexts = [];
  /** @type {FakeNode[]} */
  nodes = [];
  /** Names of the errors of the next calls of `getUserMedia`. @type {string[]} */
  errors = [];
  /** The rate of the sound card if a context of another rate is refused. @type {number | null} */
  only = null;
  /** The last chunk of each node that is made from now on. @type {unknown} */
  rest = "the rest";
  media = new EventTarget();
  permission = { state: "granted", onchange: () => {} };

  install() {
    const getUserMedia = async (/** @type {{ audio: MediaTrackConstraints }} */ { audio }) => {
      this.requests.push(audio);
      const error = this.errors.shift();
      if (error) throw new DOMException("", error);
      const track = new FakeTrack("audio", this.channelCount);
      this.tracks.push(track);
      return { active: true, getTracks: () => [track], getAudioTracks: () => [track] };
    };
    const getDisplayMedia = async () => {
      if (!this.shares) throw new DOMException("", "NotAllowedError");
      const tracks = this.shares.map((kind) => new FakeTrack(kind));
      this.shared.push(tracks);
      const of = (/** @type {string} */ wanted) => tracks.filter(({ kind }) => kind === wanted);
      return { getTracks: () => tracks, getAudioTracks: () => of("audio"), getVideoTracks: () => of("video") };
    };
    const node = { query: async () => this.permission };
    Object.defineProperty(globalThis, "navigator", {
      value: { mediaDevices: Object.assign(this.media, { getUserMedia, getDisplayMedia }), permissions: node },
      configurable: true,
    });
    const browser = this;
    const events = new EventTarget();
    Object.assign(globalThis, {
      isSecureContext: true,
      document: new EventTarget(),
      addEventListener: events.addEventListener.bind(events),
      removeEventListener: events.removeEventListener.bind(events),
      AudioContext: class extends FakeContext {
        /** @param {AudioContextOptions} options */
        constructor(options) {
          super(options, browser);
        }
      },
      AudioWorkletNode: class extends FakeNode {
        /** @param {FakeContext} context @param {string} _name @param {AudioWorkletNodeOptions} options */
        constructor(context, _name, options) {
          super(options);
          this.rest = browser.rest;
          browser.nodes.push(this);
        }
      },
    });
    Object.assign(globalThis, { window: globalThis });
  }

  plug() {
    this.media.dispatchEvent(new Event("devicechange"));
  }

  get track() {
    return /** @type {FakeTrack} */ (this.tracks.at(-1));
  }

  get context() {
    return /** @type {FakeContext} */ (this.contexts.at(-1));
  }

  get node() {
    return /** @type {FakeNode} */ (this.nodes.at(-1));
  }
}

export class FakeTrack {
  muted = false;
  stopped = false;
  onended = () => {};
  onmute = () => {};
  onunmute = () => {};

  /** @param {string} kind @param {number} [channelCount] */
  constructor(kind, channelCount) {
    this.kind = kind;
    this.channelCount = channelCount;
  }

  getSettings() {
    return { channelCount: this.channelCount };
  }

  stop() {
    this.stopped = true;
  }
}

export class FakeContext {
  state = "suspended";
  closed = false;
  onstatechange = () => {};
  destination = {};
  audioWorklet = { addModule: async () => {} };
  /** Inputs of the merger that were connected, in order. @type {number[]} */
  merged = [];

  /** @param {AudioContextOptions} options @param {FakeBrowser} browser */
  constructor({ sampleRate }, browser) {
    this.sampleRate = sampleRate ?? browser.only;
    this.browser = browser;
    browser.contexts.push(this);
  }

  createMediaStreamSource() {
    if (this.browser.only && this.sampleRate !== this.browser.only) throw new DOMException("", "NotSupportedError");
    return {
      /** @template Node @param {Node} node @param {number} [_output] @param {number} [input] */
      connect: (node, _output, input) => {
        if (input !== undefined) this.merged.push(input);
        return node;
      },
    };
  }

  createChannelMerger() {
    return { connect: (/** @type {FakeNode} */ node) => node };
  }

  async resume() {
    this.become("running");
  }

  /** @param {string} state */
  become(state) {
    this.state = state;
    this.onstatechange?.();
  }

  close() {
    this.closed = true;
  }
}

export class FakeNode {
  /** The last chunk. @type {unknown} */
  rest;
  /** Messages from the main thread. @type {unknown[]} */
  received = [];
  port = {
    /** @type {(message: { data: unknown }) => void} */
    onmessage: () => {},
    postMessage: (/** @type {unknown} */ message) => {
      this.received.push(message);
      if (message === null) for (const data of [this.rest, null]) this.port.onmessage({ data });
    },
  };

  /** @param {AudioWorkletNodeOptions} options */
  constructor(options) {
    this.suppressor = options.processorOptions;
    this.options = options;
  }

  connect() {}
}
