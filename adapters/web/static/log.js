// The conversation: the room's cards, oldest first, and the notes that only this page has been told.

import { drawCard, makeCard } from "./card.js";
import { make } from "./dom.js";

const NEAR_END_PX = 80;

/** The cards on the page. `on` is what cards call, see `drawCard`, and `older()`. */
export class Log {
  #scroller = document.getElementById("log");
  #list = document.getElementById("cards");
  #older = document.getElementById("older");
  #cards = new Map();
  #on;
  #atEnd = true;
  #top = 0;
  #sizes = "";

  constructor(on) {
    this.#on = on;
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    // Pictures that load and cards that grow push the end away from whoever reads there: follow it.
    const observer = new ResizeObserver(() => this.#atEnd && this.toEnd());
    observer.observe(this.#list);
    observer.observe(this.#scroller);
    this.#older.addEventListener("click", on.older);
    const seen = new IntersectionObserver(([entry]) => entry.isIntersecting && !this.#atEnd && on.older());
    seen.observe(this.#older);
  }

  /** Show exactly these cards, and whether there are older ones. Notes stay: the server does not know them. */
  show(cards, hasOlder) {
    const standing = new Set(cards.map((card) => card.id));
    for (const id of [...this.#cards.keys()]) if (!standing.has(id)) this.remove(id);
    this.#keepingPlace(() => {
      this.#older.hidden = !hasOlder;
      let next = null;
      for (const card of cards.toReversed()) next = this.#place(card, next);
    });
    this.#list.setAttribute("aria-busy", "false");
  }

  /** Add a card, or change the one of its id. */
  put(card) {
    this.#place(card, null);
  }

  /** Take a card away. */
  remove(id) {
    const element = this.#cards.get(id);
    // The focus would otherwise fall back to the top of the page.
    if (element?.contains(document.activeElement)) this.#scroller.focus({ preventScroll: true });
    element?.remove();
    this.#cards.delete(id);
  }

  /** Add a card that is for this page alone. */
  note(card) {
    const element = makeCard(card.id);
    element.classList.add("note");
    drawCard(element, card, this.#on);
    const dismiss = make("button", { type: "button", class: "close", "aria-label": "Dismiss", text: "×" });
    dismiss.addEventListener("click", () => {
      element.remove();
      this.#scroller.focus({ preventScroll: true });
      this.#on.noted();
    });
    element.append(dismiss);
    this.#list.append(element);
    this.#on.noted();
    this.toEnd();
  }

  /** Make the note with this button another card; one that is gone is told anew. */
  turn(button, card) {
    const element = button?.closest(".card.note");
    if (!element?.isConnected) this.note(card);
    else drawCard(element, card, this.#on);
  }

  /** Whether nothing is there. */
  get empty() {
    return this.#list.childElementCount === 0;
  }

  /** Scroll to the newest card. */
  toEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#atEnd = true;
  }

  #place(card, next) {
    let element = this.#cards.get(card.id);
    if (!element) {
      element = makeCard(card.id);
      this.#cards.set(card.id, element);
      this.#list.insertBefore(element, next);
    }
    drawCard(element, card, this.#on);
    return element;
  }

  /** What is added above must not push away what somebody reads; browsers see to that except at the very top. */
  #keepingPlace(change) {
    const { scrollHeight, scrollTop } = this.#scroller;
    change();
    const grown = this.#scroller.scrollHeight - scrollHeight;
    if (!this.#atEnd && this.#scroller.scrollTop === scrollTop) this.#scroller.scrollTop += grown;
  }

  /** Only scrolling up leaves the end: it also moves away when a card comes, or the options below change height. */
  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    const near = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    const sizes = `${scrollHeight} ${clientHeight}`;
    if (near || (sizes === this.#sizes && scrollTop < this.#top)) this.#atEnd = near;
    this.#sizes = sizes;
    this.#top = scrollTop;
  }
}
