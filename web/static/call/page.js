/** The call page's entry: starts the call, or says in plain words why this browser cannot. */

import "./marks.js";
import { Call } from "./call.js";
import { readWords } from "./words.js";

const root = document.querySelector('[data-module="call"]');
const able = "RTCPeerConnection" in window && "WebSocket" in window;

if (able) {
  for (const opener of root.querySelectorAll("[data-opens-dialog]")) {
    const dialog = document.getElementById(opener.dataset.opensDialog);
    opener.addEventListener("click", () => dialog.showModal());
  }
  new Call(root, readWords(root)).start();
} else {
  root.dataset.phase = "unable";
}
addEventListener("pageshow", (event) => event.persisted && location.reload());
