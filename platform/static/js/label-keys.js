// Single keys of the label page: every button and field with data-key, and the polarities of spans.
import { keysAreOn } from "./keys.js";

let goingUntil = 0;

function press(target) {
  const input = target.matches("input") ? target : target.querySelector("input");
  if (!input) return target.click();
  if (input.type === "text") {
    input.focus();
    return input.select();
  }
  // The key of an answer that is there already keeps it; only what may be left out is taken back.
  if (input.type === "radio" && input.checked) {
    if (input.closest("[data-is-required]")) return undefined;
    input.checked = false;
    return input.dispatchEvent(new Event("change", { bubbles: true }));
  }
  return input.click();
}

/** Act on a key; `page` has root, spans (or null) and submit(). Returns whether the key was used. */
function use(event, page) {
  const { root } = page;
  if (event.key === "Enter") {
    // A link or another button that has the focus does its own work.
    if (event.target.closest("a, summary, button:not([data-label-submit], [data-span-option])")) return false;
    page.submit();
    return true;
  }
  const polarity = Object.entries(page.spans?.data.polarityKeys ?? {}).find(([, key]) => key === event.key)?.[0];
  if (polarity && page.spans.setPolarity(polarity)) return true;
  const target = root.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (target) press(target);
  return Boolean(target);
}

function leaveField(event, root) {
  if (event.key !== "Escape" || !event.target.matches("input, textarea")) return;
  root.querySelector("[data-work-start]")?.focus();
}

/** Listen for keys on behalf of `page`, a function that returns what is on it now. */
export function listenForKeys(root, page) {
  document.addEventListener(
    "keydown",
    (event) => {
      leaveField(event, root);
      if (document.querySelector("dialog[open], [data-menu][open]")) return;
      const isOn = root.dataset.shortcuts !== "off" && keysAreOn(event);
      const isPlainEnter = event.key === "Enter" && !event.isComposing && root.contains(event.target);
      if (!isOn && !isPlainEnter) return;
      if (event.repeat) return event.key === "Enter" ? event.preventDefault() : undefined;
      // "g" and the letter behind it belong to the frame.
      const isGoing = performance.now() < goingUntil;
      goingUntil = event.key === "g" ? performance.now() + 1500 : 0;
      if (isGoing) return;
      if (use(event, page())) event.preventDefault();
    },
    { capture: true },
  );
}
