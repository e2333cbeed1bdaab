// Marks spans in a review's text with mouse or keyboard: overlapping, any script and direction, with
// an optional polarity. Spans are { question, start, end, option, polarity } in code points.
import { SpanText, pieces } from "./span-text.js";

const POLARITY_WORDS = { negative: "Negative", neutral: "Neutral", positive: "Positive" };
const POLARITY_SIGNS = { negative: "−", neutral: "=", positive: "+" };

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

const isSame = (a, b) => a.question === b.question && a.start === b.start && a.end === b.end && a.option === b.option;

export class SpanAnnotator {
  #past = [];
  #future = [];
  #word = 0;
  #anchor = 0;
  #cursor = null;
  #active = null;

  /** `root` holds the text, the lists, the fields and the option buttons; `say` tells screen readers. */
  constructor(root, data, { say, onChange }) {
    this.root = root;
    this.box = root.querySelector("[data-span-text]");
    this.lists = root.querySelector("[data-span-lists]");
    this.say = say;
    this.onChange = onChange;
    this.data = data;
    this.text = new SpanText(data.text);
    this.questions = new Map(data.questions.map((question) => [question.key, question]));
    this.spans = data.questions.flatMap(({ key, spans }) => spans.map((span) => ({ polarity: "", ...span, question: key })));
    this.#prepare();
    this.#render();
  }

  #prepare() {
    this.box.tabIndex = 0;
    this.box.setAttribute("role", "group");
    this.box.setAttribute("aria-label", "Review text. Arrow keys pick words, Shift takes in more, the key of an option marks them.");
    this.box.addEventListener("keydown", (event) => this.#onKey(event));
    this.box.addEventListener("click", (event) => this.#onClick(event));
    this.root.addEventListener("pointerdown", (event) => {
      // The buttons act on what is selected in the text: pressing one must not clear it.
      if (event.target.closest("[data-span-option]")) event.preventDefault();
    });
    this.root.addEventListener("click", ({ target }) => {
      const button = target.closest("[data-span-option]");
      if (button) this.mark(button.dataset.spanQuestion, button.dataset.spanOption);
    });
  }

  // --- What is picked ---

  #selected() {
    const selection = document.getSelection();
    if (!selection.rangeCount || selection.isCollapsed) return null;
    const range = selection.getRangeAt(0);
    if (!this.box.contains(range.startContainer) || !this.box.contains(range.endContainer)) return null;
    return this.text.snap([
      this.#unitAt(range.startContainer, range.startOffset),
      this.#unitAt(range.endContainer, range.endOffset),
    ]);
  }

