// One picture, large.

import { make } from "./dom.js";

/** The dialog that shows a picture large; `reply(medium)` is called for its Reply button. */
export class Viewer {
  #dialog = document.getElementById("viewer");
  #picture = document.getElementById("viewer-picture");
  #download = document.getElementById("viewer-download");
  #medium = null;

  constructor(reply) {
    document.getElementById("viewer-close").addEventListener("click", () => this.#dialog.close());
    document.getElementById("viewer-reply").addEventListener("click", () => {
      this.#dialog.close();
      reply(this.#medium);
    });
    // The dialog's own box is the backdrop: anything in it stops short of the dialog itself.
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog || event.target === this.#picture) this.#dialog.close();
    });
  }

  /** Show a picture. */
  open(medium, alt) {
    this.#medium = medium;
    this.#picture.replaceChildren(make("img", { src: medium.url, alt }));
    this.#download.href = medium.url;
    this.#download.download = medium.name;
    this.#dialog.showModal();
  }
}
