// The room as a stream of events.

const RETRY_MS = 3000;

/**
 * Follow the room for as long as the page is open. `on.room({cards, before})` replaces everything, `on.card(card)` adds
 * or changes one, `on.removed(id)` takes one away, and `on.connected(yes)` tells how the connection stands.
 */
export function follow(on) {
  const source = new EventSource("api/v1/chat");
  source.addEventListener("open", () => on.connected(true));
  source.addEventListener("room", (event) => on.room(JSON.parse(event.data)));
  source.addEventListener("card", (event) => on.card(JSON.parse(event.data)));
  source.addEventListener("removed", (event) => on.removed(JSON.parse(event.data).id));
  source.addEventListener("error", () => {
    on.connected(false);
    // A browser comes back by itself after a broken connection, but never after an answer like 502.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => follow(on), RETRY_MS);
  });
}
