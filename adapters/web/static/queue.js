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
    const up = status.backends.filter((backend) => backend.up).length;
    if (up > 0 && line.dataset.up === "false") cameBack();
    line.dataset.up = up === 0 ? "false" : up === status.backends.length ? "true" : "some";
    tell(line, jobsInWords(status), `, ${serversInWords(up, status.backends.length)}`);
  } catch {
    line.dataset.up = "false";
    tell(line, "Muralist does not answer", "");
  }
}

function tell(line, jobs, servers) {
  write(line.children[0], jobs);
  write(line.children[1], servers);
}

function jobsInWords({ waiting, running }) {
  const waits = waiting > 0 || running === 0 ? [`${waiting} waiting`] : [];
  return [...waits, ...(running > 0 ? [`${running} running`] : [])].join(", ");
}

function serversInWords(up, all) {
  if (up === 0) return "ComfyUI does not answer";
  return up === all ? "ComfyUI answers" : `${up} of ${all} ComfyUI answer`;
}
