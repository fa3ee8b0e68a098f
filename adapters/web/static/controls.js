// The options of the command that is written, as controls. A control and the line never say two things: while an
// option stands in the line, its control shows and changes it there; any other is held here and sent beside it.

import { fileName } from "./attachments.js";
import { makeControl } from "./control.js";
import { make } from "./dom.js";
import { isFile, NOUNS, sortOf } from "./files.js";
import { mainOf, optionsIn, withOption } from "./line.js";
import { outputUrl } from "./requests.js";

/** How many options beside the needed ones are seen at once. */
const USUAL = 4;

/** `on.changed()` is called when a value changes, `on.rewrite(line)` when the line must. */
export class Controls {
  #box = document.getElementById("controls");
  #about = document.getElementById("about");
  #attachments;
  #on;
  #command = undefined;
  #line = "";
  #held = new Map();
  #controls = new Map();

  constructor(attachments, on) {
    this.#attachments = attachments;
    this.#on = on;
  }

  /** What the controls say beside the line. */
  get values() {
    return Object.fromEntries(this.#held);
  }

  /** Hold these values from now on. */
  hold(values) {
    this.#held = new Map(Object.entries(values));
  }

  /** Show the options of the line's command; `reply` is the output that is replied to, or null. */
  update(command, line, reply) {
    this.#line = line;
    if (!same(command, this.#command)) this.#draw(command);
    if (!command) return;
    const written = optionsIn(line, command);
    for (const [name, control] of this.#controls) {
      if (written.has(name)) this.#held.delete(name);
      control.set(written.get(name)?.value ?? this.#held.get(name) ?? "");
    }
    this.#fillSlots(reply);
  }

  #draw(command) {
    if (command?.name !== this.#command?.name) this.#held.clear();
    this.#command = command;
    this.#controls.clear();
    const options = command ? optionsOf(command) : [];
    this.#attachments.slots = options.filter(isFile);
    this.#about.hidden = !command;
    this.#about.textContent = command ? command.description : "";
    this.#box.hidden = options.length === 0;
    this.#box.replaceChildren(...this.#rows(options));
  }

  #rows(options) {
    const first = options.filter(({ required }) => required);
    const rest = options.filter(({ required }) => !required);
    const usual = [...first, ...rest.slice(0, USUAL)];
    const others = rest.slice(USUAL);
    const shown = make("div", { class: "control-grid" }, ...usual.map((parameter) => this.#control(parameter)));
    if (others.length === 0) return [shown];
    const more = make("details", { class: "more" }, make("summary", { text: `More (${others.length})` }));
    more.append(make("div", { class: "control-grid" }, ...others.map((parameter) => this.#control(parameter))));
    return [shown, more];
  }

  #control(parameter) {
    if (isFile(parameter)) return this.#slot(parameter);
    const control = makeControl(parameter, (value) => this.#set(parameter.name, value));
    this.#controls.set(parameter.name, control);
    return control.element;
  }

  #set(name, value) {
    const written = optionsIn(this.#line, this.#command).get(name);
    if (value === "") this.#held.delete(name);
    else this.#held.set(name, value);
    if (written) this.#on.rewrite(withOption(this.#line, name, written, value));
    else this.#on.changed();
  }

  /** Where a file is chosen, dropped, and seen. */
  #slot({ name, title, type, description, required }) {
    const choose = make("button", { type: "button", class: "choose", text: "Choose, drop or paste" });
    choose.setAttribute("aria-label", `${title}: choose ${NOUNS[type]}`);
    choose.addEventListener("click", () => this.#attachments.choose(name));
    const head = make("span", { class: "control-head", text: required ? `${title} (needed)` : title });
    const slot = make("div", { class: "control slot", title: description, data: { slot: name, sort: sortOf({ type }) } }, head, make("div"), choose);
    return slot;
  }

  /** Each file where it will go. The server gives the one that is replied to to the first of its sort that has none. */
  #fillSlots(reply) {
    let rest = reply;
    const sort = reply?.media_type ? sortOf(reply) : "image"; // a button asks about pictures
    for (const slot of this.#box.querySelectorAll("[data-slot]")) {
      const chip = this.#attachments.chipFor(slot.dataset.slot);
      const replied = !chip && rest && [sort, "file"].includes(slot.dataset.sort) ? repliedChip(rest) : null;
      if (replied) rest = null;
      const shown = chip ?? replied;
      const place = slot.children[1];
      if (place.firstElementChild !== shown) place.replaceChildren(...(shown ? [shown] : []));
      slot.classList.toggle("filled", Boolean(shown));
    }
  }
}

/** Commands are read again now and then; drawn anew is only what offers something else than before. */
function same(one, other) {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}

function optionsOf(command) {
  const main = mainOf(command);
  return command.parameters.filter((parameter) => parameter !== main);
}

function repliedChip(reply) {
  const url = outputUrl(reply);
  const shown = !reply.media_type || sortOf(reply) === "image" ? make("img", { src: url, alt: "The picture you reply to" }) : fileName(reply.name);
  return make("div", { class: "chip" }, shown);
}
