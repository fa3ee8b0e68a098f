// A second press for what can't be undone, in place of a box that asks.

const QUESTION = "Sure? Press again";

/** Have `button` ask once before `act` is called. Leaving it, or Escape, is a no. */
export function askTwice(button, act) {
  const calm = () => {
    if (button.dataset.asks === undefined) return;
    button.textContent = button.dataset.asks;
    delete button.dataset.asks;
  };
  button.addEventListener("click", () => {
    if (button.dataset.asks !== undefined) {
      calm();
      act();
      return;
    }
    button.dataset.asks = button.textContent;
    button.textContent = QUESTION;
    button.focus(); // Safari does not focus what is clicked, and would never blur it
  });
  button.addEventListener("blur", calm);
  button.addEventListener("keydown", (event) => event.key === "Escape" && calm());
}

/** Whether a button asks just now: its label is then not the card's. */
export function asks(button) {
  return button.dataset.asks !== undefined;
}
