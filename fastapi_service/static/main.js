// @ts-check
/** Entry point: the parts of the page, its address, and the actions of its buttons. */

import { fromAddress, inviteTo, keepInvite, linksInto, readAccess, signIn, signOut, signOutPath } from "./access.js";
import { AudioFile, AudioFileError } from "./audio/audio-file.js";
import { obstacle, watchInputDevices } from "./audio/input-devices.js";
import { texts } from "./i18n/index.js";
import { languagesIn, unknownIn } from "./i18n/spoken.js";
import { Conversation } from "./session/conversation.js";
import { personKey } from "./session/person-key.js";
import { watchReadiness } from "./session/readiness.js";
import * as sessionStore from "./session/session-store.js";
import { keepAwake } from "./session/wake-lock.js";
import { DeleteCommand } from "./view/delete-command.js";
import { find } from "./view/element.js";
import { ExportMenu } from "./view/export-menu.js";
import { FilePicker } from "./view/file-picker.js";
import { localize } from "./view/localize.js";
import { Meter } from "./view/meter.js";
import { OwnerMenu } from "./view/owner.js";
import { People } from "./view/people.js";
import { Settings } from "./view/settings.js";
import { isRoom, linkTo, Share } from "./view/share.js";
import { SignIn } from "./view/sign-in.js";
import { StatisticsPanel } from "./view/statistics.js";
import { Transcript } from "./view/transcript.js";
import { View } from "./view/view.js";
import { Who } from "./view/who.js";

await localize();
const view = new View();
const settings = new Settings();
const share = new Share();
const signInForm = new SignIn();
const people = new People();
const transcript = new Transcript(people);
const statistics = new StatisticsPanel(people, (sentence) => transcript.find(sentence));
const owner = new OwnerMenu(people, {
  onLinks: () => share.show(share.room, true),
  onRefused: (text) => view.notice("room", text),
});
const page = { view, share, transcript, statistics, meter: new Meter(), who: new Who(people, (who) => owner.list(who)) };
const exports = new ExportMenu(transcript);
const deletion = new DeleteCommand({ onDeleted: empty, onRefused: (text) => view.notice("deletion", text) });

/** @typedef {import("./session/session-store.js").StoredSession} StoredSession */

/** The connected session; without a source of audio it follows the room. @type {Conversation | null} */
let conversation = null;
/** The next session, while its microphone is requested or its file read. @type {Conversation | null} */
let upcoming = null;
/** The reading of a file. @type {AbortController | null} */
let reading = null;
/** `seq` of the newest result of the room that is on the page; 0: none. */
let lastSeq = 0;
/** False: the link into the room is for reading, or the service lets us in no more. */
let mayTalk = true;

function toggle() {
  if (reading) {
    stopReading();
    rest();
  } else if (conversation?.hasSource) conversation.stop();
  else talk();
}

async function talk() {
  const next = (upcoming = prepare(null, settings.value.talkers === "one" ? 1 : 2));
  const open = await next.openMicrophone(settings.value);
  upcoming = null;
  refreshDevices();
  if (!open) return rest();
  begin(next);
}

/** @param {File} file */
async function play(file) {
  if (!mayTalk) return; // it was dropped
  const next = (upcoming = prepare());
  const { signal } = (reading = new AbortController());
  keepAwake(true, "file");
  /** @type {import("./audio/remote-decoder.js").Progress["onState"]} */
  const onState = (state, share) => signal.aborted || view.status(state, share);
  view.status("reading");
  const audio = await AudioFile.open(file, undefined, socketUrl("decode"), { signal, onState }).catch((error) => {
    if (signal.aborted) return;
    if (!(error instanceof AudioFileError)) {
      stopReading();
      rest();
      throw error;
    }
    console.warn(error); // with its cause
    refuse(file.size ? error : new AudioFileError("empty"));
  });
  if (signal.aborted) return; // the page does something else now
  reading = upcoming = null;
  if (audio) {
    begin(next);
    if (audio.problem) refuse(audio.problem);
    next.play(audio);
  } else rest();
  keepAwake(false, "file");
}

/** Ends the reading of a file, if there is one. */
function stopReading() {
  if (!reading) return;
  reading.abort();
  reading = upcoming = null;
  keepAwake(false, "file");
}

/** @param {AudioFileError} error */
function refuse({ code, cause }) {
  const text = () => /** @type {Record<string, string>} */ (texts.file)[code] ?? texts.error(/** @type {any} */ (cause));
  view.notice("file", text);
}

