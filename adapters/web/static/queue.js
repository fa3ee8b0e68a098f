// How the queue stands, in the header.

import { write } from "./dom.js";
import { queue } from "./requests.js";

const EVERY_MS = 5000;

/** Keep the header's line up to date for as long as somebody can see it. `cameBack` is called when a ComfyUI does. */
export function watchQueue(cameBack) {
  const line = document.getElementById("queue");
  const look = () => document.visibilityState === "visible" && show(line, cameBack);
  document.addEventListener("visibilitychange", look);
  setInterval(look, EVERY_MS);
  look();
}

async function show(line, cameBack) {
  try {
    const status = await queue();
    const up = status.backends.some((backend) => backend.up);
    if (up && line.dataset.up === "false") cameBack();
    line.dataset.up = up;
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
