// Small helpers for building the page. Words from outside only ever enter as text.

/** An element with properties (`class`, `text`, `data`, `on`, attributes by name) and children. */
export function make(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) set(element, name, value);
  element.append(...children);
  return element;
}

function set(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name === "class") element.className = value;
  else if (name === "text") element.textContent = value;
  else if (name === "data") Object.assign(element.dataset, value);
  else if (name === "on") for (const [type, listener] of Object.entries(value)) element.addEventListener(type, listener);
  else element.setAttribute(name, value === true ? "" : value);
}

/** Write a text only if it differs: an unchanged one is neither drawn nor read out again. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Make `parent`'s children match `items`, keeping the element of every key that stays: a button keeps the
 * focus and a picture is not loaded again.
 */
export function sync(parent, items, { key, create, update = () => {} }) {
  const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let next = parent.firstElementChild;
  for (const item of items) {
    let child = old.get(key(item));
    old.delete(key(item));
    if (!child) {
      child = create(item);
      child.dataset.key = key(item);
    }
    update(child, item);
    if (child === next) next = next.nextElementSibling;
    else parent.insertBefore(child, next);
  }
  for (const gone of old.values()) gone.remove();
}

/** Whether Enter ends a word of an input method rather than a line; Safari only tells by the code 229. */
export function composing(event) {
  return event.isComposing || event.keyCode === 229;
}
