// A form with data-drop-file takes a file that is dropped anywhere on the page.
import { say } from "./messages.js";

const form = document.querySelector("[data-drop-file]");
const input = form?.querySelector("input[type=file]");

function carriesFiles(event) {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

function take(event) {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  if (event.dataTransfer.files.length !== 1) {
    say("Drop one file at a time.", "warning");
    return;
  }
  input.files = event.dataTransfer.files;
  say(`${input.files[0].name} is chosen. Press Continue to see how it reads.`, "info");
  form.querySelector("button").focus();
}

if (input) {
  form.querySelector("[data-drop-hint]").hidden = false;
  document.addEventListener("dragover", (event) => {
    if (carriesFiles(event)) event.preventDefault();
  });
  document.addEventListener("drop", take);
}
