// The page for admins: how everything stands, every two seconds.

import { fillBar, makeBar } from "./card.js";
import { asks, askTwice } from "./confirm.js";
import { make, sync, write } from "./dom.js";
import { inBytes } from "./media.js";
import { cancelJob, command, me, overview, Refused } from "./requests.js";

const EVERY_MS = 2000;

const person = ({ actor }) => who(actor);
const asked = ({ command, prompt }) => `/${command} ${prompt}`;

/** Tables: the overview's list, the key of a row, its columns as [title, cell], and what to say of none. */
const TABLES = [
  ["running", (job) => job.job, [["Person", person], ["What", asked], ["Server", (job) => job.backend], ["For", since], ["Progress", progress], ["End", cancel]], "Nothing runs."],
  ["waiting", (job) => job.job, [["Person", person], ["What", asked], ["For", since], ["Do", waits]], "Nobody waits."],
  ["backends", (one) => one.name, [["Server", (one) => one.name], ["State", state], ["Version", (one) => one.version ?? ""], ["Memory", memory], ["In work", (one) => one.running], ["Trouble", (one) => one.trouble ?? ""], ["Do", serves]], "There is none."],
  ["people", (one) => one.actor.id, [["Person", person], ["Waiting", (one) => one.waiting], ["Running", (one) => one.running], ["Done today", (one) => one.done], ["Do", clears]], "Nobody has asked for anything today."],
  ["failures", (job) => job.job, [["When", when], ["Person", person], ["Workflow", (job) => job.workflow], ["What went wrong", (job) => job.message], ["Job", (job) => job.job.slice(0, 8)]], "Nothing has failed."],
  ["changes", (one) => `${one.at} ${one.what} ${one.whom}`, [["When", when], ["Who", ({ by }) => who(by)], ["What", (one) => one.what], ["On", (one) => one.whom], ["Before", (one) => one.before], ["After", (one) => one.after]], "Nothing was changed yet."],
];

let at = 0;

for (const table of TABLES) makeTable(...table);
const pause = document.getElementById("pause");
pause.addEventListener("click", () => order(pause.dataset.command));
setInterval(() => document.visibilityState === "visible" && look(), EVERY_MS);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look());
look();

async function look() {
  try {
    show(await overview());
    say("");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    say(error.status === 403 ? `${error.message} Your id is ${(await me()).id}.` : error.message);
    if (error.status === 403) document.getElementById("sections").hidden = true;
  }
  document.getElementById("admin").setAttribute("aria-busy", "false");
}

function say(sentence) {
  const box = document.getElementById("trouble");
  box.hidden = sentence === "";
  write(box, sentence);
}

function show(found) {
  at = found.at;
  document.getElementById("sections").hidden = false;
  const waiting = found.waiting.length + found.more_waiting;
  const paused = found.paused ? ", paused" : "";
  write(document.getElementById("counts"), `${waiting} waiting, ${found.running.length} running${paused}`);
  pause.dataset.command = found.paused ? "resume" : "pause";
  write(pause, found.paused ? "Resume the queue" : "Pause the queue");
  const more = document.getElementById("more-waiting");
  more.hidden = found.more_waiting === 0;
  write(more, `and ${found.more_waiting} more`);
  for (const [name, key, columns] of TABLES) fill(name, found[name], key, columns);
}

function makeTable(name, _key, columns, none) {
  const head = make("tr", {}, ...columns.map(([title]) => make("th", { scope: "col", text: title })));
  const table = make("table", { "aria-labelledby": `${name}-title` }, make("thead", {}, head), make("tbody"));
  document.getElementById(name).replaceChildren(table, make("p", { class: "quiet", text: none }));
}

function fill(name, items, key, columns) {
  const [table, none] = document.getElementById(name).children;
  table.hidden = items.length === 0;
  none.hidden = items.length > 0;
  sync(table.tBodies[0], items, {
    key,
    create: () => make("tr", {}, ...columns.map(([title]) => make("td", { data: { title } }))),
    update: (row, item) => columns.forEach(([, cell], place) => draw(row.cells[place], cell(item, row.cells[place]))),
  });
}

/** A cell's text; one that draws itself gives nothing back. */
function draw(cell, text) {
  if (text !== undefined) write(cell, String(text ?? ""));
}

function who({ name, id }) {
  return `${name} (${id.split(":")[0]})`;
}

function state({ up, hold }) {
  return `${up ? "answers" : "does not answer"}${hold ? `: ${hold}` : ""}`;
}

function memory({ devices }) {
  return devices.map(({ name, memory, free }) => `${name}: ${inBytes(free)} of ${inBytes(memory)} free`).join("; ");
}

function since(job) {
  return inWords(at - job.since);
}

function when(job) {
  return new Date(job.at * 1000).toLocaleString();
}

function inWords(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

function progress({ fraction, node }, cell) {
  if (!cell.firstElementChild) cell.append(makeBar(), make("small"));
  fillBar(cell.firstElementChild, fraction);
  write(cell.lastElementChild, node ?? "");
}

function cancel({ job, prompt }, cell) {
  hands(cell, prompt, [["Cancel", () => cancelJob(job), true]]);
}

function waits({ job, prompt }, cell) {
  hands(cell, prompt, [["To the front", () => command("front", { id: job })], ["Cancel", () => cancelJob(job), true]]);
}

function serves({ name, lent, drained, added }, cell) {
  const server = { server: name };
  const drain = drained ? ["Restore", () => command("restore", server)] : ["Drain", () => command("drain", server)];
  const gpu = lent ? ["GPU back", () => command("gpu back", server)] : ["GPU to the bot", () => command("gpu take", server)];
  hands(cell, name, [
    [...drain, false, "drain"],
    [...gpu, false, "gpu"],
    ...(lent ? [["GPU back at once", () => command("gpu back", { ...server, how: "hand over" }), true]] : []),
    ...(added ? [["Remove", () => command("backend remove", server), true]] : []),
  ]);
}

function clears({ actor, waiting }, cell) {
  const clear = ["Clear", () => command("clear", { person: actor.id }), true];
  hands(cell, actor.name, waiting > 0 ? [clear] : []);
}

/**
 * A cell's buttons, as [label, what to do, whether it asks twice, key]; `about` is what they are about. One that turns
 * into its opposite has the same key, and so keeps the focus.
 */
function hands(cell, about, wanted) {
  if (wanted.length === 0) {
    cell.replaceChildren();
    return;
  }
  if (!cell.firstElementChild) cell.append(make("div", { class: "hands" }));
  const acts = new Map(wanted.map(([label, act, , key]) => [key ?? label, act]));
  cell.firstElementChild.acts = acts;
  sync(cell.firstElementChild, wanted, {
    key: ([label, , , key]) => key ?? label,
    create: ([label, , twice]) => {
      const button = make("button", { type: "button", class: twice ? "button danger" : "button", text: label });
      const act = () => done(button.parentElement.acts.get(button.dataset.key)());
      button.setAttribute("aria-description", about);
      if (twice) askTwice(button, act);
      else button.addEventListener("click", act);
      return button;
    },
    update: (button, [label]) => asks(button) || write(button, label),
  });
}

function order(name) {
  done(command(name, {}));
}

/** Say what came of it, and look. */
async function done(doing) {
  try {
    const said = await doing;
    const box = document.getElementById("said");
    box.hidden = typeof said !== "string";
    write(box, typeof said === "string" ? said : "");
    await look();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    say(error.message);
  }
}
