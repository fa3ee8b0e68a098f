// Reading a line of chat as the server reads it, with where each option stands in it. Pure.

const COMMAND = /^\s*\/([A-Za-z0-9_-]+)(?:@\w+)?(?:\s+([A-Za-z0-9_-]+))?(?=\s|$)/;
const DASHED =
  /(?<!\S)(?:--|—)([A-Za-z][\w-]*)(?:(?:=|\s+(?!--|—))("[^"]*"|“[^”]*”|\S+,(?:\s+\S+,)*\s+(?!--|—)\S+|\S*))?(?=\s|$)/g;
/** Options whose value may be several words with commas between them. */
const LISTS = ["no"];
const QUOTES = /^["“”]+|["“”]+$/g;

/** The command that a line begins with, or undefined. */
export function commandOf(line, commands) {
  const [, first, second] = COMMAND.exec(line)?.map((word) => word?.toLowerCase()) ?? [];
  const find = (name) => commands.find((command) => command.name.toLowerCase() === name);
  return (second && find(`${first} ${second}`)) || find(first);
}

/** The parameter that plain words after the command go to. */
export function mainOf(command) {
  return command.parameters.find((parameter) => parameter.type === "text");
}

/** The options that a line gives: a map of name to `{value, from, to}`; of two with one name the later counts. */
export function optionsIn(line, command) {
  const options = new Map();
  let rest = line;
  const take = (match) => {
    const [whole, written, given = ""] = match;
    const name = written.toLowerCase().replaceAll("-", "_");
    const value = LISTS.includes(name) || /^["“”]/.test(given) ? given : given.replace(/\s[^]*$/, "");
    const from = match.index;
    const to = from + whole.length - (given.length - value.length);
    options.set(name, { value: value.replace(QUOTES, ""), from, to });
    rest = rest.slice(0, from) + " ".repeat(to - from) + rest.slice(to);
  };
  for (const match of line.matchAll(DASHED)) take(match);
  for (const match of rest.matchAll(assigned(command))) take(match);
  return options;
}

/** The line with an option's value changed; without the option if the value is empty or needs quotes. */
export function withOption(line, name, { from, to }, value) {
  const plain = value !== "" && !/[\s"“”]/.test(value);
  const before = line.slice(0, from);
  const after = line.slice(to);
  if (plain) return `${before}--${name} ${value}${after}`;
  return after === "" ? before.trimEnd() : `${before}${after.replace(/^[ \t]+/, "")}`;
}

/** `name=value`, for the names that the command has. */
function assigned({ parameters }) {
  const names = parameters.map(({ name }) => name.replace(/[^\w]/g, "\\$&"));
  if (names.length === 0) return /(?!)/g; // matches nothing
  return new RegExp(`(?<!\\S)(${names.join("|")})=("[^"]*"|“[^”]*”|\\S+)`, "gi");
}
