// Where a line is written and sent.

import { Attachments } from "./attachments.js";
import { Controls } from "./controls.js";
import { composing, make } from "./dom.js";
import { sortOf } from "./files.js";
import { commandOf, mainOf } from "./line.js";
import { newKey, outputUrl, say } from "./requests.js";
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
  #begin = document.getElementById("begin");
  #replyBox = document.getElementById("reply");
  #replyPicture = document.getElementById("reply-picture");
  #replyWords = document.getElementById("reply-words");
  #reply = null;
  #key = null;
  #busy = false;
  #last = null;
  #attachments;
  #controls;
  #suggestions;
  #on;

  constructor(on) {
    this.#on = on;
    this.#attachments = new Attachments(() => this.#changed());
    this.#controls = new Controls(this.#attachments, {
      changed: () => this.#changed(),
      rewrite: (line) => {
        this.#box.value = line;
        this.#changed();
      },
    });
    this.#suggestions = new Suggestions(this.#box, on.commands);
    this.#listen();
  }

  /** Make the next line a reply to an output, or to nothing. */
  replyTo(medium) {
    this.#reply = medium;
    this.#replyBox.hidden = medium === null;
    this.#box.placeholder = medium ? "What should change?" : EXAMPLE;
    if (medium) this.#showReply(medium);
    this.#changed();
    if (medium) this.#box.focus();
  }

  /** What is replied to: a picture itself, anything else by its name. */
  #showReply(medium) {
    const sort = medium.media_type ? sortOf(medium) : "image"; // a button asks about pictures
    const noun = { image: "picture", video: "video", audio: "sound" }[sort] ?? "file";
    this.#replyPicture.hidden = sort !== "image";
    if (sort === "image") this.#replyPicture.src = outputUrl(medium);
    this.#replyWords.textContent = sort === "image" ? "Reply to this picture" : `Reply to this ${noun}: ${medium.name}`;
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
    this.#drawOptions();
    if (document.activeElement === this.#box) this.#suggestions.update();
  }

  #listen() {
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

  #changed() {
    this.#key = null; // another line is another request
    this.#send.disabled = this.#busy || this.#isEmpty();
    this.#grow();
    if (document.activeElement === this.#box) this.#suggestions.update();
    this.#drawOptions();
  }

  #isEmpty() {
    return this.#box.value.trim() === "" && this.#attachments.empty;
  }

  #pressed(event) {
    if (this.#suggestions.takes(event)) return;
    if (event.key === "ArrowUp" && this.#box.value === "" && this.#last) this.#recall(event);
    if (event.key !== "Enter" || event.shiftKey || composing(event)) return;
    event.preventDefault();
    this.#submit();
  }

  /** The last line again, with what its controls said. */
  #recall(event) {
    event.preventDefault();
    this.write(this.#last.line);
    this.#controls.hold(this.#last.values);
    this.#changed();
    this.#suggestions.close();
  }

  async #submit() {
    if (this.#busy || this.#isEmpty()) return;
    this.#setBusy(true);
    try {
      const answer = await say(this.#asForm());
      this.#last = { line: this.#box.value, values: this.#controls.values };
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

  #asForm() {
    // A line that is sent again unchanged, after no answer came, is the same request.
    this.#key ??= newKey();
    const form = new FormData();
    form.set("text", this.#box.value);
    form.set("key", this.#key);
    form.set("values", JSON.stringify(this.#controls.values));
    if (this.#reply) {
      form.set("reply_job", this.#reply.job);
      form.set("reply_index", this.#reply.index);
    }
    this.#attachments.fill(form);
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
    const line = this.#box.value;
    const command = commandOf(line, this.#on.commands());
    this.#controls.update(command, line, this.#reply);
    const bare = line.trim() !== "" && !line.trim().startsWith("/") && !this.#reply;
    if (this.#begin.hidden === !bare) return;
    this.#begin.hidden = !bare;
    if (bare) this.#begin.replaceChildren("Begin with a command: ", ...this.#beginnings());
  }

  #beginnings() {
    const able = this.#on.commands().filter(mainOf);
    return able.map(({ name, description }) => {
      const button = make("button", { type: "button", class: "option", title: description, text: `/${name}` });
      button.addEventListener("click", () => this.begin(name));
      return button;
    });
  }
}
