// Keeps the page live. Without this script everything on it is there, and stands still.

import { Dialog } from "./dialog.js";
import { morph } from "./morph.js";
import { Poll } from "./poll.js";
import { Readout } from "./readout.js";

const link = document.getElementById("link");
const readout = new Readout(document.querySelector(".charts"));
const pace = document.getElementById("pace");

function show(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  for (const part of fresh.querySelectorAll("[data-live]")) {
    const old = document.getElementById(part.id);
    if (old) morph(old, document.adoptNode(part));
  }
  readout.update();
}

function failed(message) {
  link.textContent = message && `Not up to date: ${message}`;
  link.classList.toggle("lost", Boolean(message));
}

new Dialog(document.getElementById("dialog"));

pace.value = localStorage.getItem("pace") ?? pace.value;
pace.closest("label").hidden = false;

const poll = new Poll("/dashboard/state" + location.search, {
  seconds: Number(pace.value),
  show,
  failed,
});

pace.addEventListener("change", () => {
  localStorage.setItem("pace", pace.value);
  poll.seconds = Number(pace.value);
});
