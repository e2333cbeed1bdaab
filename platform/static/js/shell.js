// The frame around every page: menus, theme choice, dialogs, shortcuts, quiet polling, lost requests.
import { keysAreOn } from "./keys.js";
import { say } from "./messages.js";

const root = document.documentElement;

function closeMenus(except) {
  for (const menu of document.querySelectorAll("[data-menu][open]")) {
    if (menu !== except) menu.open = false;
  }
}

document.addEventListener("click", ({ target }) => {
  closeMenus(target.closest("[data-menu]"));
  const opener = target.closest("[data-dialog-open]");
  if (!opener) return;
  closeMenus();
  document.getElementById(opener.dataset.dialogOpen)?.showModal();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.querySelector("[data-menu][open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});

// --- Theme ---

function showTheme() {
  const choice = localStorage.getItem("gloss.theme") ?? "system";
  for (const button of document.querySelectorAll("[data-theme-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
  }
}

for (const group of document.querySelectorAll("[data-theme-choices]")) {
  group.hidden = false;
  group.addEventListener("click", ({ target }) => {
    const choice = target.closest("[data-theme-choice]")?.dataset.themeChoice;
    if (!choice) return;
    localStorage.setItem("gloss.theme", choice);
    dispatchEvent(new Event("gloss:theme"));
    showTheme();
  });
}
showTheme();

// --- Shortcuts ---

let isGoing = false;

function act(event) {
  if (event.key === "?") return document.getElementById("shortcuts")?.showModal();
  if (isGoing) {
    isGoing = false;
    return document.querySelector(`[data-key-go="${CSS.escape(event.key)}"]`)?.click();
  }
  if (event.key === "g") {
    isGoing = true;
    return setTimeout(() => (isGoing = false), 1500);
  }
  const field = document.querySelector(`[data-key-focus="${CSS.escape(event.key)}"]`);
  if (!field) return undefined;
  event.preventDefault();
  return field.focus();
}

document.addEventListener("keydown", (event) => {
  if (!event.defaultPrevented && keysAreOn(event)) act(event);
});

for (const box of document.querySelectorAll("[data-single-keys]")) {
  box.checked = root.dataset.keys !== "off";
  box.addEventListener("change", () => {
    root.dataset.keys = box.checked ? "on" : "off";
    localStorage.setItem("gloss.keys", root.dataset.keys);
  });
}

// --- htmx ---

document.addEventListener("htmx:beforeRequest", (event) => {
  // Nobody looks: a hidden page asks for nothing.
  if (document.hidden && event.target.matches("[data-poll]")) event.preventDefault();
});

// What is swapped in is read out where it says something new: [data-says], such as the state of a job.
let said = document.querySelector("main [data-says]")?.textContent.trim() ?? "";

document.addEventListener("htmx:afterSwap", ({ detail }) => {
  const words = detail.target.querySelector("[data-says]")?.textContent.trim() ?? said;
  if (words !== said) document.querySelector("[data-announcer]").textContent = words.replace(/\s+/g, " ");
  said = words;
});

document.addEventListener("htmx:sendError", ({ target }) => {
  if (!target.matches("[data-poll]")) say("The server did not answer. Check the connection and try again.", "error");
});

document.addEventListener("htmx:responseError", ({ target, detail }) => {
  if (target.matches("[data-poll]")) return;
  const { status } = detail.xhr;
  if (status === 401 || status === 403) say("You may not do this, or you have been signed out. Reload the page.", "error");
  else if (status === 404) say("This is no longer there. Reload the page.", "error");
  else say(`The server could not do this (${status}). Try again; if it stays, tell whoever runs Gloss.`, "error");
});
