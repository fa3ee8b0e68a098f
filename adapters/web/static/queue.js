// How the queue stands, in the header.

import { write } from "./dom.js";
import { queue } from "./requests.js";

const EVERY_MS = 5000;

/** Keep the header's line up to date for as long as somebody can see it. */
export function watchQueue() {
  const line = document.getElementById("queue");
  const look = () => document.visibilityState === "visible" && show(line);
  document.addEventListener("visibilitychange", look);
  setInterval(look, EVERY_MS);
  look();
}

async function show(line) {
  try {
    const status = await queue();
    line.dataset.up = status.backends.some((backend) => backend.up);
    write(line, inWords(status));
  } catch {
    line.dataset.up = "false";
    write(line, "Muralist does not answer");
  }
}

function inWords({ waiting, running, backends }) {
  const counts = running > 0 ? `${waiting} waiting, ${running} running` : `${waiting} waiting`;
  return `${counts}, ${serversInWords(backends)}`;
}

function serversInWords(backends) {
  const up = backends.filter((backend) => backend.up).length;
  if (up === 0) return "ComfyUI does not answer";
  return up === backends.length ? "ComfyUI answers" : `${up} of ${backends.length} ComfyUI answer`;
}
