// A field for one of many names: typing narrows them down, arrows choose, Enter takes.

import { composing, make } from "./dom.js";

let made = 0;

/** `element` is to be put on the page; `changed(value)` is called with a choice, or "" for none. */
export class Combobox {
  #choices;
  #changed;
  #input;
  #list;
  #value = "";
  #found = [];
  #chosen = -1;
  #following = null;

  constructor(choices, { id, placeholder, changed }) {
    this.#choices = choices;
    this.#changed = changed;
    const listId = `choices-${++made}`;
    const role = { role: "combobox", "aria-expanded": "false", "aria-controls": listId, "aria-autocomplete": "list" };
    this.#input = make("input", { ...role, id, type: "text", placeholder, autocomplete: "off", spellcheck: "false" });
    this.#list = make("div", { class: "suggestions choices", role: "listbox", id: listId, "aria-label": "Choices", hidden: true });
    this.element = make("div", { class: "combobox" }, this.#input, this.#list);
    this.#listen();
  }

  /** Show a value that was set elsewhere. */
  set(value) {
    this.#value = value;
    if (document.activeElement !== this.#input) this.#input.value = value;
  }

  #listen() {
    const input = this.#input;
    input.addEventListener("focus", () => input.select());
    input.addEventListener("click", () => this.#open(""));
    input.addEventListener("input", () => this.#open(input.value));
    input.addEventListener("keydown", (event) => this.#pressed(event));
    input.addEventListener("blur", () => this.#leave());
    // Focus stays in the field, or leaving it would close the list before the press counts.
    this.#list.addEventListener("mousedown", (event) => event.preventDefault());
  }

  #open(words) {
    const wanted = words.toLowerCase();
    this.#found = this.#choices.filter((choice) => choice.toLowerCase().includes(wanted));
    this.#chosen = wanted ? 0 : this.#found.indexOf(this.#value);
    this.#draw();
    this.#place();
    this.#following ??= this.#follow();
  }

  /** Stay with the field until closed: options scroll, and a phone's keyboard lifts them. */
  #follow() {
    const following = new AbortController();
    const options = { signal: following.signal, passive: true };
    for (const [moving, event] of [[this.element.closest(".controls"), "scroll"], [window.visualViewport, "resize"]])
      moving?.addEventListener(event, () => this.#place(), options);
    return following;
  }

  /** Above the field, wherever that is now. */
  #place() {
    const { left, top, width } = this.#input.getBoundingClientRect();
    Object.assign(this.#list.style, {
      left: `${Math.max(8, Math.min(left, innerWidth - 328))}px`,
      bottom: `${document.documentElement.clientHeight - top + 4}px`,
      minWidth: `${width}px`,
      maxHeight: `${Math.max(96, Math.min(272, top - 12))}px`,
    });
  }

  #close() {
    this.#following?.abort();
    this.#following = null;
    this.#found = [];
    this.#draw();
  }

  #pressed(event) {
    if (composing(event)) return;
    const open = this.#found.length > 0;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (open) this.#move(event.key === "ArrowDown" ? 1 : -1);
      else this.#open("");
    } else if (event.key === "Enter" && open && this.#chosen >= 0) this.#take(this.#found[this.#chosen]);
    else if (event.key === "Escape" && open) this.#close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #move(by) {
    const count = this.#found.length;
    this.#chosen = (Math.max(this.#chosen, by > 0 ? -1 : 0) + by + count) % count;
    this.#draw();
  }

  #take(choice) {
    this.#value = choice;
    this.#input.value = choice;
    this.#close();
    this.#changed(choice);
  }

  /** What was typed counts if it is a choice, whatever its case; an empty field takes the choice back. */
  #leave() {
    const typed = this.#input.value.trim();
    const meant = this.#choices.find((choice) => choice.toLowerCase() === typed.toLowerCase());
    const value = typed === "" ? "" : (meant ?? this.#value);
    this.#input.value = value;
    this.#close();
    if (value === this.#value) return;
    this.#value = value;
    this.#changed(value);
  }

  #draw() {
    const open = this.#found.length > 0;
    this.#list.hidden = !open;
    this.#input.setAttribute("aria-expanded", String(open));
    this.#list.replaceChildren(...this.#found.map((choice, place) => this.#row(choice, place)));
    const chosen = this.#list.children[this.#chosen];
    if (chosen) this.#input.setAttribute("aria-activedescendant", chosen.id);
    else this.#input.removeAttribute("aria-activedescendant");
    chosen?.scrollIntoView({ block: "nearest" });
  }

  #row(choice, place) {
    const attributes = { role: "option", id: `${this.#list.id}-${place}`, "aria-selected": String(place === this.#chosen) };
    const row = make("div", { ...attributes, text: choice });
    row.addEventListener("click", () => this.#take(choice));
    return row;
  }
}
