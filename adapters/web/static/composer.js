// Where a line is written and sent.

import { Attachments } from "./attachments.js";
import { commandOf, mainOf, optionsOf, rangeOf } from "./complete.js";
import { composing, make } from "./dom.js";
import { newKey, say } from "./requests.js";
import { Suggestions } from "./suggestions.js";

const EXAMPLE = "/imagine a red fox in snow";

/**
 * The form at the bottom. `answered(answer)` gets what the server says to a line, `refused(error)` why it
 * would not take it, and `commands()` gives the commands as they are known now.
 */
export class Composer {
  #form = document.getElementById("composer");
  #box = document.getElementById("text");
  #send = document.getElementById("send");
  #options = document.getElementById("options");
  #replyBox = document.getElementById("reply");
  #replyPicture = document.getElementById("reply-picture");
  #reply = null;
  #key = null;
  #busy = false;
  #attachments;
  #suggestions;
  #on;

  constructor(on) {
    this.#on = on;
    this.#attachments = new Attachments(() => this.#changed());
    this.#suggestions = new Suggestions(this.#box, on.commands);
    this.#box.addEventListener("input", () => this.#changed());
    this.#box.addEventListener("keydown", (event) => this.#pressed(event));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    document.getElementById("reply-close").addEventListener("click", () => {
      this.replyTo(null);
      this.#box.focus();
    });
  }

  /** Make the next line a reply to an output, or to nothing. */
  replyTo(medium) {
    this.#reply = medium;
    this.#replyBox.hidden = medium === null;
    this.#box.placeholder = medium ? "What should change?" : EXAMPLE;
    if (medium) this.#replyPicture.src = `/api/v1/jobs/${medium.job}/outputs/${medium.index}`;
    this.#changed();
    if (medium) this.#box.focus();
  }

  /** Put a text into the box; the caret goes behind it. */
  write(text) {
    this.#box.value = text;
    this.#box.focus();
    this.#box.setSelectionRange(text.length, text.length);
    this.#changed();
    this.#suggestions.close();
  }

  /** Begin a command, keeping words that were already written. */
  begin(command) {
    const words = this.#box.value.replace(/^\s*\/\S*\s*/, "");
    this.write(`/${command} ${words}`);
  }

  /** Draw what depends on the commands again. */
  refresh() {
    delete this.#options.dataset.command;
    this.#drawOptions();
    if (document.activeElement === this.#box) this.#suggestions.update();
  }

  #changed() {
    this.#key = null; // another line is another request
    this.#send.disabled = this.#busy || this.#isEmpty();
    this.#grow();
    this.#suggestions.update();
    this.#drawOptions();
  }

  #isEmpty() {
    return this.#box.value.trim() === "" && this.#attachments.files.length === 0;
  }

  #pressed(event) {
    if (this.#suggestions.takes(event)) return;
    if (event.key !== "Enter" || event.shiftKey || composing(event)) return;
    event.preventDefault();
    this.#submit();
  }

  async #submit() {
    if (this.#busy || this.#isEmpty()) return;
    this.#setBusy(true);
    try {
      const answer = await say(this.#line());
      this.#clear();
      this.#on.answered(answer);
    } catch (error) {
      this.#on.refused(error);
    } finally {
      this.#setBusy(false);
    }
  }

  #setBusy(busy) {
    this.#busy = busy;
    // Kept as it was sent until the answer is there, but never disabled: that would take the focus away.
    this.#box.readOnly = busy;
    this.#form.classList.toggle("busy", busy);
    this.#send.disabled = busy || this.#isEmpty();
  }

  #line() {
    // A line that is sent again unchanged, after no answer came, is the same request.
    this.#key ??= newKey();
    const form = new FormData();
    form.set("text", this.#box.value);
    form.set("key", this.#key);
    if (this.#reply) {
      form.set("reply_job", this.#reply.job);
      form.set("reply_index", this.#reply.index);
    }
    for (const file of this.#attachments.files) form.append("file", file, file.name || "picture");
    return form;
  }

  #clear() {
    this.#box.value = "";
    this.#attachments.clear();
    this.replyTo(null);
  }

  /** As high as its text, up to what the style allows. */
  #grow() {
    this.#box.style.height = "auto";
    this.#box.style.height = `${this.#box.scrollHeight}px`;
  }

  #drawOptions() {
    const command = commandOf(this.#box.value, this.#on.commands());
    this.#options.hidden = !command || command.parameters.length === 0;
    if (this.#options.dataset.command === (command?.name ?? "")) return;
    this.#options.dataset.command = command?.name ?? "";
    this.#options.replaceChildren(...(command ? this.#optionChips(command) : []));
  }

  #optionChips(command) {
    const main = mainOf(command);
    const words = main ? [make("span", { text: main.description || main.title })] : [];
    return [...words, ...optionsOf(command).map((parameter) => this.#optionChip(parameter))];
  }

  #optionChip(parameter) {
    const chip = make("button", { type: "button", class: "option", title: parameter.description || parameter.title });
    chip.append(make("code", { text: `--${parameter.name}` }), ` ${rangeOf(parameter)}`);
    chip.addEventListener("click", () => this.#addOption(parameter.name));
    return chip;
  }

  #addOption(name) {
    const line = this.#box.value.trimEnd();
    this.write(`${line} --${name} `);
    this.#suggestions.update();
  }
}
