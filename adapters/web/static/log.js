// The log: every card of the room, oldest first, and the notes that only this page has been told.

import { drawCard, makeCard } from "./card.js";
import { make } from "./dom.js";

const NEAR_END_PX = 80;

/** The cards on the page. `on` is what cards call, see `drawCard`. */
export class Log {
  #scroller = document.getElementById("log");
  #list = document.getElementById("cards");
  #hint = document.getElementById("hint");
  #cards = new Map();
  #on;
  #atEnd = true;
  #top = 0;

  constructor(on) {
    this.#on = on;
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    // Pictures that load and cards that grow push the end away from whoever reads there: follow it.
    const observer = new ResizeObserver(() => this.#atEnd && this.toEnd());
    observer.observe(this.#list);
    observer.observe(this.#scroller);
  }

  /** Show exactly these cards. Notes stay: the server does not know them. */
  room(cards) {
    const standing = new Set(cards.map((card) => card.id));
    for (const id of [...this.#cards.keys()]) if (!standing.has(id)) this.#drop(id);
    for (const card of cards) this.#put(card);
    this.#list.setAttribute("aria-busy", "false");
    this.#tellWhenEmpty();
  }

  /** Add a card, or change the one of its id. */
  put(card) {
    this.#put(card);
    this.#tellWhenEmpty();
  }

  /** Take a card away. */
  remove(id) {
    this.#drop(id);
    this.#tellWhenEmpty();
  }

  /** Add a card that is for this page alone. */
  note(card) {
    const element = makeCard(card.id);
    element.classList.add("note");
    drawCard(element, card, this.#on);
    const dismiss = make("button", { type: "button", class: "close", "aria-label": "Dismiss", text: "×" });
    dismiss.addEventListener("click", () => {
      element.remove();
      this.#tellWhenEmpty();
    });
    element.append(dismiss);
    this.#list.append(element);
    this.#tellWhenEmpty();
    this.toEnd();
  }

  /** Scroll to the newest card. */
  toEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#atEnd = true;
  }

  #put(card) {
    let element = this.#cards.get(card.id);
    if (!element) {
      element = makeCard(card.id);
      this.#cards.set(card.id, element);
      this.#list.append(element);
    }
    drawCard(element, card, this.#on);
  }

  #drop(id) {
    const element = this.#cards.get(id);
    // The focus would otherwise fall back to the top of the page.
    if (element?.contains(document.activeElement)) this.#scroller.focus({ preventScroll: true });
    element?.remove();
    this.#cards.delete(id);
  }

  /** Only scrolling up leaves the end: it also moves away when a card comes just before the event. */
  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    const near = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    if (near || scrollTop < this.#top) this.#atEnd = near;
    this.#top = scrollTop;
  }

  #tellWhenEmpty() {
    this.#hint.hidden = this.#list.childElementCount > 0;
  }
}
