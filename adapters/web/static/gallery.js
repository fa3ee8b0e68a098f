// All pictures of the room, the newest first.

import { make, sync } from "./dom.js";
import { outputUrl } from "./requests.js";

/** The pictures as a grid. `on.open(medium)` opens one, `on.older()` loads more. */
export class Gallery {
  #box = document.getElementById("gallery");
  #grid = document.getElementById("gallery-grid");
  #older = document.getElementById("gallery-older");
  #none = document.getElementById("gallery-none");
  #on;

  constructor(on) {
    this.#on = on;
    this.#older.addEventListener("click", on.older);
    new IntersectionObserver(([entry]) => entry.isIntersecting && on.older()).observe(this.#older);
  }

  /** Whether it is to be seen. */
  get open() {
    return !this.#box.hidden;
  }

  /** Show it, or not. */
  toggle(open) {
    this.#box.hidden = !open;
  }

  /** Show exactly these pictures, given oldest first, and whether there are older ones. */
  show(pictures, hasOlder) {
    if (!this.open) return;
    this.#older.hidden = !hasOlder;
    this.#none.hidden = pictures.length > 0 || hasOlder;
    sync(this.#grid, pictures.toReversed(), { key: ({ key }) => key, create: (picture) => this.#cell(picture) });
  }

  #cell({ medium, alt }) {
    const open = make("button", { type: "button", class: "opens", title: alt });
    open.append(make("img", { src: outputUrl(medium), alt, loading: "lazy" }));
    open.addEventListener("click", () => this.#on.open(medium));
    return make("li", {}, open);
  }
}
