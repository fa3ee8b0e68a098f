// The API for people, drawn from its own description.

import { make } from "./dom.js";

const METHODS = ["get", "post", "put", "delete"];
const VALUES = "Values_";
/** Where Muralist is served, perhaps below a path. */
const base = new URL(".", location.href).href.replace(/\/$/, "");

load();

async function load() {
  const main = document.getElementById("docs");
  try {
    const [api, workflows] = await Promise.all([read("openapi.json"), read("api/v1/workflows")]);
    draw(api, workflows.workflows);
    main.dataset.ready = "true";
  } catch (error) {
    main.prepend(make("p", { class: "notice", role: "alert", text: "The description can't be read. Reload the page." }));
    throw error;
  }
}

async function read(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

function draw(api, workflows) {
  document.getElementById("about").textContent = api.info.description;
  document.getElementById("curl").textContent = curl(workflows);
  fill("paths", Object.entries(api.paths).flatMap(([path, methods]) => drawPath(path, methods)));
  fill("workflows", workflows.map((workflow) => drawWorkflow(workflow, api)));
  fill("schemas", schemasOf(api).map(([name, schema]) => drawSchema(name, schema)));
}

function fill(id, children) {
  document.getElementById(id).replaceChildren(...children);
}

function curl(workflows) {
  const workflow = workflows.find((one) => one.parameters.every((parameter) => parameter.type !== "image"));
  const body = JSON.stringify({ workflow: workflow?.name ?? "imagine", values: { prompt: "a red fox in snow" } });
  const token = ` \\\n  -H "Authorization: Bearer $WEB_TOKEN"`;
  const send = `${token} \\\n  -H 'Content-Type: application/json' \\\n  -d '${body}'`;
  return [
    `# Answers {"job_id": "..."}\ncurl ${base}/api/v1/generate${send}`,
    `# Its states as they come, to the last\ncurl -N ${base}/api/v1/jobs/JOB_ID/events${token}`,
    `# The first picture\ncurl -o picture.png ${base}/api/v1/jobs/JOB_ID/outputs/0${token}`,
  ].join("\n\n");
}

function drawPath(path, methods) {
  return METHODS.filter((method) => methods[method]).map((method) => drawOperation(path, method, methods[method]));
}

function drawOperation(path, method, operation) {
  const head = make("summary", {}, make("b", { class: `method ${method}`, text: method.toUpperCase() }));
  head.append(make("code", { text: path }), inWords(operation.summary));
  const rows = [...(operation.parameters ?? []).map(parameterRow), ...bodyRows(operation), ...answerRows(operation)];
  return make("details", { class: "operation" }, head, table(["Part", "Type", "Meaning"], rows));
}

/** A sentence in which words between backticks are code. */
function inWords(sentence) {
  const parts = sentence.split("`").map((text, place) => (place % 2 ? make("code", { text }) : text));
  return make("span", {}, ...parts);
}

function parameterRow({ name, in: place, schema, required, description }) {
  const where = required ? `Required, in the ${place}.` : `In the ${place}.`;
  return [name, typeOf(schema), [where, description].filter(Boolean).join(" ")];
}

function bodyRows({ requestBody }) {
  return requestBody ? Object.entries(requestBody.content).map(([kind, { schema }]) => ["body", typeOf(schema), kind]) : [];
}

function answerRows({ responses }) {
  return Object.entries(responses).flatMap(([status, { description, content }]) =>
    Object.entries(content ?? {}).map(([kind, { schema }]) => [
      status === "default" ? "error" : status,
      typeOf(schema),
      `${description} (${kind})`,
    ]),
  );
}

function drawWorkflow(workflow, api) {
  const values = api.components.schemas[`${VALUES}${workflow.name}`];
  const pictures = workflow.parameters.filter((parameter) => parameter.type === "image");
  const rows = [...propertyRows(values), ...pictures.map((one) => [one.name, "picture, in images", one.description ?? ""])];
  const title = make("h3", {}, make("code", { text: workflow.name }), ` ${workflow.description}`);
  return make("article", { class: "schema" }, title, table(["Name", "Type", "Meaning"], rows));
}

function schemasOf(api) {
  return Object.entries(api.components.schemas).filter(([name]) => !name.startsWith(VALUES));
}

function drawSchema(name, schema) {
  const rows = propertyRows(schema);
  return make("article", { class: "schema", id: name }, make("h3", { text: name }), table(["Name", "Type", "Meaning"], rows));
}

function propertyRows({ properties, required = [] }) {
  return Object.entries(properties).map(([name, schema]) => [name, typeOf(schema), meaningOf(schema, required.includes(name))]);
}

function meaningOf(schema, required) {
  const facts = [required ? "Required." : "", schema.description ? `${schema.description}.` : "", boundsOf(schema)];
  if (schema.default !== undefined && schema.default !== null && schema.default !== "") facts.push(`Default: ${schema.default}.`);
  if (schema.enum) facts.push(`One of: ${schema.enum.join(", ")}.`);
  return facts.filter(Boolean).join(" ").replaceAll("..", ".");
}

function boundsOf({ minimum, maximum }) {
  // JavaScript has rounded such a bound already: seeds have 64 bits.
  if (maximum > Number.MAX_SAFE_INTEGER) return `From ${minimum}, with up to 64 bits.`;
  if (minimum !== undefined && maximum !== undefined) return `From ${minimum} to ${maximum}.`;
  return minimum !== undefined ? `At least ${minimum}.` : "";
}

/** A schema's type in a word or two. */
function typeOf(schema) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" or ");
  if (schema.type === "array") return `list of ${typeOf(schema.items)}`;
  if (schema.type === "object" && schema.properties) return `{${Object.keys(schema.properties).join(", ")}}`;
  return schema.type ?? "any";
}

function table(heads, rows) {
  const head = make("thead", {}, make("tr", {}, ...heads.map((text) => make("th", { scope: "col", text }))));
  const body = make("tbody", {}, ...rows.map(drawRow));
  return make("div", { class: "table" }, make("table", {}, head, body));
}

function drawRow([name, ...cells]) {
  const first = make("th", { scope: "row" }, make("code", { text: name }));
  return make("tr", {}, first, ...cells.map((text) => make("td", { text })));
}
