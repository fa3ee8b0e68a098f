// What a job made, and the passing preview of what it is making.

import { make, sync } from "./dom.js";

/** Show a card's preview and media. */
export function drawMedia(box, card, on) {
  const shown = card.media.map((medium, place) => ({ medium, alt: altOf(card, place) }));
  const preview = previewOf(box, card);
  const items = preview ? [...shown, { preview }] : shown;
  box.hidden = items.length === 0;
  box.classList.toggle("several", shown.length > 1);
  sync(box, items, {
    key: (item) => (item.preview ? "preview" : `${item.medium.url} ${item.medium.media_type}`),
    create: (item) => (item.preview ? makePreview() : makeMedium(item, on)),
    update: (element, item) => item.preview && drawPreview(element, item.preview, card),
  });
  if (shown.length > 0 && preview) dropPreviewOnceLoaded(box);
}

function altOf(card, place) {
  const words = card.alt || "Picture";
  return card.media.length === 1 ? words : `${words} (${place + 1} of ${card.media.length})`;
}

/** The preview to show. The last one stays until the finished picture has loaded, so that nothing jumps. */
function previewOf(box, card) {
  if (card.preview) return card.preview;
  const last = box.querySelector(".preview img");
  const loads = card.media.length > 0 && !box.querySelector(".opens img")?.complete;
  return last && (card.state === "running" || loads) ? last.src : null;
}

function dropPreviewOnceLoaded(box) {
  const drop = () => box.querySelector(".preview")?.remove();
  const picture = box.querySelector(".opens img");
  if (picture) picture.decode().then(drop, drop);
  else drop();
}

function makePreview() {
  return make("figure", { class: "medium preview" }, make("img"));
}

function drawPreview(figure, url, card) {
  const picture = figure.firstElementChild;
  picture.alt = card.alt ? `Preview: ${card.alt}` : "Preview";
  if (picture.src !== url) picture.src = url;
}

function makeMedium({ medium, alt }, on) {
  const kind = medium.media_type.split("/")[0];
  const figure = make("figure", { class: `medium ${kind}` });
  if (kind === "image") figure.append(...makePicture(medium, alt, on));
  else if (kind === "video" || kind === "audio") figure.append(makePlayer(kind, medium, alt));
  else figure.append(make("a", { href: medium.url, download: medium.name, text: medium.name }));
  return figure;
}

function makePicture(medium, alt, on) {
  const open = make("button", { type: "button", class: "opens", title: "Open large" });
  open.append(make("img", { src: medium.url, alt }));
  open.addEventListener("click", () => on.open(medium, alt));
  const reply = make("button", { type: "button", class: "button reply", text: "Reply", title: "Reply to this picture" });
  reply.addEventListener("click", () => on.reply(medium));
  return [open, reply];
}

function makePlayer(kind, medium, alt) {
  return make(kind, { src: medium.url, controls: true, preload: "metadata", "aria-label": alt });
}
