// For fingers: a bar at the foot of the screen with the options, as long as words are selected, and
// with what can be done to the span that was marked last.
import { button } from "./span-list.js";
import { element } from "./span-view.js";

export class SpanBar {
  #bar = null;

  constructor(root, set, data) {
    this.root = root;
    this.set = set;
    this.data = data;
  }

  /** Make the bar: on the first touch, so that who has a mouse never meets it. */
  build() {
    if (this.#bar) return;
    this.#bar = element("div", "span-bar");
    this.#bar.dataset.spanBar = "";
    this.#bar.setAttribute("role", "group");
    this.#bar.hidden = true;
    this.options = element("div", "span-bar-row");
    for (const question of this.data.questions) this.options.append(...question.options.map((option) => this.#option(question, option)));
    this.acts = element("div", "span-bar-row");
    this.root.append(this.#bar);
    this.#bar.append(this.options, this.acts);
  }

  #option(question, { key, name, colour }) {
    const made = element("button", `option-button option-${colour}`, name);
    made.type = "button";
    made.prepend(element("span", "swatch"));
    made.setAttribute("aria-label", `Mark as ${name}, ${question.name}`);
    Object.assign(made.dataset, { spanQuestion: question.key, spanOption: key });
    return made;
  }

  #actsOf(span) {
    const said = this.set.questions.get(span.question).hasPolarity ? ["negative", "neutral", "positive"] : [];
    const polarities = said.map((polarity) => {
      const made = button("btn", polarity[0].toUpperCase() + polarity.slice(1), "polarity", { polarity });
      made.setAttribute("aria-pressed", String(span.polarity === polarity));
      return made;
    });
    return [...polarities, button("btn", "All like it", "alike"), button("btn", "Remove", "remove"), button("btn btn-quiet", "Done", "clear")];
  }

  paint({ isPicking, active }) {
    if (!this.#bar) return;
    this.#bar.hidden = !isPicking && !active;
    this.#bar.setAttribute("aria-label", isPicking ? "Mark the selected words" : "The span marked last");
    this.options.hidden = !isPicking;
    this.acts.hidden = isPicking || !active;
    if (!this.acts.hidden) this.acts.replaceChildren(...this.#actsOf(active));
  }
}
