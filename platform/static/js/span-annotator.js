// Marks spans in a review's text by mouse, keyboard or touch: any script and direction, overlapping
// where the question allows it. Spans are { question, start, end, option, polarity } in code points.
import { SpanBar } from "./span-bar.js";
import { SpanList } from "./span-list.js";
import { SpanSet } from "./span-set.js";
import { SpanText } from "./span-text.js";
import { SpanTools } from "./span-tools.js";
import { SpanView } from "./span-view.js";

const PICK_FIRST = "Pick words in the text first: with the mouse or a finger, or with the arrow keys.";
const MARK_FIRST = "Mark these words with an option first; then all others like them can be marked.";
const isField = (target) => target.closest("input:not([type=checkbox], [type=radio]), textarea, select") !== null;

export class SpanAnnotator {
  #word = 0;
  #anchor = 0;
  /** What the arrow keys picked, and what was selected when a button was pressed. */
  #cursor = null;
  #held = null;
  /** The span that polarity, resizing and "all like it" are about. */
  #active = null;
  #hasDragged = false;

  /** `root` holds the text, the lists, the fields and the option buttons; `say` tells screen readers. */
  constructor(root, data, { say, onChange }) {
    this.root = root;
    this.box = root.querySelector("[data-span-text]");
    this.data = data;
    this.say = say;
    this.onChange = onChange;
    this.text = new SpanText(data.text);
    this.set = new SpanSet(this.text, data);
    this.view = new SpanView(this.box, this.set);
    const lists = root.querySelector("[data-span-lists]");
    lists.replaceChildren();
    const hasProposals = data.questions.some(({ suggested }) => suggested?.length);
    this.tools = new SpanTools(lists, data, hasProposals);
    this.list = new SpanList(lists, this.set, data);
    this.bar = new SpanBar(root, this.set, data);
    this.#prepare();
    this.#render();
  }

  get spans() {
    return this.set.spans;
  }

  #prepare() {
    this.box.tabIndex = 0;
    this.box.setAttribute("role", "group");
    this.box.setAttribute("aria-label", "Review text");
    this.box.setAttribute("aria-describedby", this.tools.describe());
    this.box.addEventListener("keydown", (event) => this.#onKey(event));
    this.box.addEventListener("click", (event) => this.#onClick(event));
    this.root.addEventListener("keydown", (event) => this.#onUndoKey(event));
    this.root.addEventListener("pointerdown", (event) => this.#onPress(event));
    this.root.addEventListener("click", (event) => this.#onButton(event));
    new ResizeObserver(() => this.view.placeHandles(this.#active)).observe(this.box);
    const onSelection = () => {
      if (!this.box.isConnected) return document.removeEventListener("selectionchange", onSelection);
      return this.#showBar();
    };
    document.addEventListener("selectionchange", onSelection);
  }

  // --- What is picked ---

  #selected() {
    const selection = document.getSelection();
    if (!selection.rangeCount || selection.isCollapsed) return null;
    const range = selection.getRangeAt(0);
    if (!this.box.contains(range.startContainer) || !this.box.contains(range.endContainer)) return null;
    return this.text.snap([
      this.view.unitAt(range.startContainer, range.startOffset),
      this.view.unitAt(range.endContainer, range.endOffset),
    ]);
  }

  #picked() {
    return this.#selected() ?? this.#held ?? this.#cursor;
  }

  #wordRange() {
    const [first, last] = [this.#word, this.#anchor].sort((a, b) => a - b);
    return [this.text.words[first][0], this.text.words[last][1]];
  }

  #pick(range) {
    this.#cursor = range;
    this.#active = null;
    this.#render();
    this.view.show(range);
    const here = this.set.touching(range).map((span) => this.set.name(span));
    this.say(this.text.slice(...range) + (here.length ? `, marked ${here.join(", ")}` : ""));
  }

  #activate(span) {
    this.#active = span;
    this.#cursor = null;
    this.#standOn([span.start, span.end]);
    this.#render();
  }

  /** Let the arrow keys go on from here. */
  #standOn([start, end]) {
    this.#word = this.text.wordAt(end - 1);
    this.#anchor = this.text.wordAt(start);
  }

  #clear() {
    document.getSelection().removeAllRanges();
    this.#cursor = null;
    this.#active = null;
    this.#render();
  }

  // --- Changes ---

