// @ts-check
/** All texts of the page in English. `ko.js` has the same shape. */

export const en = {
  otherLanguage: "한국어",
  tagline: "See live what is being said and how it is meant.",
  recording: "Recording",
  start: "Start",
  stop: "Stop",
  startAgain: "Start again",
  status: {
    idle: "Ready when you are.",
    /** @param {string} share such as 42%, or empty */
    reading: (share) => `Reading the file… ${share}`,
    queued: "Other files are being read. Yours waits for its turn.",
    joining: "Joining the room…",
    watching: "You see what is said in the room. Press Start to talk.",
    following: "You see what is said in the room. Your link is for reading.",
    permission: "Waiting for the microphone. The browser may ask for your permission.",
    connecting: "Connecting…",
    listening: "Listening.",
    hearing: "Hearing speech…",
    muted: "The microphone is muted. Unmute it to continue.",
    lost: "The microphone was disconnected. Connect it to continue.",
    interrupted: "The device interrupted the recording, perhaps for a call. It continues afterwards.",
    reconnecting: "Connection lost, reconnecting… Keep talking: up to a minute is kept.",
    finishing: "Finishing the last sentence…",
    stopped: "Stopped.",
    /** @param {string} share such as 42% */
    sending: (share) => `Sending the file: ${share}`,
  },
  meter: {
    /**
     * @param {string} level
     * @param {string} threshold
     */
    level: (level, threshold) => `Level ${level}; what is below ${threshold} counts as silence.`,
    /** @param {string} share */
    saved: (share) => `${share} of the audio was silence and not sent.`,
  },
  file: {
    choose: "Choose a file",
    drop: "Drop an audio file to transcribe it",
    not_audio: "This file cannot be read as audio. Try WAV, MP3, M4A, OGG or FLAC.",
    too_large: "This file is larger than 200 MB. Cut it, or use a compressed format.",
    too_long: "This recording is longer than three hours. Cut it into parts.",
    empty: "This file holds no audio.",
    unreachable: "The service, which reads this file, cannot be reached. Choose the file again when it runs and this machine is online.",
    memory: "Of this kind of file, the browser's memory does not hold such a length. Save it as MP3, OGG or FLAC, or cut it.",
  },
  settings: {
    title: "Settings",
    name: "Your name",
    role: "Your role",
    nameHint: "Others in the room see both. Role: such as agent or customer.",
    languages: "Spoken languages",
    languagesHint: "None: any language. Several: each sentence is in one of them.",
    search: "Search: name or code",
    /** @param {number} count */
    found: (count) => `Found: ${count}`,
    /** @param {string} codes */
    unknown: (codes) => `The address asks for a language that Whisper does not have: ${codes}.`,
    microphone: "Microphone",
    standard: "Default",
    /** @param {number} number */
    unnamed: (number) => `Microphone ${number}`,
    echoCancellation: "Remove the loudspeakers' echo",
    noiseSuppression: "Suppress noise",
    autoGainControl: "Even out the volume",
    automatic: "Find the silence threshold automatically",
    threshold: "Silence is below",
    translate: "Translate to English",
    prompt: "Names and words that may come up",
    promptHint: "Such as Siobhán, Valkey: so that they are spelled like this.",
  },
  /** Who talks at this page. */
  talkers: {
    title: "Who talks here",
    one: "One person",
    stereo: "Two people: left and right",
    call: "Me and a call in a tab",
    /** Names, where none is given. */
    names: { one: ["", ""], stereo: ["Left", "Right"], call: ["Me", "The call"] },
    second: { one: "", stereo: "Name of the right one", call: "Name of the call" },
    hint: {
      one: "",
      stereo: "For two microphones at one stereo input. Your name is the left one's. Files count as one talker.",
      call: "Start lets you share the tab of the call: switch on its sound. Use headphones, or your microphone hears the call too.",
    },
  },
  share: {
    title: "Share",
    explain: "Everyone in a room sees the same transcript, whether talking or listening. Without one it is yours alone.",
    name: "Room name",
    random: "Random name",
    join: "Join",
    leave: "Leave the room",
    bad: "A name has 1 to 64 letters of a–z, digits, _ . or -",
    link: "Link to this room",
    copy: "Copy link",
    copied: "Copied",
    copyByHand: "Press Ctrl+C to copy it.",
    code: "QR code of the link to this room",
    /** @param {string} room */
    inRoom: (room) => `Room ${room}`,
    /**
     * @param {number} people
     * @param {number} talking
     */
    people: (people, talking) => `${people === 1 ? "1 person" : `${people} people`} here, ${talking} talking`,
  },
  signIn: {
    title: "Sign in",
    explain: "This service is for people who have its pass-phrase, or a link into a room.",
    passphrase: "Pass-phrase",
    proxy: "Sign in with your account",
    out: "Sign out",
  },
  owner: {
    talk: "Link to talk",
    read: "Link to read only",
    renew: "New links",
    renewHint: "New links end the former ones. Whoever is here stays.",
    remove: "Remove…",
    /** @param {string} name */
    sureRemove: (name) => `Remove ${name} for good? The links are replaced too: give out the new ones.`,
    close: "Close the room…",
    sureClose: "Close the room for good? What was said can still be saved.",
  },
  /** Why the service lets somebody in no more, by the code of its error. */
  expelled: {
    removed: "The owner of this room has removed you. You cannot come back.",
    room_closed: "This room is closed. Save what you need.",
    grant_ended: "You were signed out. Save what you need, then sign in again.",
  },
  transcript: "Transcript",
  empty: {
    idle: "Press Start and speak. Each sentence appears here, with how it is meant, soon after you have said it.",
    room: "What is said in the room appears here.",
    listening: "Say something. Your first sentence appears here soon after you have said it.",
    nothing: "Nothing was understood. Is the right microphone chosen, and is it not muted?",
  },
  you: "You",
  people: {
    title: "Each person",
    curves: "Sentiment of each person over time",
    unnamed: "Unnamed",
    you: "(you)",
    talking: "talking",
    /** @param {number} count */
    more: (count) => `and ${count} more`,
    /**
     * @param {number} count
     * @param {string} names of some of them
     */
    listening: (count, names) => `${count} listening${names && `: ${names}`}`,
    name: "Add your name",
    rename: "Change name",
  },
  /** @param {number} number */
  speaker: (number) => `Speaker ${number}`,
  /** One of several speakers at a person's microphone. @param {number} number */
  voice: (number) => `voice ${number}`,
  /** @param {number} unread */
  newest: (unread) => (unread ? `Newest (${unread})` : "Newest"),
  /** @param {number} count */
  added: (count) => `${count} sentences were added.`,
  /** Latency of a sentence, in total and by stage. */
  hops: {
    /** @param {string} seconds */
    total: (seconds) => `Here after ${seconds}`,
    pause: "pause",
    queue: "queue",
    stt: "speech to text",
    analysis: "sentiment",
    delivery: "delivery",
  },
  failed: "Not transcribed.",
  /** @param {import("../wire/messages.js").SegmentFailed} failed */
  failure: ({ message, remedy }) => `${message} ${remedy}`,
  noSentiment: "No sentiment",
  /** @param {{ reason: string, languageName: string }} because `reason` in English, from the service */
  noSentimentBecause: ({ reason }) => reason,
  label: { positive: "Positive", neutral: "Neutral", negative: "Negative" },
  unsure: "unsure",
  statistics: {
    title: "Statistics",
    sentences: "Sentences",
    words: "Words",
    talk: "Time talked",
    pace: "Words per minute",
    people: "People in the room",
    sentiment: "Sentiment",
    label: "Label",
    count: "Count",
    share: "Share",
    mean: "Mean score",
    timeline: "Sentiment over time",
    trend: "Recent trend",
    languages: "Languages",
    latency: "Typical delay",
    longest: "Longest turn",
    interruptions: "Interruptions",
    overlap: "Talking at once",
    silence: "Silence",
    most_positive: "Most positive",
    most_negative: "Most negative",
    unanalysed: "Without sentiment",
    unsure: "Sentiment unsure",
    zero_shot: "* Language not trained",
    uncertain: "Not understood",
    failures: "Not transcribed",
  },
  /** @param {number} leaning −1, 0 or 1 */
  leaning: (leaning) => ["Negative", "Balanced", "Positive"][leaning + 1],
  /** @param {{ from: string, to: string, lowest: string, highest: string, latest: string }} figures */
  timeline: ({ from, to, lowest, highest, latest }) =>
    `From ${from} to ${to}, on a scale of −1 (negative) to 1 (positive): lowest ${lowest}, highest ${highest}, latest ${latest}.`,
  /**
   * @param {string} time
   * @param {number} sign −1 or 1
   */
  turn: (time, sign) => `${sign < 0 ? "negative" : "positive"} from ${time}`,
  /** @param {string} turns */
  turns: (turns) => `◇ Turning points: ${turns}.`,
  export: "Save as",
  delete: {
    title: "Delete…",
    sure: "Delete this conversation for everyone in it? Files that you saved stay.",
    it: "Delete",
    keep: "Cancel",
    done: "The conversation was deleted.",
  },
  microphone: {
    insecure:
      "Browsers give a microphone to safe pages only. Open this page with https://, or as http://localhost on the machine that it runs on.",
    unsupported: "This browser cannot record sound for a page. Use a current Firefox, Chrome, Edge or Safari.",
    denied: "The microphone is not allowed. Allow it in the browser's settings for this page, then press Start again.",
    missing: "No microphone was found. Connect one, then press Start again.",
    busy: "The microphone cannot be used. Close other programs that use it, then press Start again.",
    broken: "The microphone could not be opened. Reload the page and try again; another browser may help.",
    unshared: "No sound was shared. Press Start again, choose the tab of the call, and switch on its sound.",
  },
  mono: "This microphone has one channel only, so the two people count as one. Choose a stereo input, then start again.",
  unshared: "The sound of the call is no longer shared. Your microphone goes on.",
  shareAgain: "Share it again",
  audioDropped: "The connection was down too long; the oldest audio was dropped.",
  /** @param {string} time such as 42 seconds */
  lost: (time) => `Nothing was recorded for ${time}: the page was asleep, or the microphone was away.`,
  /** @param {string} time such as 42 seconds */
  lostBesideCall: (time) => `Your microphone was away for ${time}; the call was recorded.`,
  unreachable: "The service cannot be reached. Is it running, and is this machine online?",
  notReady: "The service is not ready yet; results come when it is. It waits for:",
  renewed: "The service no longer has this conversation, so a new one began. The statistics count from here.",
  restore: "A conversation was going on here a moment ago.",
  restoreIt: "Go on with it",
  forgetIt: "No, start a new one",
  incomplete: "The connection ended before everything was answered. The last sentences may be missing.",
  /** @param {number} count */
  pending: (count) => `Still missing: ${count} result${count === 1 ? "" : "s"}.`,
  /** @param {number} count */
  waiting: (count) => `The service is busy. Waiting for results in its queue: ${count}.`,
  giveUp: "Do not wait",
  /** @param {import("../wire/messages.js").Error} error */
  error: ({ message, remedy }) => `${message} ${remedy}`,
  /** @param {string} figure */
  seconds: (figure) => `${figure} s`,
  none: "–",
};
