// Requests to the server. Everything that is refused becomes a `Refused` with a sentence for people.
// All addresses are relative: the page may be served below any path.

/** The server said no, or did not answer. `message` is a sentence that can be shown; `status` is HTTP's, or 0. */
export class Refused extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

const SILENT = "Muralist does not answer. What you wrote is kept: try again in a moment.";

/** A key that makes a repeated request the same request. */
export function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // Browsers offer randomUUID to https and to this machine only; the page may be served by plain http.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Where an output's bytes are. */
export function outputUrl({ job, index }) {
  return `api/v1/jobs/${job}/outputs/${index}`;
}

/** Send a line of chat. */
export function say(form) {
  return request("api/v1/chat", { method: "POST", body: form });
}

/** Press a card's button. */
export function press(action) {
  return request("api/v1/chat/press", json("POST", { action, key: newKey() }));
}

/** Cards of the room that are older than `before`, or the newest, with `words` in their prompts. */
export function cards(before, words) {
  const query = new URLSearchParams();
  if (before) query.set("before", before);
  if (words) query.set("words", words);
  return request(`api/v1/chat/cards?${query}`);
}

/** Every command with its options. */
export async function commands() {
  return (await request("api/v1/commands")).commands;
}

/** The queue in numbers. */
export function queue() {
  return request("api/v1/queue");
}

/** Who this is: `{name, id, admin}`. */
export function me() {
  return request("api/v1/me");
}

/** Be called something else. */
export function rename(name) {
  return request("api/v1/me", json("PUT", { name }));
}

/** Everything that admins see. */
export function overview() {
  return request("api/v1/admin/overview");
}

/** End anybody's job. */
export function cancelJob(job) {
  return request(`api/v1/admin/jobs/${job}`, { method: "DELETE" });
}

/** Do a command of the admins; what it says. */
export async function command(name, values) {
  const { card } = await request(`api/v1/admin/commands/${encodeURIComponent(name)}`, json("POST", values));
  return [card.title, ...card.body.map((line) => line.map((span) => span.text ?? span.code ?? "").join(""))].join(" ");
}

function json(method, body) {
  return { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
}

async function request(path, options = {}) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Refused(SILENT);
  }
  const answer = await response.json().catch(() => null);
  // The session ended: the owner has changed the token.
  if (response.status === 401) location.assign("login");
  if (!response.ok) throw new Refused(answer?.error?.message ?? SILENT, response.status);
  return answer;
}