  #unitAt(node, offset) {
    const before = document.createRange();
    before.selectNodeContents(this.box);
    before.setEnd(node, offset);
    return before.toString().length;
  }

  #wordRange() {
    const [first, last] = [this.#word, this.#anchor].sort((a, b) => a - b);
    return [this.text.words[first][0], this.text.words[last][1]];
  }

  // --- Changes ---

  /** Mark what is picked with an option. */
  mark(question, option) {
    const range = this.#selected() ?? this.#cursor;
    if (!range) return this.say("Pick words in the text first: with the mouse, or with the arrow keys.");
    const span = { question, start: range[0], end: range[1], option, polarity: "" };
    const same = this.spans.find((each) => isSame(each, span));
    document.getSelection().removeAllRanges();
    if (same) return this.#change(this.spans.filter((each) => each !== same), null, `Removed ${this.#told(same)}`);
    return this.#change([...this.spans, span], span, this.#told(span));
  }

  #change(spans, active, words) {
    this.#past.push(this.spans);
    this.#future = [];
    this.#set(spans, active);
    this.say(words);
  }

  #set(spans, active) {
    this.spans = [...spans].sort((a, b) => a.start - b.start || b.end - a.end);
    this.#active = active;
    this.#render();
    this.onChange();
  }

  /** Say what the active span says about its option. */
  setPolarity(polarity, span = this.#active) {
    if (!span || !this.questions.get(span.question).hasPolarity) return false;
    const changed = { ...span, polarity: span.polarity === polarity ? "" : polarity };
    this.#change(this.spans.map((each) => (each === span ? changed : each)), changed, this.#told(changed));
    return true;
  }

  #remove(span) {
    this.#change(this.spans.filter((each) => each !== span), null, `Removed ${this.#told(span)}`);
  }

  #undo() {
    if (!this.#past.length) return this.say("Nothing to undo.");
    this.#future.push(this.spans);
    this.#set(this.#past.pop(), null);
    return this.say("Undone.");
  }

  #redo() {
    if (!this.#future.length) return this.say("Nothing to redo.");
    this.#past.push(this.spans);
    this.#set(this.#future.pop(), null);
    return this.say("Done again.");
  }

  #option({ question, option }) {
    return this.questions.get(question).options.find(({ key }) => key === option);
  }

  #told(span) {
    const polarity = span.polarity ? `, ${span.polarity}` : "";
    return `${this.#option(span)?.name ?? span.option}${polarity}: ${this.text.slice(span.start, span.end)}`;
  }

  // --- Keys and clicks in the text ---

  #onKey(event) {
    const isUndo = (event.ctrlKey || event.metaKey) && !event.altKey;
    if (isUndo && event.key.toLowerCase() === "z") return this.#took(event, () => (event.shiftKey ? this.#redo() : this.#undo()));
    if (isUndo && event.key.toLowerCase() === "y") return this.#took(event, () => this.#redo());
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !this.text.words.length) return undefined;
    const isRightToLeft = getComputedStyle(this.box).direction === "rtl";
    const last = this.text.words.length - 1;
    const moves = {
      ArrowRight: () => this.#move(this.#word + (isRightToLeft ? -1 : 1), event.shiftKey),
      ArrowLeft: () => this.#move(this.#word + (isRightToLeft ? 1 : -1), event.shiftKey),
      Home: () => this.#move(0, event.shiftKey),
      End: () => this.#move(last, event.shiftKey),
      Delete: () => this.#removeHere(),
      Backspace: () => this.#removeHere(),
      ".": () => this.#nudge(1, 1),
      ",": () => this.#nudge(1, -1),
      ">": () => this.#nudge(0, 1),
      "<": () => this.#nudge(0, -1),
    };
    const move = moves[event.key];
    return move ? this.#took(event, move) : undefined;
  }

  #took(event, act) {
    event.preventDefault();
    act();
  }

  #move(word, isExtending) {
    // The first arrow shows where the cursor stands.
    const target = this.#cursor ? word : this.#word;
    this.#word = Math.min(this.text.words.length - 1, Math.max(0, target));
    if (!isExtending) this.#anchor = this.#word;
    document.getSelection().removeAllRanges();
    this.#pick(this.#wordRange());
  }

  #nudge(side, direction) {
    const range = [...(this.#cursor ?? this.#wordRange())];
    range[side] = this.text.step(range[side], direction);
    if (range[0] < range[1]) this.#pick(range);
  }

  #pick(range) {
    this.#cursor = range;
    this.#active = null;
    this.#render();
    const here = this.spans.filter((span) => span.start < range[1] && range[0] < span.end);
    const marked = here.length ? `, marked ${here.map((span) => this.#option(span)?.name).join(", ")}` : "";
    this.say(this.text.slice(...range) + marked);
  }

  #removeHere() {
    const range = this.#selected() ?? this.#cursor;
    const touched = range ? this.spans.filter((span) => span.start < range[1] && range[0] < span.end) : [];
    const shortest = touched.sort((a, b) => a.end - a.start - (b.end - b.start))[0];
    const span = this.#active ?? shortest;
    if (span) this.#remove(span);
  }

  #onClick(event) {
    if (!document.getSelection().isCollapsed) return;
    const piece = event.target.closest("[data-start]");
    const at = piece ? Number(piece.dataset.start) : -1;
    this.#active = this.spans.findLast((span) => span.start <= at && at < span.end) ?? null;
    this.#cursor = null;
    this.#render();
    if (this.#active) this.say(this.#told(this.#active));
  }

  // --- Painting ---

  #render() {
    this.box.replaceChildren(...pieces(this.#length(), this.spans, this.#cursor).map((piece) => this.#piece(piece)));
    this.lists.replaceChildren(...[...this.questions.values()].map((question) => this.#list(question)));
    for (const field of this.root.querySelectorAll("[data-span-field]")) field.value = JSON.stringify(this.value(field.dataset.spanField));
  }

  #length() {
    return this.text.point(this.data.text.length);
  }

  #piece({ start, end, under, starting, isCursor }) {
    const text = this.text.slice(start, end);
    if (!under.length && !isCursor) return document.createTextNode(text);
    const inner = under.at(-1);
    const made = element(inner ? "mark" : "span", isCursor ? "span-cursor" : "", text);
    if (inner) {
      made.classList.add("span-piece", `option-${this.#option(inner)?.colour ?? 12}`);
      made.classList.toggle("is-deep", under.length > 1);
      made.classList.toggle("is-active", under.includes(this.#active));
      made.dataset.start = start;
    }
    if (starting.length) made.dataset.names = starting.map((span) => this.#name(span)).join(" · ");
    return made;
  }

  #name(span) {
    const sign = span.polarity ? ` ${POLARITY_SIGNS[span.polarity]}` : "";
    return (this.#option(span)?.name ?? span.option) + sign;
  }

  #list(question) {
    const list = element("ul");
    list.setAttribute("aria-label", `${question.name}: marked`);
    for (const span of this.spans.filter((each) => each.question === question.key)) list.append(this.#item(question, span));
    for (const span of this.#proposals(question)) list.append(this.#proposal(span));
    return list;
  }

  #item(question, span) {
    const item = element("li");
    const words = element("q", "", this.text.slice(span.start, span.end));
    words.dir = "auto";
    item.append(element("span", `chip option-${this.#option(span)?.colour ?? 12}`, this.#option(span)?.name ?? span.option), words);
    if (question.hasPolarity) item.append(this.#polarities(span));
    const remove = element("button", "btn btn-sm btn-quiet", "Remove");
    remove.type = "button";
    remove.setAttribute("aria-label", `Remove ${this.#told(span)}`);
    remove.addEventListener("click", () => {
      this.#remove(span);
      this.box.focus();
    });
    item.append(remove);
    return item;
  }

  #polarities(span) {
    const group = element("span", "span-polarity");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", `What it says about ${this.#option(span)?.name}`);
    for (const [polarity, word] of Object.entries(POLARITY_WORDS)) {
      const button = element("button", "", `${word} `);
      button.type = "button";
      button.append(element("kbd", "", this.data.polarityKeys[polarity]));
      button.setAttribute("aria-pressed", String(span.polarity === polarity));
      button.addEventListener("click", () => {
        this.setPolarity(polarity, span);
        this.box.focus();
      });
      group.append(button);
    }
    return group;
  }

  #proposals(question) {
    return (question.suggested ?? [])
      .map((span) => ({ polarity: "", ...span, question: question.key }))
      .filter((span) => !this.spans.some((each) => isSame(each, span)));
  }

  #proposal(span) {
    const item = element("li");
    const words = element("q", "", this.text.slice(span.start, span.end));
    words.dir = "auto";
    const take = element("button", "btn btn-sm btn-quiet", "Take it");
    take.type = "button";
    take.setAttribute("aria-label", `Take it: ${this.#told(span)}`);
    take.addEventListener("click", () => {
      const { question, start, end, option, polarity } = span;
      const taken = { question, start, end, option, polarity };
      this.#change([...this.spans, taken], taken, this.#told(taken));
      this.box.focus();
    });
    item.append(element("span", `chip chip-suggested option-${this.#option(span)?.colour ?? 12}`, `Suggested: ${this.#name(span)}`), words, take);
    return item;
  }

  // --- Values ---

  /** Return a question's spans as the API takes them. */
  value(key) {
    const { hasPolarity } = this.questions.get(key);
    return this.spans
      .filter(({ question }) => question === key)
      .map(({ start, end, option, polarity }) => ({
        start,
        end,
        text: this.text.slice(start, end),
        option,
        ...(hasPolarity ? { polarity } : {}),
      }));
  }

  /** Put spans back, as a draft kept them. */
  restore(spans) {
    this.#set(spans.filter((span) => this.questions.has(span.question) && this.#option(span)), null);
  }
}