/** Resumes a session of this tab; one that is over is shown again. @param {StoredSession} session */
async function resume(session) {
  share.show(null);
  history.replaceState(null, "", linkTo(null));
  const next = prepare(session, session.second ? 2 : 1);
  begin(next);
  exports.session = deletion.session = session;
  sessionStore.save(session);
  const { talkers, ...options } = settings.value;
  /** @type {typeof talkers} those of the session; which two they were, the settings have */
  const former = !session.second ? "one" : talkers === "one" ? "stereo" : talkers;
  if (session.over || !(await next.openMicrophone({ ...options, talkers: former }))) next.stop();
  refreshDevices();
}

/** Shows what others say in the room. */
function follow() {
  conversation = prepare();
  conversation.open(lastSeq);
}

/** The state of the page while no audio comes from here. */
function rest() {
  if (conversation) conversation.show();
  else if (share.room) follow();
  else view.status("idle");
}

/**
 * A session that is not connected yet.
 * @param {StoredSession | null} [former] the one to resume
 * @param {number} [channels] each with a talker of its own
 */
function prepare(former, channels = 1) {
  const resume = former ? { session_id: former.session_id, token: former.token, second: former.second } : null;
  const { languages, task, prompt, name, role, speakers } = choices();
  const person_key = share.room && personKey(share.room);
  const invite = share.room === null ? undefined : inviteTo(share.room);
  const start = { languages, task, prompt, room: share.room, name, role, speakers, person_key, ...(invite && { invite }) };
  /** @type {Conversation} */
  const made = new Conversation(
    page,
    { url: socketUrl("ws"), start, channels, resume },
    {
      onSession: (session, ready) => {
        exports.session = share.room || !transcript.entries.length ? session : {};
        if (!share.room) sessionStore.save(session);
        limit(made, session, ready);
      },
      onStatus: (status, share) => made === (upcoming ?? conversation) && view.status(status, share),
      onTrouble: checkReadiness,
      onDeleted: () => made === conversation && empty(),
      onExpelled: (why) => made === conversation && expel(why),
      onOver: (newest) => {
        lastSeq = newest;
        conversation = null;
        sessionStore.markOver();
        checkAccess();
        if (share.room && made.hasSource) follow(); // else the service refused to let us follow, and would again
      },
    },
  );
  return made;
}

/** Connects a session in place of the present one. @param {Conversation} next */
function begin(next) {
  stopReading();
  lastSeq = conversation?.leave() ?? lastSeq;
  conversation = next;
  dismissAll();
  page.meter.saved(0);
  if (!share.room) clear();
  transcript.invite(() => texts.empty.listening);
  next.open(lastSeq);
  next.configure(choices()); // they may have changed since it was prepared
}

/** The settings, with the names of two who talk here. */
function choices() {
  return { ...settings.value, speakers: settings.speakers(share.room === null) };
}

/** Takes other settings; a reader, who may only begin with a name, begins again. */
function reconfigure() {
  if (mayTalk) return conversation?.configure(choices());
  lastSeq = conversation?.leave() ?? lastSeq;
  if (conversation) follow();
}

/** Empties the page for another conversation; a private one can be restored. */
function clear() {
  const former = transcript.entries.length ? sessionStore.load() : null;
  view.dismiss("restore");
  if (former) offer({ ...former, over: true });
  lastSeq = 0;
  transcript.clear();
  page.statistics.clear();
  page.who.show();
}

/** Ends what is under way, without waiting for results. */
function end() {
  stopReading();
  view.dismiss("mono");
  conversation?.leave();
  conversation = null;
}

/** Takes the notices about a conversation away. */
function dismissAll() {
  for (const topic of ["microphone", "file", "error", "late", "end", "dropped", "deletion", "room"]) view.dismiss(topic);
}

/** The conversation was deleted: nothing of it stays on the page. */
function empty() {
  end();
  exports.session = {};
  deletion.session = null;
  sessionStore.forget();
  sessionStore.forgetFirst();
  clear();
  dismissAll();
  transcript.invite(() => texts.empty.idle);
  view.status("stopped");
  view.notice("deletion", () => texts.delete.done);
}

/** Moves the page into a room, or out of it (null). @param {string | null} room */
function move(room) {
  end();
  for (const topic of ["error", "room"]) view.dismiss(topic);
  history.replaceState(null, "", linkTo(room));
  settle();
  sessionStore.forget();
}

