// Who this is, and how the page looks to them.

import { copyButton } from "./clipboard.js";
import { write } from "./dom.js";
import { me, Refused, rename } from "./requests.js";

/** The dialog behind one's name. */
export class You {
  #dialog = document.getElementById("you");
  #button = document.getElementById("you-button");
  #name = document.getElementById("you-name");
  #error = document.getElementById("you-error");

  constructor() {
    this.#button.addEventListener("click", () => this.#open());
    document.getElementById("you-close").addEventListener("click", () => this.#dialog.close());
    document.getElementById("you-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
    const id = document.getElementById("you-id");
    id.after(copyButton(() => id.textContent));
    this.#takeTheme();
  }

  /** Ask who this is. */
  async look() {
    this.#show(await me());
  }

  #show({ name, id, admin }) {
    write(document.getElementById("you-shown"), name);
    // Asked again at every connection: what somebody is typing just then stays.
    if (!this.#dialog.open || this.#name.value === "") this.#name.value = name;
    write(document.getElementById("you-id"), id);
    document.getElementById("you-admin").hidden = !admin;
  }

  #open() {
    this.#error.hidden = true;
    this.#dialog.showModal();
  }

  async #save() {
    try {
      const known = await rename(this.#name.value);
      this.#dialog.close();
      this.#show(known);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#error.hidden = false;
      write(this.#error, error.message);
    }
  }

  #takeTheme() {
    const root = document.documentElement;
    const radios = document.querySelectorAll("input[name=theme]");
    for (const radio of radios) {
      radio.checked = radio.value === (root.dataset.theme ?? "");
      radio.addEventListener("change", () => {
        if (radio.value) root.dataset.theme = radio.value;
        else delete root.dataset.theme;
        keep("theme", radio.value);
      });
    }
  }
}

function keep(name, value) {
  try {
    if (value) localStorage.setItem(name, value);
    else localStorage.removeItem(name);
  } catch {
    // storage is switched off: it holds until the page is left
  }
}
