// What may be typed next. Pure: a line, where the caret is, and the commands give suggestions.

import { rangeOf } from "./control.js";
import { isFile } from "./files.js";
import { commandOf, mainOf } from "./line.js";

const SHOWN = 60;

/**
 * Suggestions at the caret: `{from, to, items}` where `from`..`to` is what an item's `insert` replaces.
 * Null if there is nothing to suggest, or the word is complete already.
 */
export function suggest(line, caret, commands) {
  const before = line.slice(0, caret);
  const name = /^\s*\/([\w-]*(?: [\w-]*)?)$/.exec(before);
  const offered = name && offer(caret, `/${name[1]}`, commands.map(commandItem));
  if (name && (offered || !name[1].includes(" "))) return offered;
  const command = commandOf(line, commands);
  if (!command) return null;
  const option = /(?:^|\s)(--[\w-]*)$/.exec(before);
  if (option) return offer(caret, option[1], optionsOf(command).map(optionItem));
  return suggestChoice(before, caret, command);
}

/** The options of a command: all but the words themselves and files. */
function optionsOf(command) {
  const main = mainOf(command);
  return command.parameters.filter((parameter) => parameter !== main && !isFile(parameter));
}

function suggestChoice(before, caret, command) {
  const typed = /(?:^|\s)(?:--)?([A-Za-z][\w-]*)(?:=|\s+)(\S*)$/.exec(before);
  if (!typed) return null;
  const dashed = before.slice(typed.index).trimStart().startsWith("--");
  const assigned = /=\S*$/.test(before);
  if (!dashed && !assigned) return null;
  const parameter = command.parameters.find((known) => known.name === typed[1].toLowerCase().replaceAll("-", "_"));
  return parameter?.choices ? offer(caret, typed[2], parameter.choices.map(choiceItem)) : null;
}

function offer(caret, typed, items) {
  const word = typed.toLowerCase();
  if (items.some((item) => item.label.toLowerCase() === word)) return null;
  const begin = items.filter((item) => item.label.toLowerCase().startsWith(word));
  const within = items.filter((item) => !begin.includes(item) && item.label.toLowerCase().includes(word.replace(/^(\/|--)/, "")));
  const found = [...begin, ...within].slice(0, SHOWN);
  return found.length > 0 ? { from: caret - typed.length, to: caret, items: found } : null;
}

function commandItem({ name, description }) {
  return { label: `/${name}`, detail: description, insert: `/${name} ` };
}

function optionItem(parameter) {
  const detail = [parameter.description, rangeOf(parameter)].filter(Boolean).join(": ");
  return { label: `--${parameter.name}`, detail, insert: `--${parameter.name} ` };
}

function choiceItem(choice) {
  // A name with spaces is one value only between quotes.
  return { label: choice, detail: "", insert: /\s/.test(choice) ? `"${choice}" ` : `${choice} ` };
}
