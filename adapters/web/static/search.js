// The field that looks for jobs by words of their prompts.

const PAUSE_MS = 250;

/** The search below the header. `on.search(words)` is called a moment after the last letter. */
export class Search {
  #form = document.getElementById("search");
  #field = document.getElementById("search-words");
  #toggle = document.getElementById("search-toggle");
  #timer = 0;
  #on;

  constructor(on) {
    this.#on = on;
    this.#toggle.addEventListener("click", () => (this.#form.hidden ? this.#open() : this.close()));
    this.#field.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => on.search(this.#field.value), PAUSE_MS);
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      clearTimeout(this.#timer);
      on.search(this.#field.value);
    });
    this.#form.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
  }

  /** Show everything again. */
  close() {
    if (this.#form.hidden) return;
    const focused = this.#form.contains(document.activeElement);
    clearTimeout(this.#timer);
    this.#field.value = "";
    this.#form.hidden = true;
    this.#toggle.setAttribute("aria-expanded", "false");
    if (focused) this.#toggle.focus();
    this.#on.search("");
  }

  #open() {
    this.#form.hidden = false;
    this.#toggle.setAttribute("aria-expanded", "true");
    this.#field.focus();
  }
}
