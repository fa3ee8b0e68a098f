// What this page has of the room: the newest cards, older ones as they are asked for, or those that were searched.

import { cards as fetchCards } from "./requests.js";

/** Pictures that every browser shows. Other images are files: a drawing (svg) may be a program, few read EXR. */
const PICTURES = new Set(["png", "jpeg", "webp", "gif", "avif", "bmp"].map((kind) => `image/${kind}`));

/** Cards by id, oldest first, and the message before which there are more; null if these are all. */
class Pages {
  constructor(words) {
    this.words = words;
    this.cards = new Map();
    this.before = null;
  }

  take({ cards, before }) {
    this.cards = new Map([...cards.map((card) => [card.id, card]), ...this.cards]);
    this.before = before;
  }
}

/** The room. `on.show(cards)`, `on.put(card)` and `on.remove(id)` tell what is to be seen now. */
export class Room {
  #live = new Pages("");
  #found = null;
  #loading = null;
  #on;

  constructor(on) {
    this.#on = on;
  }

  /** The cards to be seen, oldest first. */
  get cards() {
    return [...this.#shown.cards.values()];
  }

  /** The cards of the room that are loaded, whatever is searched for. */
  get all() {
    return [...this.#live.cards.values()];
  }

  /** Every picture of those to be seen, oldest first: `{medium, alt, key}`. */
  get pictures() {
    return this.cards.flatMap((card) =>
      card.media
        .filter(isPicture)
        .map((medium) => ({ medium, alt: altOf(card, medium), key: `${medium.job} ${medium.index}` })),
    );
  }

  /** What was searched for; empty if nothing was. */
  get words() {
    return this.#shown.words;
  }

  /** Whether there are older cards than these. */
  get hasOlder() {
    return this.#shown.before !== null;
  }

  /** The room as the server has it. Older cards that were loaded before stay if they join on. */
  stands(page) {
    const old = this.#live;
    const first = page.cards[0]?.id;
    this.#live = new Pages("");
    this.#live.take(page);
    if (first !== undefined && old.cards.has(first)) {
      const ids = [...old.cards.keys()];
      const older = ids.slice(0, ids.indexOf(first)).map((id) => old.cards.get(id));
      this.#live.take({ cards: older, before: old.before });
    }
    if (!this.#found) this.#on.show(this.cards);
  }

  /** A card is new or has changed. */
  put(card) {
    this.#live.cards.set(card.id, card);
    if (!this.#found) this.#on.put(card);
    else if (this.#found.cards.has(card.id)) {
      this.#found.cards.set(card.id, card);
      this.#on.put(card);
    }
  }

  /** A card is gone. */
  remove(id) {
    this.#live.cards.delete(id);
    this.#found?.cards.delete(id);
    this.#on.remove(id);
  }

  /** Show the cards with these words in their prompts; all again without any. */
  async search(words) {
    const wanted = words.trim();
    if (wanted === this.#shown.words) return;
    const found = wanted ? new Pages(wanted) : null;
    this.#found = found;
    if (found) {
      const page = await fetchCards(null, wanted);
      if (this.#found !== found) return; // other words were typed meanwhile
      found.take(page);
    }
    this.#on.show(this.cards);
  }

  /** Load the next older cards. */
  older() {
    this.#loading ??= this.#load().finally(() => (this.#loading = null));
    return this.#loading;
  }

  get #shown() {
    return this.#found ?? this.#live;
  }

  async #load() {
    const pages = this.#shown;
    if (pages.before === null) return;
    const page = await fetchCards(pages.before, pages.words);
    pages.take(page);
    if (pages === this.#shown) this.#on.show(this.cards);
  }
}

/** Whether a medium is a picture that can be seen here. */
export function isPicture(medium) {
  return PICTURES.has(medium.media_type);
}

/** What a card's medium shows, in words. */
export function altOf(card, medium) {
  const words = card.alt || "Picture";
  const place = card.media.findIndex((one) => one.index === medium.index);
  return card.media.length === 1 ? words : `${words} (${place + 1} of ${card.media.length})`;
}
