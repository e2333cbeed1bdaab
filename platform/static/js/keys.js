// One rule for single-key shortcuts everywhere: off when the person switched them off, never while
// typing, composing or holding a modifier.

const root = document.documentElement;
try {
  root.dataset.keys = localStorage.getItem("gloss.keys") === "off" ? "off" : "on";
} catch {
  root.dataset.keys = "on"; // storage is blocked
}

const isTyping = (target) =>
  target instanceof Element &&
  target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], dialog[open]") !== null;

/** Say whether this keydown may act as a shortcut. */
export function keysAreOn(event) {
  const isModified = event.ctrlKey || event.metaKey || event.altKey;
  return root.dataset.keys === "on" && !isModified && !event.isComposing && !isTyping(event.target);
}
