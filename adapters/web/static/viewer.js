// One picture, large, and the way to the next.

import { make, write } from "./dom.js";
import { outputUrl } from "./requests.js";

const SWIPE_PX = 50;
const KEYS = { ArrowLeft: -1, ArrowRight: 1 };

/**
 * The dialog that shows pictures large. `on.pictures()` gives all in the order in which they are seen,
 * `on.more(step)` says whether it could load more on that side, and `on.use(medium)` makes one the next input.
 */
export class Viewer {
  #dialog = document.getElementById("viewer");
  #picture = document.getElementById("viewer-picture");
  #count = document.getElementById("viewer-count");
  #download = document.getElementById("viewer-download");
  #original = document.getElementById("viewer-original");
  #medium = null;
  #on;

  constructor(on) {
    this.#on = on;
    this.#button("viewer-previous", () => this.#step(-1));
    this.#button("viewer-next", () => this.#step(1));
    this.#button("viewer-close", () => this.#dialog.close());
    this.#button("viewer-use", () => {
      this.#dialog.close();
      on.use(this.#medium);
    });
    this.#dialog.addEventListener("keydown", (event) => {
      if (event.key in KEYS) this.#step(KEYS[event.key]);
    });
    // The dialog's own box is the backdrop: anything in it stops short of the dialog itself.
    this.#dialog.addEventListener("click", (event) => event.target === this.#dialog && this.#dialog.close());
    this.#takeSwipes();
  }

  /** Show a picture. */
  open(medium) {
    this.#show(medium);
    this.#dialog.showModal();
  }

  #button(id, act) {
    document.getElementById(id).addEventListener("click", act);
  }

  #show(medium) {
    const all = this.#on.pictures();
    const place = this.#placeIn(all, medium);
    this.#medium = medium;
    this.#picture.replaceChildren(make("img", { src: outputUrl(medium), alt: all[place]?.alt ?? "Picture" }));
    write(this.#count, `${place + 1} of ${all.length}`);
    this.#download.href = outputUrl(medium);
    this.#download.download = medium.name;
    this.#original.href = outputUrl(medium);
  }

  async #step(by) {
    let all = this.#on.pictures();
    if (!all[this.#placeIn(all, this.#medium) + by] && (await this.#on.more(by))) all = this.#on.pictures();
    const next = all[this.#placeIn(all, this.#medium) + by];
    if (next) this.#show(next.medium);
  }

  #placeIn(all, medium) {
    return all.findIndex((one) => one.medium.job === medium.job && one.medium.index === medium.index);
  }

  #takeSwipes() {
    let from = null;
    this.#picture.addEventListener("touchstart", ({ touches }) => {
      from = touches.length === 1 ? touches[0].clientX : null; // two fingers zoom
    }, { passive: true });
    this.#picture.addEventListener("touchend", ({ changedTouches }) => {
      const moved = from === null ? 0 : changedTouches[0].clientX - from;
      if (Math.abs(moved) >= SWIPE_PX) this.#step(moved < 0 ? 1 : -1);
    });
  }
}
