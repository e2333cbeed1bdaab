// Single keys of the label page: every button and field with data-key, and the polarities of spans.
import { keysAreOn } from "./keys.js";

let goingUntil = 0;

function press(target) {
  const input = target.matches("input") ? target : target.querySelector("input");
  if (!input) {
    target.click();
    // A panel's own event comes later: the next letters of a fast typist are for its field.
    return target.closest("[data-panel][open]")?.querySelector("[data-panel-focus]")?.focus();
  }
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

// Digits and letters of an open panel stand before those of the answers.
function usePanel(panel, key) {
  const button = panel.querySelector(key === "Enter" ? "[data-panel-enter]" : `[data-panel-key="${CSS.escape(key)}"]`);
  button?.click();
  return Boolean(button);
}

/** Act on a key; `page` has root, form, spans (or null) and submit(). Returns whether the key was used. */
function use(event, key, page) {
  const { root } = page;
  const panel = root.querySelector("[data-panel][open]");
  if (key === "Enter") {
    // A link or another button that has the focus does its own work, and so does another form.
    if (event.target.closest("a, summary, button:not([data-label-submit], [data-span-option])")) return false;
    if (event.target.form && event.target.form !== page.form) return false;
    if (panel && usePanel(panel, key)) return true;
    page.submit();
    return true;
  }
  if (panel && usePanel(panel, key)) return true;
  const polarity = Object.entries(page.spans?.data.polarityKeys ?? {}).find(([, each]) => each === key)?.[0];
  if (polarity && page.spans.setPolarity(polarity)) return true;
  const target = root.parentElement.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (target) press(target);
  return Boolean(target);
}

function leaveField(event, root) {
  if (event.key !== "Escape") return;
  const panel = root.querySelector("[data-panel][open]");
  if (panel) panel.open = false;
  if (panel || event.target.matches("input, textarea")) root.querySelector("[data-work-start]")?.focus();
}

// With Alt some keyboards write another character: then the key itself counts.
function keyOf(event) {
  const letter = /^(?:Key|Digit)(.)$/.exec(event.code)?.[1];
  if (!event.altKey || !letter || event.key.length === 1 && event.key.charCodeAt(0) < 128) return event.key;
  return event.shiftKey ? letter : letter.toLowerCase();
}

/** Say whether a key may act: alone, or with Alt where the person has chosen that. */
function mayAct(event, root) {
  if (root.dataset.shortcuts === "off") return false;
  if (root.dataset.modifier !== "alt") return keysAreOn(event);
  const isTyping = event.target.matches("input:not([type=checkbox], [type=radio]), textarea, select");
  return event.altKey && !event.ctrlKey && !event.metaKey && !event.isComposing && !isTyping;
}

/** Listen for keys on behalf of `page`, a function that returns what is on it now. */
export function listenForKeys(root, page) {
  document.addEventListener(
    "keydown",
    (event) => {
      leaveField(event, root);
      if (document.querySelector("dialog[open], [data-menu][open]")) return;
      const isOn = mayAct(event, root);
      const isPlainEnter = event.key === "Enter" && !event.isComposing && root.contains(event.target);
      if (!isOn && !isPlainEnter) return;
      if (event.repeat) return event.key === "Enter" ? event.preventDefault() : undefined;
      // "g" and the letter behind it belong to the frame.
      const isGoing = performance.now() < goingUntil;
      goingUntil = event.key === "g" ? performance.now() + 1500 : 0;
      if (isGoing) return;
      if (use(event, keyOf(event), page())) event.preventDefault();
    },
    { capture: true },
  );
}
