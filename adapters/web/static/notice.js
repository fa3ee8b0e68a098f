// What went wrong, said once and clearly above the composer.

const box = document.getElementById("notice");
const text = document.getElementById("notice-text");

document.getElementById("notice-close").addEventListener("click", clearNotice);

/** Say a sentence. The same one again is read out again. */
export function showNotice(sentence) {
  text.textContent = "";
  box.hidden = false;
  text.textContent = sentence;
}

/** Take the notice away. */
export function clearNotice() {
  box.hidden = true;
  text.textContent = "";
}
