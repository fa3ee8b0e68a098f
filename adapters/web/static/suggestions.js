// The list of suggestions above the composer: arrows move, Enter or Tab take, Escape closes.

import { suggest } from "./complete.js";
import { composing, make } from "./dom.js";

/** Suggestions for a textarea. `commands()` gives the commands as they are known now. */
export class Suggestions {
  #list = document.getElementById("suggestions");
  #box;
  #commands;
  #found = null;
  #chosen = 0;

  constructor(box, commands) {
    this.#box = box;
    this.#commands = commands;
    // Focus stays in the text, or phones would fold their keyboard away.
    this.#list.addEventListener("mousedown", (event) => event.preventDefault());
    box.addEventListener("blur", () => this.close());
  }

  /** Look at the text again. */
  update() {
    const { value, selectionStart, selectionEnd } = this.#box;
    this.#found = selectionStart === selectionEnd ? suggest(value, selectionStart, this.#commands()) : null;
    this.#chosen = 0;
    this.#draw();
  }

  /** Hide the list until the text changes. */
  close() {
    this.#found = null;
    this.#draw();
  }

  /** Take a key press if it belongs to the list; says whether it did. */
  takes(event) {
    if (!this.#found || event.shiftKey || composing(event)) return false;
    const count = this.#found.items.length;
    if (event.key === "ArrowDown") this.#move((this.#chosen + 1) % count);
    else if (event.key === "ArrowUp") this.#move((this.#chosen + count - 1) % count);
    else if (event.key === "Enter" || event.key === "Tab") this.#take(this.#found.items[this.#chosen]);
    else if (event.key === "Escape") this.close();
    else return false;
    event.preventDefault();
    return true;
  }

  #move(chosen) {
    this.#chosen = chosen;
    this.#draw();
  }

  #take(item) {
    const { from, to } = this.#found;
    this.#box.setRangeText(item.insert, from, to, "end");
    this.#box.dispatchEvent(new Event("input", { bubbles: true }));
    this.#box.focus();
  }

  #draw() {
    const items = this.#found?.items ?? [];
    this.#list.hidden = items.length === 0;
    // With its list a text is a combobox to those who listen, and to them alone it is told that one is there.
    for (const [name, value] of [["role", "combobox"], ["aria-expanded", "true"]])
      items.length > 0 ? this.#box.setAttribute(name, value) : this.#box.removeAttribute(name);
    this.#list.replaceChildren(...items.map((item, place) => this.#row(item, place)));
    const chosen = this.#list.children[this.#chosen];
    if (chosen) this.#box.setAttribute("aria-activedescendant", chosen.id);
    else this.#box.removeAttribute("aria-activedescendant");
    chosen?.scrollIntoView({ block: "nearest" });
  }

  #row(item, place) {
    const chosen = place === this.#chosen;
    const row = make("div", { role: "option", id: `suggestion-${place}`, "aria-selected": String(chosen) });
    row.append(make("b", { text: item.label }), make("span", { text: item.detail }));
    row.addEventListener("click", () => this.#take(item));
    return row;
  }
}
