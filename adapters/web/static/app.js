// The chat page: puts its parts together.

import { Composer } from "./composer.js";
import { Gallery } from "./gallery.js";
import { Log } from "./log.js";
import { clearNotice, showNotice } from "./notice.js";
import { watchQueue } from "./queue.js";
import { commands, press, Refused } from "./requests.js";
import { Room } from "./room.js";
import { Search } from "./search.js";
import { follow } from "./stream.js";
import { tellInTitle } from "./title.js";
import { Viewer } from "./viewer.js";
import { You } from "./you.js";

const $ = (id) => document.getElementById(id);
let known = [];

const room = new Room({ show: showRoom, put: changed((card) => log.put(card)), remove: changed((id) => log.remove(id)) });
const composer = new Composer({ answered: takeAnswer, refused: tell, commands: () => known });
const older = () => room.older().catch(tell);
const viewer = new Viewer({
  pictures: () => (gallery.open ? room.pictures.toReversed() : room.pictures),
  more: moreOnThatSide,
  use: (medium) => {
    toggleGallery(false);
    composer.replyTo(medium);
  },
});
const open = (medium) => viewer.open(medium);
const gallery = new Gallery({ open, older });
const log = new Log({ press: pressAction, open, reply: (medium) => composer.replyTo(medium), older, noted: tellWhenEmpty });
const search = new Search({ search: (words) => room.search(words).catch(tell) });
const you = new You();

function showRoom(cards) {
  log.show(cards, room.hasOlder);
  drawRest();
}

/** What is done to the log, and then to whatever else shows the room. */
function changed(toLog) {
  return (what) => {
    toLog(what);
    drawRest();
  };
}

function drawRest() {
  gallery.show(room.pictures, room.hasOlder);
  tellInTitle(room.all);
  tellWhenEmpty();
}

function tellWhenEmpty() {
  $("hint").hidden = !log.empty || room.words !== "";
  $("nothing").hidden = !log.empty || room.words === "";
}

/** Older pictures are to the left in the conversation, to the right among the newest first. */
async function moreOnThatSide(step) {
  if (!room.hasOlder || step !== (gallery.open ? 1 : -1)) return false;
  await older();
  return true;
}

function toggleGallery(shown) {
  gallery.toggle(shown);
  $("log").hidden = shown;
  $("gallery-toggle").setAttribute("aria-pressed", String(shown));
  drawRest();
  if (!shown) log.toEnd();
}

function takeAnswer(answer, button = null) {
  clearNotice();
  if (answer.kind === "said" || answer.kind === "started") {
    toggleGallery(false);
    search.close();
  }
  if (answer.kind === "said") log.note(answer.card);
  if (answer.kind === "started") log.toEnd();
  if (answer.kind === "turned") log.turn(button, answer.card);
  if (answer.kind === "ask" && answer.job) {
    composer.replyTo({ job: answer.job, index: answer.index });
    composer.begin(answer.command);
  } else if (answer.kind === "ask") {
    const given = Object.entries(answer.values).map(([name, value]) => `--${name} ${value} `);
    composer.write(`/${answer.command} ${given.join("")}${answer.about ? `--${answer.about} ` : ""}`);
  }
}

async function pressAction(action, button) {
  button.disabled = true;
  try {
    takeAnswer(await press(action), button);
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
async function learn() {
  try {
    known = await commands();
    composer.refresh();
    await you.look();
  } catch (error) {
    if (!(error instanceof Refused)) throw error; // the banner says already that nobody answers
  }
}

function showConnection(connected) {
  $("lost").hidden = connected;
  if (connected) learn();
}

/** Phones draw their keyboard over the page: it is as high as what is left. */
function fitKeyboard() {
  const seen = window.visualViewport;
  seen?.addEventListener("resize", () => {
    document.body.style.height = seen.scale === 1 ? `${seen.height}px` : "";
  });
}

// What was wrong with a line is told until there is no such line any more.
$("text").addEventListener("input", (event) => event.currentTarget.value === "" && clearNotice());
$("example").addEventListener("click", (event) => composer.write(event.currentTarget.textContent));
$("gallery-toggle").addEventListener("click", () => toggleGallery(!gallery.open));
fitKeyboard();
follow({
  connected: showConnection,
  room: (page) => room.stands(page),
  card: (card) => room.put(card),
  removed: (id) => room.remove(id),
});
watchQueue(learn);
