// What a job made, and the passing preview of what it is making.

import { copyButton } from "./clipboard.js";
import { make, sync } from "./dom.js";
import { outputUrl } from "./requests.js";
import { altOf, isPicture } from "./room.js";

/** Show a card's preview and media. */
export function drawMedia(box, card, on) {
  const preview = previewOf(box, card);
  const items = card.media.map((medium) => ({ medium, alt: altOf(card, medium), fresh: preview !== null }));
  if (preview) items.push({ preview });
  hide(box, card.spoiler);
  box.hidden = items.length === 0;
  box.classList.toggle("several", card.media.filter(isPicture).length > 1);
  sync(box, items, {
    key: (item) => (item.preview ? "preview" : `${item.medium.job} ${item.medium.index} ${item.medium.media_type}`),
    create: (item) => (item.preview ? makePreview() : makeMedium(item, on)),
    update: (element, item) => item.preview && drawPreview(element, item.preview, card),
  });
  if (card.media.length > 0 && preview) dropPreviewOnceLoaded(box);
}

/** Veil what is to be hidden until somebody looks; the first click or key lifts the veil and does nothing else. */
function hide(box, hidden) {
  if (!hidden || box.dataset.spoiler) return;
  box.dataset.spoiler = "hidden";
  const lift = (event) => {
    event.preventDefault();
    event.stopPropagation();
    box.dataset.spoiler = "seen";
    box.removeEventListener("click", lift, true);
  };
  box.addEventListener("click", lift, true);
}

/** A size in bytes for people. */
export function inBytes(size) {
  if (size < 1000) return `${size} bytes`;
  const [unit, divisor] = size < 1e6 ? ["kB", 1e3] : size < 1e9 ? ["MB", 1e6] : ["GB", 1e9];
  const number = size / divisor;
  return `${number < 10 ? number.toFixed(1) : Math.round(number)} ${unit}`;
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

function makeMedium(item, on) {
  const kind = isPicture(item.medium) ? "picture" : item.medium.media_type.split("/")[0];
  const figure = make("figure", { class: `medium ${kind}` });
  if (kind === "picture") figure.append(...makePicture(item, on));
  else if (kind === "video" || kind === "audio") figure.append(makePlayer(kind, item), makeFile(item.medium, replyButton(kind === "video" ? "video" : "sound", item.medium, on)));
  else figure.append(makeFile(item.medium));
  return figure;
}

function makePicture({ medium, alt, fresh }, on) {
  const open = make("button", { type: "button", class: "opens", title: "Open large" });
  // One that takes a preview's place is hidden until it has loaded, and a lazy one would never load.
  open.append(make("img", { src: outputUrl(medium), alt, loading: fresh ? null : "lazy" }));
  open.addEventListener("click", () => on.open(medium));
  const reply = replyButton("picture", medium, on);
  reply.classList.add("reply");
  return [open, reply];
}

/** Makes the next line one about this output. */
function replyButton(noun, medium, on) {
  const reply = make("button", { type: "button", class: "button", text: "Reply", title: `Reply to this ${noun}` });
  reply.addEventListener("click", () => on.reply(medium));
  return reply;
}

function makePlayer(kind, { medium, alt }) {
  const attributes = { src: outputUrl(medium), controls: true, playsinline: true, preload: "metadata" };
  const player = make(kind, { ...attributes, "aria-label": alt });
  player.addEventListener("error", () => {
    player.replaceWith(make("p", { class: "quiet", text: "This browser can't play that. Download it." }));
  });
  return player;
}

/** A file by its name and size, to be kept; words can be copied too. `more` are further buttons. */
function makeFile(medium, ...more) {
  const url = outputUrl(medium);
  const row = make("figcaption", { class: "file" });
  row.append(
    make("span", { class: "file-name", text: medium.name }),
    make("span", { class: "quiet", text: inBytes(medium.size) }),
    ...more,
    make("a", { class: "button", href: url, download: medium.name, text: "Download", "aria-label": `Download ${medium.name}` }),
  );
  if (medium.media_type.startsWith("text/")) row.append(copyButton(async () => (await fetch(url)).text()));
  return row;
}
