// Copying words.

import { make } from "./dom.js";

const TOLD_MS = 2000;

/** A button that copies what `words()` gives, perhaps later. */
export function copyButton(words) {
  const button = make("button", { type: "button", class: "button copy", text: "Copy" });
  button.addEventListener("click", async () => {
    const done = await copy(await words()).then(() => true, () => false);
    button.textContent = done ? "Copied" : "Not copied";
    setTimeout(() => (button.textContent = "Copy"), TOLD_MS);
  });
  return button;
}

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Browsers offer the clipboard to https and to this machine only; the page may be served by plain http.
  const area = make("textarea", { class: "unseen" });
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("the browser copies nothing here");
}
