// The lists below a text: every span with its words, polarity and buttons; proposals; tools.
import { isSame } from "./span-set.js";
import { element, label } from "./span-view.js";

const POLARITY_WORDS = { negative: "Negative", neutral: "Neutral", positive: "Positive" };

export function button(className, text, act, data = {}) {
  const made = element("button", className, text);
  made.type = "button";
  made.dataset.spanAct = act;
  Object.assign(made.dataset, data);
  return made;
}

/** Put exactly these children into a parent, moving only those that are elsewhere. */
function arrange(parent, children) {
  const wanted = new Set(children);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  children.forEach((child, index) => {
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
  });
}

const keyOf = ({ question, start, end, option }) => JSON.stringify([question, start, end, option]);

export class SpanList {
  #items = new Map();
  #lists = new Map();

  constructor(root, set, data) {
    this.root = root;
    this.set = set;
    this.polarityKeys = data.polarityKeys;
    this.suggested = new Map(
      data.questions.map(({ key, suggested }) => [key, set.placed((suggested ?? []).map((span) => ({ ...span, question: key })))]),
    );
    for (const { key, name } of data.questions) {
      const list = element("ul");
      list.setAttribute("aria-label", `${name}: marked`);
      this.#lists.set(key, list);
      root.append(list);
    }
  }

  /** Return the span (or proposal) that a button in the list is about. */
  spanOf(target) {
    return this.#items.get(target.closest("[data-span-item]")?.dataset.spanItem)?.span;
  }

  /** Return the proposals that have not been taken. */
  proposals(question) {
    return this.suggested.get(question).filter((span) => !this.set.same(span));
  }

  paint({ active }) {
    const items = new Map();
    for (const [question, list] of this.#lists) {
      const marked = this.set.of(question).map((span) => this.#kept(items, span, keyOf(span), () => this.#item(span)));
      const proposed = this.proposals(question).map((span) => this.#kept(items, span, `?${keyOf(span)}`, () => this.#proposal(span)));
      for (const item of marked) this.#freshen(item, active);
      arrange(list, [...marked, ...proposed].map(({ node }) => node));
    }
    this.#items = items;
  }

  #kept(items, span, key, make) {
    const item = this.#items.get(key) ?? { node: make() };
    item.node.dataset.spanItem = key;
    item.span = span;
    items.set(key, item);
    return item;
  }

  #item(span) {
    const item = element("li");
    const pick = button("span-words", undefined, "pick");
    pick.append(this.#quote(span));
    item.append(element("span", `chip option-${this.set.option(span)?.colour ?? 12}`, this.set.name(span)), pick);
    if (this.set.questions.get(span.question).hasPolarity) item.append(this.#polarities(span));
    item.append(button("btn btn-sm btn-quiet", "Remove", "remove"));
    return item;
  }

  #quote(span) {
    const words = element("q", "", this.set.words(span));
    words.dir = "auto";
    return words;
  }

  #polarities(span) {
    const group = element("span", "span-polarity");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", `What it says about ${this.set.name(span)}`);
    for (const [polarity, word] of Object.entries(POLARITY_WORDS)) {
      const made = button("", `${word} `, "polarity", { polarity });
      made.append(element("kbd", "", this.polarityKeys[polarity]));
      group.append(made);
    }
    return group;
  }

  #freshen(item, active) {
    const { node, span } = item;
    if (item.shown === span && item.isActive === (span === active)) return;
    item.shown = span;
    item.isActive = span === active;
    const told = this.set.told(span);
    node.classList.toggle("is-active", span === active);
    for (const each of node.querySelectorAll("[data-polarity]")) each.setAttribute("aria-pressed", String(each.dataset.polarity === span.polarity));
    node.querySelector("[data-span-act=pick]").setAttribute("aria-label", `Pick ${told}`);
    node.querySelector("[data-span-act=pick]").setAttribute("aria-pressed", String(span === active));
    node.querySelector("[data-span-act=remove]").setAttribute("aria-label", `Remove ${told}`);
  }

  #proposal(span) {
    const item = element("li", "is-suggested");
    const take = button("btn btn-sm btn-quiet", "Take it", "take");
    take.setAttribute("aria-label", `Take it: ${this.set.told(span)}`);
    item.append(
      element("span", `chip chip-suggested option-${this.set.option(span)?.colour ?? 12}`, `Suggested: ${label(this.set, span)}`),
      this.#quote(span),
      take,
    );
    return item;
  }

  /** Move the focus to a button of the item in a place; false when there is none. */
  focus(index, act) {
    const item = this.root.querySelectorAll("[data-span-item]")[index];
    item?.querySelector(`[data-span-act=${act}]`)?.focus();
    return Boolean(item);
  }

  /** Return the place of a span in the list; -1 without one. */
  indexOf(span) {
    if (!span) return -1;
    return [...this.root.querySelectorAll("[data-span-item]")].findIndex((node) => isSame(this.#items.get(node.dataset.spanItem).span, span));
  }
}
