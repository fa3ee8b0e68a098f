// Requests to the server. Everything that is refused becomes a `Refused` with a sentence for people.

/** The server said no, or did not answer. `message` is a sentence that can be shown. */
export class Refused extends Error {}

const SILENT = "Muralist does not answer. What you wrote is kept: try again in a moment.";

/** A key that makes a repeated request the same request. */
export function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // Browsers offer randomUUID to https and to this machine only; the page may be served by plain http.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Send a line of chat. */
export function say(form) {
  return request("/api/v1/chat", { method: "POST", body: form });
}

/** Press a card's button. */
export function press(action) {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ action, key: newKey() });
  return request("/api/v1/chat/press", { method: "POST", headers, body });
}

/** Every command with its options. */
export async function commands() {
  return (await request("/api/v1/commands")).commands;
}

/** The queue in numbers. */
export function queue() {
  return request("/api/v1/queue");
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
  if (response.status === 401) location.assign("/login");
  if (!response.ok) throw new Refused(answer?.error?.message ?? SILENT);
  return answer;
}
