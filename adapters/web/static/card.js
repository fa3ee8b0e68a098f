// A card: one message, drawn once and then changed in place.

import { make, sync, write } from "./dom.js";
import { drawMedia } from "./media.js";

const MOVING = new Set(["queued", "running"]);

/** An empty card; `drawCard` fills it. */
export function makeCard(id) {
  const card = make("article", { class: "card", data: { card: id }, "aria-labelledby": `title-${id}` });
  card.append(
    make("h2", { class: "card-title", id: `title-${id}` }),
    make("div", { class: "card-body" }),
    make("div", { class: "card-media" }),
    make("div", { class: "card-actions" }),
  );
  return card;
}

/** Show `card` in `element`. `on` has `press(action, button)`, `open(medium, alt)` and `reply(medium)`. */
export function drawCard(element, card, on) {
  element.dataset.state = card.state;
  const title = part(element, "title");
  // A percentage is not read out at every step; the state that ends a job is.
  title.setAttribute("aria-live", MOVING.has(card.state) ? "off" : "polite");
  write(title, card.title);
  drawBody(part(element, "body"), card.body);
  drawBar(element, card);
  drawMedia(part(element, "media"), card, on);
  drawActions(part(element, "actions"), card.actions, on.press);
}

function part(element, name) {
  return element.querySelector(`:scope > .card-${name}`);
}

function drawBody(body, lines) {
  const drawn = JSON.stringify(lines);
  if (body.dataset.drawn === drawn) return;
  body.dataset.drawn = drawn;
  body.replaceChildren(...lines.map((spans) => make("p", {}, ...spans.map(drawSpan))));
}

function drawSpan(span) {
  if ("code" in span) return make("code", { text: span.code });
  return make(span.strong ? "strong" : "span", { text: span.text });
}

function drawBar(element, card) {
  const bar = part(element, "bar");
  if (card.fraction === null || !MOVING.has(card.state)) {
    bar?.remove();
    return;
  }
  fillBar(bar ?? addBar(element), card.fraction);
}

function addBar(element) {
  const attributes = { class: "card-bar", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100 };
  const bar = make("div", { ...attributes, "aria-label": "Progress" }, make("div"));
  part(element, "body").after(bar);
  return bar;
}

function fillBar(bar, fraction) {
  const percent = Math.round(Math.min(1, Math.max(0, fraction)) * 100);
  bar.setAttribute("aria-valuenow", percent);
  bar.firstElementChild.style.transform = `scaleX(${percent / 100})`;
}

function drawActions(row, actions, press) {
  row.hidden = actions.length === 0;
  sync(row, actions, {
    key: (action) => action.id,
    create: (action) => makeAction(action, press),
    update: (button, action) => write(button, action.label),
  });
}

function makeAction(action, press) {
  const style = action.style === "danger" ? "button danger" : "button";
  const button = make("button", { type: "button", class: style });
  button.addEventListener("click", () => press(action.id, button));
  return button;
}
