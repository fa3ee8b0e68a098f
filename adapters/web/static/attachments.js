// Files that go with the next line: chosen, dropped or pasted.

import { make, sync } from "./dom.js";
import { sortOf } from "./files.js";

let made = 0;

/** The attached files; `changed()` is called when one is added or taken away. */
export class Attachments {
  #row = document.getElementById("attachments");
  #input = document.getElementById("file");
  #entries = [];
  #slots = [];
  #target = null;
  #changed;

  constructor(changed) {
    this.#changed = changed;
    document.getElementById("attach").addEventListener("click", () => this.choose(null));
    this.#input.addEventListener("change", () => {
      this.add(this.#input.files, this.#target);
      this.#input.value = ""; // so that the same file can be chosen again
    });
    this.#takeDrops();
    document.addEventListener("paste", (event) => this.#paste(event));
  }

  get empty() {
    return this.#entries.length === 0;
  }

  /** The file parameters of the command that is written: loose files fill those of their sort in their order. */
  set slots(parameters) {
    this.#slots = parameters.map(({ name, type }) => ({ name, sort: sortOf({ type }) }));
    this.#draw();
  }

  /** The chip of the file that is for a parameter, if there is one. */
  chipFor(name) {
    return this.#placed().get(name)?.chip;
  }

  /** Let a person choose files, for one parameter or for whichever is free. */
  choose(name) {
    this.#target = name;
    this.#input.multiple = name === null;
    const sort = this.#slots.find((slot) => slot.name === name)?.sort;
    const every = "image/*,video/*,audio/*,application/json,.json";
    this.#input.accept = !sort || sort === "file" ? every : `${sort}/*`;
    this.#input.click();
  }

  /** Attach files. One that is for a parameter takes the place of what was there. */
  add(files, name = null) {
    for (const file of files) {
      if (name !== null) this.#remove(this.#placed().get(name));
      this.#entries.push(this.#entry(file, name));
    }
    this.#draw();
    if (files.length > 0) this.#changed();
  }

  /** Put the files into a form. */
  fill(form) {
    const names = new Map([...this.#placed()].map(([name, entry]) => [entry, name]));
    for (const entry of this.#entries) {
      const name = names.get(entry);
      form.append(name ? `image:${name}` : "file", entry.file, entry.file.name || "picture");
    }
  }

  /** Take all files away. */
  clear() {
    for (const entry of [...this.#entries]) this.#remove(entry);
    this.#changed();
  }

  /** Entries by the parameter that each is for. One of a sort that none takes is for the first: the server says why not. */
  #placed() {
    const names = this.#slots.map((slot) => slot.name);
    const placed = new Map(this.#entries.filter(({ name }) => names.includes(name)).map((entry) => [entry.name, entry]));
    for (const entry of this.#entries.filter((one) => placed.get(one.name) !== one)) {
      const free = this.#slots.filter((slot) => !placed.has(slot.name));
      const takes = ({ sort }) => sort === "file" || sort === sortOf(entry.file);
      const slot = free.find((one) => takes(one) || !this.#slots.some(takes));
      if (slot) placed.set(slot.name, entry);
    }
    return placed;
  }

  /** Those that are for no parameter stand above the line; controls show the others. */
  #draw() {
    const placed = new Set(this.#placed().values());
    const loose = this.#entries.filter((entry) => !placed.has(entry));
    sync(this.#row, loose, { key: ({ key }) => key, create: ({ chip }) => chip });
  }

  #entry(file, name) {
    const entry = { file, name, key: `file-${++made}` };
    const close = make("button", { type: "button", class: "close", "aria-label": `Remove ${file.name}`, text: "×" });
    close.addEventListener("click", () => {
      this.#remove(entry);
      this.#changed();
    });
    entry.chip = make("div", { class: "chip" }, sortOf(file) === "image" ? still(file) : fileName(file.name), close);
    return entry;
  }

  #remove(entry) {
    if (!entry) return;
    this.#entries = this.#entries.filter((one) => one !== entry);
    entry.chip.remove();
    this.#draw();
  }

  #paste(event) {
    const files = [...event.clipboardData.files];
    if (files.length === 0) return;
    event.preventDefault();
    this.add(files);
  }

  /** Files dropped anywhere are attached, rather than opened instead of the page; on a control they are for that. */
  #takeDrops() {
    let depth = 0; // enter and leave also come for every element inside
    const drag = (change) => (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      depth = change(depth);
      document.body.classList.toggle("dropping", depth > 0);
      if (event.type !== "drop") return;
      const slot = event.target.closest("[data-slot]")?.dataset.slot ?? null;
      this.add([...event.dataTransfer.files].slice(0, slot === null ? undefined : 1), slot);
    };
    document.addEventListener("dragenter", drag((now) => now + 1));
    document.addEventListener("dragleave", drag((now) => now - 1));
    document.addEventListener("dragover", drag((now) => now));
    document.addEventListener("drop", drag(() => 0));
  }
}

/** The name of a file that is not shown itself. */
export function fileName(name) {
  return make("span", { class: "file-name", text: name });
}

/** A small picture of a file; its name, if the browser can't read it. */
function still(file) {
  const url = URL.createObjectURL(file);
  const picture = make("img", { src: url, alt: file.name });
  const gone = () => URL.revokeObjectURL(url);
  picture.addEventListener("load", gone);
  picture.addEventListener("error", () => {
    gone();
    picture.replaceWith(fileName(file.name));
  });
  return picture;
}
