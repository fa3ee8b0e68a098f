// Files that go with the next line: chosen, dropped or pasted.

import { make } from "./dom.js";

/** The row of attached files; `changed()` is called when a file is added or taken away. */
export class Attachments {
  #row = document.getElementById("attachments");
  #input = document.getElementById("file");
  #files = [];
  #changed;

  constructor(changed) {
    this.#changed = changed;
    document.getElementById("attach").addEventListener("click", () => this.#input.click());
    this.#input.addEventListener("change", () => {
      this.add(this.#input.files);
      this.#input.value = ""; // so that the same file can be chosen again
    });
    this.#takeDrops();
    document.addEventListener("paste", (event) => this.#paste(event));
  }

  get files() {
    return this.#files.map(({ file }) => file);
  }

  /** Attach files. */
  add(files) {
    for (const file of files) this.#files.push({ file, chip: this.#chip(file) });
    this.#row.replaceChildren(...this.#files.map(({ chip }) => chip));
    if (files.length > 0) this.#changed();
  }

  /** Take all files away. */
  clear() {
    for (const { file } of [...this.#files]) this.#remove(file);
  }

  #chip(file) {
    const url = URL.createObjectURL(file);
    const picture = make("img", { src: url, alt: file.name });
    const gone = () => URL.revokeObjectURL(url);
    picture.addEventListener("load", gone);
    picture.addEventListener("error", () => {
      gone();
      picture.replaceWith(make("span", { class: "file-name", text: file.name }));
    });
    return make("div", { class: "chip" }, picture, this.#close(file));
  }

  #close(file) {
    const close = make("button", { type: "button", class: "close", "aria-label": `Remove ${file.name}`, text: "×" });
    close.addEventListener("click", () => this.#remove(file));
    return close;
  }

  #remove(file) {
    const place = this.#files.findIndex((entry) => entry.file === file);
    const [entry] = this.#files.splice(place, 1);
    entry.chip.remove();
    this.#changed();
  }

  #paste(event) {
    const files = [...event.clipboardData.files];
    if (files.length === 0) return;
    event.preventDefault();
    this.add(files);
  }

  /** Files dropped anywhere on the page are attached, rather than opened instead of it. */
  #takeDrops() {
    let depth = 0; // enter and leave also come for every element inside
    const drag = (change) => (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      depth = change(depth);
      document.body.classList.toggle("dropping", depth > 0);
      if (event.type === "drop") this.add(event.dataTransfer.files);
    };
    document.addEventListener("dragenter", drag((now) => now + 1));
    document.addEventListener("dragleave", drag((now) => now - 1));
    document.addEventListener("dragover", drag((now) => now));
    document.addEventListener("drop", drag(() => 0));
  }
}
