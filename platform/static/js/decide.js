// The page that decides a disagreement: single keys press what carries them in data-press, and an
// answer that is chosen is no longer left open.
import { keysAreOn } from "./keys.js";

let goingUntil = 0;

function use(event) {
  // A link or button that has the focus does its own work.
  if (event.key === "Enter" && event.target.closest("a, summary, button")) return false;
  const target = document.querySelector(`[data-press="${CSS.escape(event.key)}"]`);
  target?.click();
  return Boolean(target);
}

document.addEventListener("keydown", (event) => {
  if (!keysAreOn(event) || event.repeat || document.querySelector("dialog[open], [data-menu][open]")) return;
  // "g" and the letter behind it belong to the frame.
  const isGoing = performance.now() < goingUntil;
  goingUntil = event.key === "g" ? performance.now() + 1500 : 0;
  if (!isGoing && use(event)) event.preventDefault();
});

document.addEventListener("input", ({ target }) => {
  const question = target.closest(".decide-question");
  const open = question?.querySelector(".decide-open input");
  if (open && target !== open) open.checked = false;
});
