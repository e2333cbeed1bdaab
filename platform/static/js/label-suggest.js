// Takes a model's suggestions over: one by one, or all that are on the page.

function change(input) {
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

/** Make a suggestion the answer; a second click takes nothing back. */
export function accept(chip) {
  const question = chip.closest("[data-question]");
  const value = chip.dataset.accept;
  const typed = question.querySelector(".label-number input");
  if (typed) {
    typed.value = value;
    return change(typed);
  }
  const name = value ? `answer.${question.dataset.question}` : `none.${question.dataset.question}`;
  const input = [...question.querySelectorAll("input")].find((each) => each.name === name && (!value || each.value === value));
  if (!input || input.checked) return undefined;
  input.checked = true;
  return change(input);
}

/** Accept every suggestion, spans (a SpanAnnotator or null) among them; return how many there were. */
export function acceptAll(root, spans) {
  const chips = [...root.querySelectorAll("[data-accept]")];
  chips.forEach(accept);
  return chips.length + (spans?.takeProposals() ?? 0);
}
