// One option of a command as a small control. Values are texts, as in a line; "" is "as the workflow has it".

import { Combobox } from "./combobox.js";
import { make } from "./dom.js";

/** How many choices a plain list may have; with more, one types. */
const MANY = 12;

/** Seeds below this are exact as JavaScript's numbers. */
const SEED_LIMIT = 2 ** 53;

/** `{element, set(value)}` for a parameter; `changed(value)` is called when a person changes it. */
export function makeControl(parameter, changed) {
  const id = `option-${parameter.name}`;
  const { element, set } = KINDS[kindOf(parameter)](parameter, id, changed);
  const label = make("label", { for: id, text: parameter.title });
  if (parameter.required) label.append(make("span", { class: "needed", text: " needed" }));
  const range = rangeOf(parameter);
  const hint = range ? make("small", { id: `${id}-range`, text: range }) : "";
  if (range) element.querySelector(`#${id}`)?.setAttribute("aria-describedby", `${id}-range`);
  const box = make("div", { class: `control ${kindOf(parameter)}`, title: parameter.description, data: { option: parameter.name } });
  box.append(make("div", { class: "control-head" }, label, hint), element);
  return {
    element: box,
    set(value) {
      box.classList.toggle("changed", value !== "");
      set(value);
    },
  };
}

/** What an option takes, in short. */
export function rangeOf({ type, minimum, maximum, choices }) {
  if (choices || type === "seed") return "";
  if (minimum !== undefined && maximum !== undefined) return `${minimum}–${maximum}`;
  if (minimum !== undefined) return `from ${minimum}`;
  return maximum !== undefined ? `up to ${maximum}` : "";
}

function kindOf({ type, choices = [] }) {
  if (type === "choice") return choices.length > MANY ? "search" : "select";
  return type in KINDS ? type : "text";
}

const KINDS = {
  integer: (parameter, id, changed) => makeNumber(parameter, id, changed, parameter.step ?? 1),
  number: (parameter, id, changed) => makeNumber(parameter, id, changed, parameter.step ?? "any"),
  boolean: makeSwitch,
  select: makeSelect,
  search: makeSearch,
  seed: makeSeed,
  text: makeText,
};

function makeNumber({ minimum, maximum, default: usual }, id, changed, step) {
  const bounds = { min: minimum, max: maximum, step, placeholder: usual };
  const input = make("input", { id, type: "number", inputmode: "decimal", ...bounds });
  input.addEventListener("input", () => {
    input.setAttribute("aria-invalid", String(!input.validity.valid));
    changed(input.value);
  });
  return wrapped(input, (value) => {
    if (input.value !== value && Number(input.value) !== Number(value || NaN)) input.value = value;
    if (value === "" && !input.validity.badInput) input.value = "";
    input.setAttribute("aria-invalid", String(!input.validity.valid));
  });
}

function makeSwitch({ default: usual }, id, changed) {
  const input = make("input", { id, type: "checkbox", role: "switch" });
  input.checked = usual === true;
  input.addEventListener("change", () => changed(input.checked === (usual === true) ? "" : String(input.checked)));
  return wrapped(input, (value) => {
    input.checked = value === "" ? usual === true : /^(true|yes|on|1)$/i.test(value);
  });
}

function makeSelect({ choices = [], default: usual }, id, changed) {
  const options = choices.filter((choice) => choice !== usual).map((choice) => make("option", { text: choice, value: choice }));
  const select = make("select", { id }, make("option", { value: "", text: usual ? `${usual}` : "as it is" }), ...options);
  select.addEventListener("change", () => changed(select.value));
  return wrapped(select, (value) => {
    select.value = choices.find((choice) => choice !== usual && choice.toLowerCase() === value.toLowerCase()) ?? "";
  });
}

function makeSearch({ choices, default: usual }, id, changed) {
  const box = new Combobox(choices, { id, placeholder: usual, changed });
  return { element: box.element, set: (value) => box.set(value) };
}

function makeSeed(_parameter, id, changed) {
  const input = make("input", { id, type: "text", inputmode: "numeric", placeholder: "random", autocomplete: "off" });
  input.addEventListener("input", () => changed(input.value.trim()));
  const dice = make("button", { type: "button", class: "dice", "aria-label": "Roll a seed", title: "Roll a seed", text: "⚄" });
  dice.addEventListener("click", () => {
    input.value = String(Math.floor(Math.random() * SEED_LIMIT));
    changed(input.value);
  });
  return { element: make("div", { class: "with-button" }, input, dice), set: keep(input) };
}

function makeText({ default: usual, max_length: longest }, id, changed) {
  const area = make("textarea", { id, rows: 1, maxlength: longest, placeholder: usual || null });
  area.addEventListener("input", () => changed(area.value));
  return wrapped(area, keep(area));
}

function wrapped(input, set) {
  return { element: make("div", {}, input), set };
}

/** Sets a field's text, unless it is there already: the caret would move. */
function keep(input) {
  return (value) => {
    if (input.value !== value && input.value.trim() !== value) input.value = value;
  };
}
