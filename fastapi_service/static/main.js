// @ts-check
/** Entry point: the page's parts, its addresses, and what the button does. */

import { Conversation } from "./session/conversation.js";
import { Microphone } from "./audio/microphone.js";
import { watchReadiness } from "./session/readiness.js";
import { ExportMenu } from "./view/export-menu.js";
import { Settings } from "./view/settings.js";
import { StatisticsPanel } from "./view/statistics.js";
import { Transcript } from "./view/transcript.js";
import { translate } from "./view/translate.js";
import { View } from "./view/view.js";
import { words } from "./words/words.js";

await translate();
const view = new View();
const page = {
  view,
  transcript: new Transcript(),
  statistics: new StatisticsPanel(),
  settings: new Settings(),
};
new ExportMenu(page.transcript);

/** @type {Conversation | null} */
let conversation = null;

function toggle() {
  if (conversation) {
    conversation.stop();
    return;
  }
  conversation = new Conversation(page, socketUrl(), checkReadiness, () => (conversation = null));
  conversation.start();
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

view.onToggle(toggle);
view.status("idle");
page.transcript.invite(() => words.empty.idle);
page.statistics.clear();
checkReadiness();

const obstacle = Microphone.obstacle();
if (obstacle) {
  view.notice("microphone", () => words.microphone[obstacle]);
  view.disableStart();
}