/** Shows an empty page, in a room or in none. */
function settle() {
  checkAccess();
  clear();
  owner.show(null);
  view.mayTalk = mayTalk = true;
  deletion.session = null;
  transcript.invite(() => (share.room ? texts.empty.room : texts.empty.idle));
  rest();
}

/** @param {string} path */
function socketUrl(path) {
  const url = new URL(path, document.baseURI);
  url.protocol = url.protocol.replace("http", "ws");
  return url;
}

function checkReadiness() {
  watchReadiness(new URL(`readyz?origin=${location.origin}`, document.baseURI), (reasons) => {
    if (reasons === null) view.notice("service", () => texts.unreachable);
    else if (reasons.length) view.notice("service", () => texts.notReady, { details: reasons });
    else view.dismiss("service");
  });
}

/** Lets the person sign in where that is needed; nobody signs in who has a link into the room. Lets others sign out. */
async function checkAccess() {
  const access = await readAccess();
  if (!access?.closed) return;
  const { rights, name, login } = access;
  const way = signOutPath(access);
  find("sign-out").hidden = !rights.length || !way;
  find("sign-out").onclick = async () => {
    end();
    sessionStore.forget();
    await signOut();
    location.href = way;
  };
  if (name) settings.fix(name);
  if (!rights.length && !(share.room && inviteTo(share.room))) signInForm.show(login);
}

/**
 * Shows what a session may do. Where access is closed, the owner of a room manages it, and deletes what was said.
 * @param {Conversation} made
 * @param {import("./session/socket.js").Session} session
 * @param {import("./wire/messages.js").Ready} ready
 */
function limit(made, session, { rights, links = null }) {
  const { room } = share;
  const own = links === null ? null : room;
  const deleter = room && !rights ? sessionStore.firstIn(room, session) : session;
  deletion.session = room && rights && !own ? null : deleter;
  owner.show(own);
  view.mayTalk = mayTalk = rights?.includes("talk") !== false;
  if (!mayTalk && made.hasSource) {
    made.leave();
    follow();
  }
  if (own && linksInto(own)) share.show(own, true);
  else if (own && !links) owner.renew();
}

/** The service lets us in no more; what was said stays on the page. @param {import("./session/conversation.js").Expelled} why */
function expel(why) {
  end();
  dismissAll();
  transcript.dropPending();
  transcript.invite(() => ""); // in an empty one, nothing will appear
  page.who.show();
  owner.show(null);
  view.mayTalk = mayTalk = false;
  view.status("stopped");
  const actions = share.room ? [{ text: () => texts.share.leave, run: () => share.leave() }] : [];
  view.notice("error", () => texts.expelled[why], { actions });
  if (why === "grant_ended") sessionStore.forget();
  checkAccess();
}

/** Offers to resume a session. @param {StoredSession} session */
function offer(session) {
  const decline = () => {
    if (sessionStore.load()?.session_id === session.session_id) sessionStore.forget(); // else another one began since
    view.dismiss("restore");
  };
  view.notice("restore", () => texts.restore, {
    actions: [
      { text: () => texts.restoreIt, run: () => resume(session) },
      { text: () => texts.forgetIt, run: decline },
    ],
  });
}

signInForm.onSubmit(async (passphrase) => {
  const error = await signIn(passphrase);
  if (!error) location.reload();
  return error;
});
view.onToggle(toggle);
share.onChange(move);
settings.onChange(reconfigure);
new FilePicker().onFile(play);
checkReadiness();

const reason = obstacle();
if (reason) {
  view.notice("microphone", () => texts.microphone[reason]);
  view.disableStart();
}
const refreshDevices = reason ? () => {} : watchInputDevices((devices) => settings.devices(devices));

const address = new URLSearchParams(location.search);
const asked = languagesIn(address);
if (asked) settings.choose(asked);
const unknown = unknownIn(address).join(", ");
if (unknown) view.notice("language", () => texts.settings.unknown(unknown));
const room = address.get("room");
const { passphrase, invite } = fromAddress();
if (room !== null && isRoom(room)) {
  if (invite) keepInvite(room, invite);
  share.show(room);
}
if (passphrase) signInForm.refuse(await signIn(passphrase));
settle();
const former = sessionStore.load();
if (former && !share.room) offer(former);
