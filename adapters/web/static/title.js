// How far it is, in the name of the tab: for whoever looks at another one meanwhile.

const NAME = document.title;

let waiting = false;
let ended = false;

/** Tell of the room's cards. What has ended is told until somebody looks. */
export function tellInTitle(cards) {
  const moving = cards.filter(({ state }) => state === "queued" || state === "running");
  if (waiting && moving.length === 0 && document.hidden) ended = true;
  waiting = moving.length > 0;
  const percent = Math.round(Math.max(0, ...moving.map(({ fraction }) => fraction ?? 0)) * 100);
  document.title = waiting ? `${percent}% ${NAME}` : ended ? `Done: ${NAME}` : NAME;
}

document.addEventListener("visibilitychange", () => {
  ended = false;
  if (!waiting) document.title = NAME;
});
