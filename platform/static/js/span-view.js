// Paints a text with its spans, and tells where things are on the screen. Only what changed is
// painted anew, so that a long text stays quick.
import { lanes, pieces } from "./span-text.js";

const POLARITY_SIGNS = { negative: "−", neutral: "=", positive: "+" };
const MAX_LANE = 3;

export function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Return what is printed under a span and read in the list. */
export function label(set, span) {
  return set.name(span) + (span.polarity ? ` ${POLARITY_SIGNS[span.polarity]}` : "");
}

/** Put `wanted` in the place of a parent's children, touching only those between the equal ends. */
function patch(parent, before, wanted, make) {
  let head = 0;
  while (head < before.length && head < wanted.length && before[head] === wanted[head]) head += 1;
  let tail = 0;
  while (tail < before.length - head && tail < wanted.length - head && before.at(-1 - tail) === wanted.at(-1 - tail)) tail += 1;
  if (head === before.length && head === wanted.length) return;
  const gone = [...parent.childNodes].slice(head, before.length - tail);
  const follower = parent.childNodes[before.length - tail] ?? null;
  for (let index = head; index < wanted.length - tail; index += 1) parent.insertBefore(make(index), follower);
  for (const node of gone) node.remove();
}

export class SpanView {
  #blocks;
  #handles;

