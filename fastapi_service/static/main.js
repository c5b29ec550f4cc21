// @ts-check
/** Entry point: the page's parts, its addresses, and what its buttons do. */

import { Microphone, watchInputDevices } from "./audio/microphone.js";
import { SoundFile, SoundFileError } from "./audio/sound-file.js";
import { Conversation } from "./session/conversation.js";
import { watchReadiness } from "./session/readiness.js";
import { close, forget, recall, remember } from "./session/remembered.js";
import { ExportMenu } from "./view/export-menu.js";
import { FilePicker } from "./view/file-picker.js";
import { Meter } from "./view/meter.js";
import { Settings } from "./view/settings.js";
import { isRoom, linkTo, Share } from "./view/share.js";
import { StatisticsPanel } from "./view/statistics.js";
import { Transcript } from "./view/transcript.js";
import { translate } from "./view/translate.js";
import { View } from "./view/view.js";
import { words } from "./words/words.js";

await translate();
const view = new View();
const settings = new Settings();
const share = new Share();
const page = { view, share, transcript: new Transcript(), statistics: new StatisticsPanel(), meter: new Meter() };
new ExportMenu(page.transcript);

/** @typedef {import("./session/remembered.js").Remembered} Remembered */

/** The session that is connected: of who talks, or, in a room, of who listens. @type {Conversation | null} */
let conversation = null;
/** One that comes next: the microphone is asked for, or the file read. @type {Conversation | null} */
let coming = null;
/** Newest result of the room that is on the page; 0: none. */
let seen = 0;

function toggle() {
  if (conversation?.talking) conversation.stop();
  else talk();
}

async function talk() {
  const next = (coming = prepare());
  const heard = await next.listenTo(microphoneOptions());
  coming = null;
  refreshDevices();
  if (!heard) return rest();
  begin(next);
  next.configure(microphoneOptions()); // they may have changed meanwhile
}

/** @param {File} file */
async function play(file) {
  const next = (coming = prepare());
  view.status("reading");
  const sound = await decode(file);
  coming = null;
  if (!sound) return rest();
  begin(next);
  next.play(sound);
}

/** @param {File} file */
async function decode(file) {
  try {
    return await SoundFile.open(file);
  } catch (error) {
    if (!(error instanceof SoundFileError)) throw error;
    console.warn(error); // with its cause, for whoever looks closer
    view.notice("file", () => words.file[error.code]);
    return null;
  }
}

/** A session that this tab had goes on, or, if it is over, is shown again. @param {Remembered} session */
async function goOn(session) {
  share.show(null);
  history.replaceState(null, "", linkTo(null));
  const next = prepare(session);
  begin(next);
  remember(session);
  if (session.over || !(await next.listenTo(microphoneOptions()))) next.stop();
  refreshDevices();
}

/** In a room, follow what others say. */
function listen() {
  conversation = prepare();
  conversation.open(seen);
}

/** Nobody talks here now. */
function rest() {
  if (conversation) conversation.show();
  else if (share.room) listen();
  else view.status("idle");
}

/** A session that is not connected yet. @param {Remembered} [former] one that it resumes */
function prepare(former) {
  const resume = former ? { session_id: former.session_id, token: former.token } : null;
  const { language, task, prompt } = settings.value;
  const start = { language, task, prompt, room: share.room };
  /** @type {Conversation} */
  const made = new Conversation(
    page,
    { url: socketUrl(), start, resume },
    {
      onSession: (session) => !share.room && remember(session),
      onStatus: (status, share) => made === (coming ?? conversation) && view.status(status, share),
      onTrouble: checkReadiness,
      onOver: () => {
        seen = made.lastSeq;
        conversation = null;
        close();
        if (share.room && made.talking) listen(); // else the service does not want us, and would not soon
      },
    },
  );
  return made;
}

/** It takes the place of the one before. @param {Conversation} next */
function begin(next) {
  if (conversation) seen = conversation.lastSeq;
  conversation?.leave();
  conversation = next;
  for (const topic of ["microphone", "file", "error", "late", "end", "given-up"]) view.dismiss(topic);
  page.meter.saved(0);
  if (!share.room) clear();
  page.transcript.invite(() => words.empty.listening);
  next.open(seen);
}

/** The page for another conversation; a private one can still be had back. */
function clear() {
  const former = page.transcript.entries.length ? recall() : null;
  view.dismiss("restore");
  if (former) offer({ ...former, over: true });
  seen = 0;
  page.transcript.clear();
  page.statistics.clear();
}

/** Into a room, or out of it. @param {string | null} room */
function move(room) {
  conversation?.leave();
  conversation = null;
  history.replaceState(null, "", linkTo(room));
  settle();
  forget();
}

/** Nobody has said anything here yet. */
function settle() {
  clear();
  page.transcript.invite(() => (share.room ? words.empty.room : words.empty.idle));
  rest();
}

/** @returns {import("./audio/microphone.js").MicrophoneOptions} */
function microphoneOptions() {
  const { device, echoCancellation, noiseSuppression, autoGainControl, threshold } = settings.value;
  const gate = { enabled: true, threshold };
  return { deviceId: device ?? "", echoCancellation, noiseSuppression, autoGainControl, gate };
}

function socketUrl() {
  const url = new URL("ws", document.baseURI);
  url.protocol = url.protocol.replace("http", "ws");
  return url;
}

function checkReadiness() {
  watchReadiness(new URL("readyz", document.baseURI), (reasons) => {
    if (reasons === null) view.notice("service", () => words.unreachable);
    else if (reasons.length) view.notice("service", () => words.notReady, { details: reasons });
    else view.dismiss("service");
  });
}

/** @param {Remembered} session */
function offer(session) {
  view.notice("restore", () => words.restore, {
    actions: [
      { text: () => words.restoreIt, run: () => goOn(session) },
      {
        text: () => words.forgetIt,
        run: () => {
          if (recall()?.session_id === session.session_id) forget(); // another one may be going on by now
          view.dismiss("restore");
        },
      },
    ],
  });
}

view.onToggle(toggle);
share.onChange(move);
settings.onChange(() => conversation?.configure(microphoneOptions()));
new FilePicker().onFile(play);
checkReadiness();

const obstacle = Microphone.obstacle();
if (obstacle) {
  view.notice("microphone", () => words.microphone[obstacle]);
  view.disableStart();
}
const refreshDevices = obstacle ? () => {} : watchInputDevices((devices) => settings.devices(devices));

const room = new URLSearchParams(location.search).get("room");
if (room !== null && isRoom(room)) share.show(room);
settle();
const before = recall();
if (before && !share.room) offer(before);