  /** Mark what is picked with an option; what is marked so already is taken away. */
  mark(question, option) {
    const range = this.#picked();
    this.#held = null;
    if (!range) return this.#active ? this.#changeOption(question, option) : this.say(PICK_FIRST);
    const span = { question, start: range[0], end: range[1], option, polarity: "" };
    document.getSelection().removeAllRanges();
    if (this.text.words.length) this.#standOn(range);
    const same = this.set.same(span);
    return same ? this.#remove(same) : this.#added(span);
  }

  #added(span) {
    return this.#changed(this.set.add(span), span, this.set.told(span));
  }

  #changeOption(question, option) {
    const changed = { ...this.#active, question, option };
    if (question !== this.#active.question) return this.#added({ ...changed, polarity: "" });
    return this.#changed(this.set.replace(this.#active, changed), changed, this.set.told(changed));
  }

  /** Show a change, or say why it was refused. */
  #changed(fault, active, words) {
    if (fault) {
      this.#render();
      return this.say(fault);
    }
    this.#active = active;
    this.#render();
    this.onChange();
    return this.say(words);
  }

  /** Say what the active span says about its option; the same again takes it back. */
  setPolarity(polarity, span = this.#active) {
    if (!span || !this.set.questions.get(span.question).hasPolarity) return false;
    const changed = { ...span, polarity: span.polarity === polarity ? "" : polarity };
    this.#changed(this.set.replace(span, changed), changed, this.set.told(changed));
    return true;
  }

  #remove(span) {
    return this.#changed(this.set.remove(span), null, `Removed ${this.set.told(span)}`);
  }

  #removeHere() {
    const range = this.#picked();
    const span = this.#active ?? (range && this.set.touching(range)[0]);
    if (span) this.#remove(span);
  }

  /** Mark every place that reads like the active span, where that is not marked so yet. */
  markAlike() {
    const range = this.#picked();
    const span = this.#active ?? this.spans.find(({ start, end }) => range && start === range[0] && end === range[1]);
    if (!span) return this.say(range ? MARK_FIRST : PICK_FIRST);
    const found = this.set.alike(span, this.tools.how());
    const added = this.set.addAll(found);
    const left = found.length - added.length;
    const said = added.length ? `${this.set.name(span)}: ${added.length} more marked` : `No other “${this.set.words(span)}” to mark`;
    return this.#changed(null, span, `${said}${left ? `; ${left} left out, because they would overlap or be too many` : ""}.`);
  }

  /** Take every proposal that may stand beside what is marked; return how many. */
  takeProposals() {
    const proposed = this.#proposed();
    const taken = this.set.addAll(proposed.map((span) => this.#plain(span)));
    this.#changed(null, null, `${taken.length} of ${proposed.length} suggested spans taken.`);
    return taken.length;
  }

  /** Return every proposal that has not been taken. */
  #proposed() {
    return [...this.set.questions.keys()].flatMap((question) => this.list.proposals(question));
  }

  #plain({ question, start, end, option, polarity }) {
    return { question, start, end, option, polarity };
  }

  #undo() {
    return this.set.undo() ? this.#changed(null, null, "Undone.") : this.say("Nothing to undo.");
  }

  #redo() {
    return this.set.redo() ? this.#changed(null, null, "Done again.") : this.say("Nothing to redo.");
  }

  // --- Moving the ends of a span ---

  #resize(side, point) {
    const span = this.#active;
    const changed = { ...span, [side]: point };
    if (changed.start >= changed.end) return this.say("A span has at least one character.");
    if (point === span[side]) return undefined;
    this.#cursor = null;
    return this.#changed(this.set.replace(span, changed), changed, this.set.told(changed));
  }

  /** Move an end by one grapheme: of the active span, else of what is picked. */
  #nudge(side, direction) {
    if (this.#active) return this.#resize(side, this.text.step(this.#active[side], direction));
    const range = [...(this.#picked() ?? this.#wordRange())];
    const at = side === "start" ? 0 : 1;
    range[at] = this.text.step(range[at], direction);
    document.getSelection().removeAllRanges();
    return range[0] < range[1] ? this.#pick(range) : undefined;
  }

  #resizeByWord(side, towards) {
    const point = this.#active[side];
    const isLeftward = this.text.isLeftward(side === "start" ? point : point - 1);
    const direction = isLeftward ? -towards : towards;
    return this.#resize(side, this.text.stepWord(point, side === "start" ? 0 : 1, direction));
  }

  #drag(event) {
    const side = event.target.dataset.spanHandle;
    const { top, height } = event.target.getBoundingClientRect();
    const above = event.clientY - (top + height / 2);
    const end = new AbortController();
    let point = this.#active[side];
    event.preventDefault();
    this.box.classList.add("is-dragging");
    const finish = (act) => () => {
      end.abort();
      this.box.classList.remove("is-dragging");
      this.view.preview(null);
      this.#hasDragged = true;
      act();
    };
    const follow = ({ clientX, clientY }) => {
      const unit = this.view.unitFrom(clientX, clientY - above);
      if (unit === null) return;
      const moved = this.text.nearest(unit);
      const { start, end: stop } = { ...this.#active, [side]: moved };
      if (start >= stop) return;
      point = moved;
      this.view.preview([start, stop]);
    };
    document.addEventListener("pointermove", follow, { signal: end.signal });
    document.addEventListener("pointerup", finish(() => this.#resize(side, point)), { signal: end.signal });
    document.addEventListener("pointercancel", finish(() => {}), { signal: end.signal });
  }

  // --- Keys ---

  #onUndoKey(event) {
    const key = event.key.toLowerCase();
    if (!(event.ctrlKey || event.metaKey) || event.altKey || isField(event.target) || !["z", "y"].includes(key)) return;
    this.#took(event, () => (key === "y" || event.shiftKey ? this.#redo() : this.#undo()));
  }

  #onKey(event) {
    if (event.metaKey || event.altKey || event.isComposing || !this.text.words.length) return undefined;
    const act = event.ctrlKey ? this.#controlKey(event) : this.#plainKey(event);
    return act ? this.#took(event, act) : undefined;
  }

  #controlKey({ key, shiftKey }) {
    if (!shiftKey || !this.#active || !["ArrowRight", "ArrowLeft"].includes(key)) return undefined;
    return () => this.#resizeByWord("start", key === "ArrowRight" ? 1 : -1);
  }

  #plainKey({ key, shiftKey }) {
    const isResizing = shiftKey && this.#active;
    const across = (towards) => () => (isResizing ? this.#resizeByWord("end", towards) : this.#move(this.#beside(towards), shiftKey));
    return {
      ArrowRight: across(1),
      ArrowLeft: across(-1),
      ArrowDown: () => this.#move(this.#below(1), shiftKey),
      ArrowUp: () => this.#move(this.#below(-1), shiftKey),
      Home: () => this.#move(0, shiftKey),
      End: () => this.#move(this.text.words.length - 1, shiftKey),
      Delete: () => this.#removeHere(),
      Backspace: () => this.#removeHere(),
      Escape: () => this.#clear(),
      ".": () => this.#nudge("end", 1),
      ",": () => this.#nudge("end", -1),
      ">": () => this.#nudge("start", 1),
      "<": () => this.#nudge("start", -1),
    }[key];
  }

  #took(event, act) {
    event.preventDefault();
    act();
  }

  #move(word, isExtending) {
    const selected = this.#selected();
    // Go on from what the mouse selected; else the first arrow shows where the cursor stands.
    if (selected) this.#standOn(selected);
    else if (this.#cursor || this.#active) this.#word = Math.min(this.text.words.length - 1, Math.max(0, word));
    if (!isExtending) this.#anchor = this.#word;
    document.getSelection().removeAllRanges();
    this.#pick(this.#wordRange());
  }

  /** Return the word that is seen to the right (1) or left (-1), past the end of a line the next. */
  #beside(towards) {
    if (!this.text.isMixed) return this.#word + towards;
    const line = this.view.line(this.#word);
    const beside = line[line.findIndex(({ word }) => word === this.#word) + towards];
    if (beside) return beside.word;
    const isForward = this.text.isLeftwardParagraph(this.text.words[this.#word][0]) !== towards > 0;
    const next = this.#lineFrom(line, isForward ? 1 : -1);
    return (towards > 0 ? next[0] : next.at(-1))?.word ?? this.#word;
  }

  /** Return the word that is seen below (1) or above (-1). */
  #below(direction) {
    const line = this.view.line(this.#word);
    const { left } = line.find(({ word }) => word === this.#word);
    const next = this.#lineFrom(line, direction).sort((a, b) => Math.abs(a.left - left) - Math.abs(b.left - left));
    return next[0]?.word ?? this.#word;
  }

  #lineFrom(line, direction) {
    const words = line.map(({ word }) => word);
    const next = direction > 0 ? Math.max(...words) + 1 : Math.min(...words) - 1;
    return this.text.words[next] ? this.view.line(next) : [];
  }

  // --- Pointer ---

  #onPress(event) {
    this.#hasDragged = false;
    if (event.pointerType === "touch") this.bar.build();
    if (event.target.matches("[data-span-handle]")) return this.#drag(event);
    const isOption = event.target.closest("[data-span-option], [data-span-bar], [data-span-act=alike]");
    this.#held = isOption ? this.#selected() : null;
    // The buttons act on what is selected in the text: pressing one must not clear it.
    if (isOption) event.preventDefault();
    return undefined;
  }

  #onButton(event) {
    const option = event.target.closest("[data-span-option]");
    const act = event.target.closest("[data-span-act]");
    if (option) {
      this.mark(option.dataset.spanQuestion, option.dataset.spanOption);
      if (event.shiftKey && this.#active) this.markAlike();
    } else if (act) {
      this.#act(act, event);
    }
  }

  #act(target, event) {
    const span = this.list.spanOf(target) ?? this.#active;
    const index = this.list.indexOf(span);
    const acts = {
      undo: () => this.#undo(),
      redo: () => this.#redo(),
      alike: () => this.markAlike(),
      proposals: () => this.takeProposals(),
      clear: () => this.#clear(),
      polarity: () => this.setPolarity(target.dataset.polarity, span),
      remove: () => this.#remove(span),
      take: () => this.#added(this.#plain(span)),
      pick: () => this.#choose(span),
    };
    acts[target.dataset.spanAct]();
    this.#refocus(target, event, index);
  }

  /** Leave the focus where keys go on: in the list for who uses keys there, else in the text. */
  #refocus(target, event, index) {
    const isByKey = event.detail === 0 && event.pointerType !== "touch";
    const isGone = !target.isConnected || target.disabled;
    if (isByKey && !isGone && target.dataset.spanAct !== "pick") return;
    if (isByKey && isGone && this.list.focus(index, target.dataset.spanAct)) return;
    this.box.focus({ preventScroll: true });
  }

  #choose(span) {
    document.getSelection().removeAllRanges();
    this.#activate(span);
    this.view.show([span.start, span.end]);
    this.say(`Picked ${this.set.told(span)}`);
  }

  #onClick(event) {
    if (this.#hasDragged || !document.getSelection().isCollapsed) return;
    const at = Number(event.target.closest("[data-start]")?.dataset.start ?? -1);
    const here = this.set.touching([at, at + 1]);
    // The innermost first; again, the one around it.
    const span = here[(here.indexOf(this.#active) + 1) % here.length];
    if (span) return this.#choose(span);
    this.#cursor = null;
    this.#active = null;
    const { anchorNode, anchorOffset } = document.getSelection();
    if (this.text.words.length && this.box.contains(anchorNode)) {
      this.#word = this.text.wordAt(this.text.point(this.view.unitAt(anchorNode, anchorOffset)));
      this.#anchor = this.#word;
    }
    return this.#render();
  }

  // --- Painting and values ---

  #render() {
    const state = { cursor: this.#cursor, active: this.#active, proposed: this.#proposed() };
    this.view.paint(state);
    this.list.paint(state);
    this.tools.paint(this.set, state.proposed.length);
    this.#showBar();
    for (const field of this.root.querySelectorAll("[data-span-field]")) field.value = JSON.stringify(this.value(field.dataset.spanField));
  }

  #showBar() {
    this.bar.paint({ isPicking: this.#selected() !== null, active: this.#active });
  }

  /** Return a question's spans as the API takes them. */
  value(key) {
    const { hasPolarity } = this.set.questions.get(key);
    return this.set.of(key).map(({ start, end, option, polarity }) => ({
      start,
      end,
      text: this.text.slice(start, end),
      option,
      ...(hasPolarity ? { polarity } : {}),
    }));
  }

  /** Put spans back, as a draft kept them. */
  restore(spans) {
    this.set.restore(spans);
    this.#changed(null, null, "");
  }
}