  constructor(box, set) {
    this.box = box;
    this.set = set;
    this.text = set.text;
    this.#blocks = this.text.blocks().map((block) => ({ ...block, keys: [], node: element("div", "span-block") }));
    for (const { node, direction } of this.#blocks) if (direction) node.dir = direction;
    this.#handles = ["start", "end"].map((side) => this.#handle(side));
    box.replaceChildren(...this.#blocks.map(({ node }) => node), ...this.#handles);
  }

  #handle(side) {
    const made = element("span", "span-handle");
    made.dataset.spanHandle = side;
    made.setAttribute("aria-hidden", "true");
    made.hidden = true;
    return made;
  }

  // --- Painting ---

  /** Show the spans, those that a model proposes, the picked range and the chosen span. */
  paint({ cursor, active, proposed }) {
    const all = [...this.set.spans, ...proposed];
    const state = { cursor, active, all, proposed: new Set(proposed), lane: lanes(all) };
    for (const block of this.#blocks) this.#paintBlock(block, state);
    this.placeHandles(active);
  }

  #paintBlock(block, state) {
    const cut = pieces([block.start, block.end], state.all, state.cursor);
    const looks = cut.map((piece) => this.#look(piece, state));
    const keys = looks.map((look) => JSON.stringify(look));
    patch(block.node, block.keys, keys, (index) => this.#node(looks[index]));
    block.keys = keys;
  }

  /** Describe a piece as plain data: two that read the same look the same. */
  #look({ start, end, under, starting, isCursor }, { active, lane, proposed }) {
    return {
      start,
      end,
      isCursor,
      marks: under.map((span) => [this.set.option(span)?.colour ?? 12, Math.min(MAX_LANE, lane.get(span)), span === active, proposed.has(span)]),
      names: starting.map((span) => label(this.set, span) + (proposed.has(span) ? "?" : "")).join(" · "),
      told: starting.map((span) => (proposed.has(span) ? "suggested: " : "") + label(this.set, span)).join(" · "),
      named: under.length - starting.length,
    };
  }

  #node({ start, end, isCursor, marks, names, told, named }) {
    const text = this.text.slice(start, end);
    if (!marks.length && !isCursor) return document.createTextNode(text);
    const made = marks.map(([colour, lane, isActive, isProposed]) => {
      const mark = element("mark", `span-piece option-${colour} span-lane-${lane}`);
      mark.classList.toggle("is-active", isActive);
      mark.classList.toggle("is-suggested", isProposed);
      return mark;
    });
    if (isCursor) made.push(element("span", "span-cursor"));
    made.reduce((outer, inner) => (outer.append(inner), inner));
    made.at(-1).textContent = text;
    made[0].dataset.start = start;
    if (names) {
      made[named].dataset.names = names;
      made[named].setAttribute("aria-description", told);
    }
    return made[0];
  }

  // --- From the screen to the text ---

  /** Return the unit at a place in the document inside the box. */
  unitAt(node, offset) {
    const at = this.#blocks.findIndex((block) => block.node.contains(node));
    // Between blocks a place is given by the number of the child that follows.
    if (at < 0) return this.text.unit(this.#blocks[offset]?.start ?? this.text.length);
    const before = document.createRange();
    before.selectNodeContents(this.#blocks[at].node);
    before.setEnd(node, offset);
    return this.text.unit(this.#blocks[at].start) + before.toString().length;
  }

  /** Return the unit under a place on the screen, or null beside the text. */
  unitFrom(x, y) {
    const [node, offset] = caretAt(x, y);
    return node && this.box.contains(node) ? this.unitAt(node, offset) : null;
  }

  // --- From the text to the screen ---

  #place(point) {
    const block = this.#blocks.find(({ end }) => point < end) ?? this.#blocks.at(-1);
    let left = this.text.unit(point) - this.text.unit(block.start);
    const walker = document.createTreeWalker(block.node, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      if (left < walker.currentNode.length) return [walker.currentNode, left];
      left -= walker.currentNode.length;
    }
    return [walker.currentNode, walker.currentNode.length ?? 0];
  }

  /** Return the range of the document that holds these points. */
  range([start, end]) {
    const range = document.createRange();
    range.setStart(...this.#place(start));
    const [node, offset] = this.#place(end - 1);
    range.setEnd(node, offset + this.text.slice(end - 1, end).length);
    return range;
  }

  /** Return where the words stand that share a line with this one, from left to right. */
  line(word) {
    const middle = this.#at(word);
    const words = [{ word, ...middle }];
    const isHere = (found) => found && found.top < middle.bottom && middle.top < found.bottom;
    for (const direction of [-1, 1]) {
      for (let next = word + direction; ; next += direction) {
        const found = this.text.words[next] && this.#at(next);
        if (!isHere(found)) break;
        words.push({ word: next, ...found });
      }
    }
    return words.sort((a, b) => a.left - b.left);
  }

  #at(word) {
    const { left, right, top, bottom } = this.range(this.text.words[word]).getClientRects()[0];
    const quarter = (bottom - top) / 4; // neighbouring lines may touch
    return { left, right, top: top + quarter, bottom: bottom - quarter };
  }

  /** Bring a range into view. */
  show(range) {
    const { top, bottom } = this.range(range).getBoundingClientRect();
    const [start] = this.#place(range[0]);
    const scroller = this.box.closest(".label-text");
    const frame = scroller && scroller.scrollHeight > scroller.clientHeight ? scroller.getBoundingClientRect() : { top: 0, bottom: innerHeight };
    if (top < Math.max(0, frame.top) || bottom > Math.min(innerHeight, frame.bottom)) start.parentElement.scrollIntoView({ block: "nearest" });
  }

  /** Put the handles to the ends of a span; without one they are away. */
  placeHandles(span) {
    for (const handle of this.#handles) handle.hidden = !span;
    if (!span) return;
    const home = this.box.getBoundingClientRect();
    const first = this.#edge(span.start, this.text.step(span.start, 1), false);
    const last = this.#edge(this.text.step(span.end, -1), span.end, true);
    for (const [handle, { x, top, height }] of [[this.#handles[0], first], [this.#handles[1], last]]) {
      handle.style.left = `${x - home.left}px`;
      handle.style.top = `${top - home.top}px`;
      handle.style.height = `${height}px`;
    }
  }

  /** Return the side of a grapheme: where it begins or where it ends, as it is written. */
  #edge(start, end, isEnd) {
    const { left, right, top, height } = this.range([start, end]).getBoundingClientRect();
    return { x: this.text.isLeftward(start) === isEnd ? left : right, top, height };
  }

  /** Show what a drag would mark, without touching the text. */
  preview(range) {
    if (!("highlights" in CSS)) return;
    if (range) CSS.highlights.set("span-drag", new Highlight(this.range(range)));
    else CSS.highlights.delete("span-drag");
  }
}

function caretAt(x, y) {
  if (document.caretPositionFromPoint) {
    const found = document.caretPositionFromPoint(x, y);
    return found ? [found.offsetNode, found.offset] : [];
  }
  const range = document.caretRangeFromPoint(x, y);
  return range ? [range.startContainer, range.startOffset] : [];
}
