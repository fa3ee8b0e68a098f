// A card: one message, drawn once and then changed in place.

import { copyButton } from "./clipboard.js";
import { asks, askTwice } from "./confirm.js";
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

/** Show `card` in `element`. `on` has `press(action, button)`, `open(medium)` and `reply(medium)`. */
export function drawCard(element, card, on) {
  element.dataset.state = card.state;
  const title = part(element, "title");
  // A percentage is not read out at every step; the state that ends a job is.
  title.setAttribute("aria-live", MOVING.has(card.state) ? "off" : "polite");
  write(title, card.title);
  drawBody(part(element, "body"), card);
  drawBar(element, card);
  drawMedia(part(element, "media"), card, on);
  drawActions(part(element, "actions"), card, on.press);
}

function part(element, name) {
  return element.querySelector(`:scope > .card-${name}`);
}

function drawBody(body, card) {
  const drawn = JSON.stringify(card.body, (name, value) => (typeof value?.at === "number" ? { at: value.at } : value));
  if (body.dataset.drawn === drawn) return;
  body.dataset.drawn = drawn;
  // Words that are too long for a card are a file too, and copied from there.
  const whole = !card.media.some((medium) => medium.media_type === "text/plain");
  body.replaceChildren(...card.body.map((spans) => drawLine(spans, whole)));
}

function drawLine(spans, whole) {
  const line = make("p", {}, ...spans.map(drawSpan));
  if (!spans.some((span) => span.made)) return line;
  line.className = "made";
  line.tabIndex = 0; // it scrolls
  const words = spans.map((span) => span.text ?? span.code).join("");
  return make("div", { class: "made-block" }, line, ...(whole ? [copyButton(() => words)] : []));
}

function drawSpan(span) {
  if ("code" in span) return make("code", { text: span.code });
  if (/^https?:/.test(span.url ?? "")) return make("a", { href: span.url, rel: "noopener", target: "_blank", text: span.text });
  const drawn = make(span.strong ? "strong" : "span", { text: span.text });
  if (span.at) countDown(drawn, span.at);
  return drawn;
}

function countDown(element, at) {
  const tell = () => {
    const left = Math.max(0, Math.round(at - Date.now() / 1000));
    const minutes = Math.floor(left / 60);
    element.textContent = minutes ? `in ${minutes} min ${left % 60} s` : `in ${left} s`;
  };
  tell();
  const ticking = setInterval(() => (element.isConnected ? tell() : clearInterval(ticking)), 1000);
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
  const bar = makeBar();
  part(element, "body").after(bar);
  return bar;
}

/** An empty progress bar. */
export function makeBar() {
  const attributes = { class: "card-bar", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100 };
  return make("div", { ...attributes, "aria-label": "Progress" }, make("div"));
}

/** Fill a bar; `fraction` is 0..1. */
export function fillBar(bar, fraction) {
  const percent = Math.round(Math.min(1, Math.max(0, fraction)) * 100);
  bar.setAttribute("aria-valuenow", percent);
  bar.firstElementChild.style.transform = `scaleX(${percent / 100})`;
}

function drawActions(row, card, press) {
  row.hidden = card.actions.length === 0;
  sync(row, card.actions, {
    key: (action) => action.id,
    create: (action) => makeAction(action, MOVING.has(card.state), press),
    update: (button, action) => asks(button) || write(button, action.label),
  });
}

/** A button; one that is dangerous asks twice, unless it only stops what is not over yet. */
function makeAction(action, moving, press) {
  const danger = action.style === "danger";
  const button = make("button", { type: "button", class: danger ? "button danger" : "button", text: action.label });
  const act = () => press(action.id, button);
  if (danger && !moving) askTwice(button, act);
  else button.addEventListener("click", act);
  return button;
}
