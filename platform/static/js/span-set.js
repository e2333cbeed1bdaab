// The spans of one review: what may be marked, what was done and can be undone. No DOM in here.

const FIELDS = ["question", "start", "end", "option", "polarity"];

export const isSame = (a, b) => a.question === b.question && a.start === b.start && a.end === b.end && a.option === b.option;
const isOver = (a, b) => a.start < b.end && b.start < a.end;
const inOrder = (spans) => [...spans].sort((a, b) => a.start - b.start || b.end - a.end || a.option.localeCompare(b.option));

/** Hold spans of { question, start, end, option, polarity }; a change answers null or why it was refused. */
export class SpanSet {
  #past = [];
  #future = [];

  constructor(text, { questions, maxSpans }) {
    this.text = text;
    this.maxSpans = maxSpans ?? Infinity;
    this.questions = new Map(questions.map((question) => [question.key, question]));
    this.spans = this.placed(questions.flatMap(({ key, spans }) => spans.map((span) => ({ ...span, question: key }))));
  }

  /** Return those that lie in the text, as this page keeps spans. */
  placed(spans) {
    const isPlaced = ({ start, end }) => Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start < end && end <= this.text.length;
    return inOrder(spans.filter(isPlaced).map((span) => Object.fromEntries(FIELDS.map((field) => [field, span[field] ?? ""]))));
  }

  // --- Words about a span ---

  option({ question, option }) {
    return this.questions.get(question).options.find(({ key }) => key === option);
  }

  name(span) {
    return this.option(span)?.name ?? span.option;
  }

  words(span) {
    return this.text.slice(span.start, span.end);
  }

  told(span) {
    return `${this.name(span)}${span.polarity ? `, ${span.polarity}` : ""}: ${this.words(span)}`;
  }

  // --- What is there ---

  of(question) {
    return this.spans.filter((span) => span.question === question);
  }

  same(span) {
    return this.spans.find((each) => isSame(each, span));
  }

  /** Return the spans that share characters with a range, shortest first. */
  touching([start, end]) {
    return this.spans.filter((span) => isOver(span, { start, end })).sort((a, b) => a.end - a.start - (b.end - b.start));
  }

  /** Return the sentence that says why a span cannot stand beside `others`, or null. */
  fault(span, others = this.spans) {
    const { name, allowsOverlap } = this.questions.get(span.question);
    if (!/\S/u.test(this.words(span))) return "Only blanks are picked. Pick at least one character.";
    const twin = others.find((each) => isSame(each, span));
    if (twin) return `Marked already: ${this.told(twin)}.`;
    const other = allowsOverlap === false && others.find((each) => each.question === span.question && isOver(each, span));
    if (other) return `Not marked: spans of ${name} may not overlap, and this one would share characters with ${this.told(other)}. Remove that one or pick other words.`;
    if (others.filter((each) => each.question === span.question).length >= this.maxSpans) return `Not marked: ${name} takes at most ${this.maxSpans} spans.`;
    return null;
  }

  // --- Changes ---

  #change(spans) {
    this.#past.push(this.spans);
    this.#future = [];
    this.spans = inOrder(spans);
    return null;
  }

  add(span) {
    return this.fault(span) ?? this.#change([...this.spans, span]);
  }

  /** Add as many as may stand, in one step; return those. */
  addAll(spans) {
    const spansNow = [...this.spans];
    const added = spans.filter((span) => this.fault(span, spansNow) === null && spansNow.push(span));
    if (added.length) this.#change(spansNow);
    return added;
  }

  remove(span) {
    return this.#change(this.spans.filter((each) => each !== span));
  }

  replace(span, changed) {
    const others = this.spans.filter((each) => each !== span);
    return this.fault(changed, others) ?? this.#change([...others, changed]);
  }

  /** Return new spans for what reads like `span` and has not been marked with its option. */
  alike(span, how) {
    const { question, option } = span;
    return this.text
      .occurrences([span.start, span.end], how)
      .map(([start, end]) => ({ question, start, end, option, polarity: "" }))
      .filter((found) => !this.spans.some((each) => each.question === question && each.option === option && isOver(each, found)));
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  undo() {
    if (!this.canUndo) return false;
    this.#future.push(this.spans);
    this.spans = this.#past.pop();
    return true;
  }

  redo() {
    if (!this.canRedo) return false;
    this.#past.push(this.spans);
    this.spans = this.#future.pop();
    return true;
  }

  /** Put other spans in the place of all, as a draft kept them; what no longer fits is left out. */
  restore(spans) {
    this.spans = this.placed(spans.filter((span) => this.questions.has(span.question) && this.option(span)));
  }
}
