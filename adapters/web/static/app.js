// The chat page: puts its parts together.

import { Composer } from "./composer.js";
import { Log } from "./log.js";
import { clearNotice, showNotice } from "./notice.js";
import { watchQueue } from "./queue.js";
import { commands, press, Refused } from "./requests.js";
import { follow } from "./stream.js";
import { Viewer } from "./viewer.js";

let known = [];

const composer = new Composer({ answered: takeAnswer, refused: tell, commands: () => known });
const viewer = new Viewer((medium) => composer.replyTo(medium));
const log = new Log({
  press: pressAction,
  open: (medium, alt) => viewer.open(medium, alt),
  reply: (medium) => composer.replyTo(medium),
});

function takeAnswer(answer) {
  clearNotice();
  if (answer.kind === "said") log.note(answer.card);
  if (answer.kind === "started") log.toEnd();
  if (answer.kind === "ask") {
    composer.replyTo({ job: answer.job, index: answer.index });
    composer.begin(answer.command);
  }
}

async function pressAction(action, button) {
  button.disabled = true;
  try {
    takeAnswer(await press(action));
  } catch (error) {
    tell(error);
  } finally {
    button.disabled = false;
  }
}

function tell(error) {
  if (!(error instanceof Refused)) throw error;
  showNotice(error.message);
}

/** Ask again at every connection, and when ComfyUI comes back: it may offer other models. */
async function learnCommands() {
  try {
    known = await commands();
    composer.refresh();
  } catch (error) {
    if (!(error instanceof Refused)) throw error; // the banner says already that nobody answers
  }
}

function showConnection(connected) {
  document.getElementById("lost").hidden = connected;
  if (connected) learnCommands();
}

document.getElementById("example").addEventListener("click", (event) => {
  composer.write(event.currentTarget.textContent);
});

follow({
  connected: showConnection,
  room: (cards) => log.room(cards),
  card: (card) => log.put(card),
  removed: (id) => log.remove(id),
});
watchQueue(learnCommands);
