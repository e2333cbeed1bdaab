// The row of tools above the lists of spans: undo, redo, all like it, and the keys in words.
import { button } from "./span-list.js";
import { element } from "./span-view.js";

const DESCRIPTION =
  "Arrow keys pick words, with Shift more of them; the key of an option marks them. " +
  "With a screen reader, switch to focus mode first. All keys are listed below the text.";

const keysOf = (polarityKeys, hasProposals) => [
  [["←", "→", "↑", "↓"], "Pick a word, as seen on the screen; with Shift take in more"],
  [[".", ","], "Move the end of what is picked by one character"],
  [["<", ">"], "Move its start"],
  [["Shift", "←", "→"], "Move the end of the span marked last by one word; with Ctrl its start"],
  [["*"], "Mark all words like the span marked last"],
  ...(hasProposals ? [[[":"], "Take every suggested span; one by one in the list"]] : []),
  [Object.values(polarityKeys), "The span marked last is negative, neutral, positive"],
  [["Delete"], "Remove the span that is picked"],
  [["Ctrl", "z"], "Undo; with Shift do it again"],
  [["Esc"], "Let go of what is picked"],
];

export class SpanTools {
  /** `hasProposals` tells whether a model proposes spans, which one key then takes. */
  constructor(root, { polarityKeys }, hasProposals) {
    this.undo = button("btn btn-sm btn-quiet", "Undo", "undo");
    this.redo = button("btn btn-sm btn-quiet", "Redo", "redo");
    this.undo.setAttribute("aria-label", "Undo the last change of spans");
    this.redo.setAttribute("aria-label", "Redo the last change of spans");
    const alike = button("btn btn-sm", "Mark all like it ", "alike", { key: "*" });
    alike.append(element("kbd", "", "*"));
    this.isExact = this.#checkbox("Match case");
    this.isPart = this.#checkbox("Inside words");
    const row = element("div", "span-tools");
    row.setAttribute("role", "group");
    row.setAttribute("aria-label", "Tools for spans");
    row.append(this.undo, this.redo, ...(hasProposals ? [this.#taker()] : []), alike, this.isExact.parentElement, this.isPart.parentElement);
    this.description = element("p", "visually-hidden", DESCRIPTION);
    this.description.id = "span-help";
    root.append(this.description, row, this.#keys(keysOf(polarityKeys, hasProposals)));
  }

  #taker() {
    this.take = button("btn btn-sm", "Take all suggested ", "proposals", { key: ":" });
    this.take.append(element("kbd", "", ":"));
    return this.take;
  }

  #checkbox(words) {
    const label = element("label", "span-choice");
    const box = element("input");
    box.type = "checkbox";
    label.append(box, ` ${words}`);
    return box;
  }

  #keys(listed) {
    const made = element("details", "span-keys");
    const list = element("dl", "keys");
    for (const [keys, words] of listed) {
      const term = element("dt");
      term.append(...keys.flatMap((key) => [element("kbd", "", key), " "]));
      list.append(term, element("dd", "", words));
    }
    made.append(element("summary", "", "Keys for marking words"), list);
    return made;
  }

  /** Return the id of the text that describes the keys. */
  describe() {
    return this.description.id;
  }

  /** Return how words are compared. */
  how() {
    return { isExact: this.isExact.checked, isPart: this.isPart.checked };
  }

  paint(set, proposedCount) {
    if (this.take) this.take.disabled = proposedCount === 0;
    this.undo.disabled = !set.canUndo;
    this.redo.disabled = !set.canRedo;
  }
}
