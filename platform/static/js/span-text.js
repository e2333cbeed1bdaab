// What a text is made of: code points (as the server counts), words, graphemes, lines. No DOM in here.

const BLOCK = 1000;
const MAX_BLOCK = 2000;
const RIGHT_TO_LEFT =
  "\\u0590-\\u08ff\\u200f\\u202b\\u202e\\u2067\\ufb1d-\\ufdff\\ufe70-\\ufefc\\u{10800}-\\u{10fff}\\u{1e800}-\\u{1efff}";
const HAS_RIGHT_TO_LEFT = new RegExp(`[${RIGHT_TO_LEFT}]`, "u");
const IS_STRONG = new RegExp(`[${RIGHT_TO_LEFT}]|\\p{L}`, "u");
const SYNTAX = /[\^$\\.*+?()[\]{}|/]/g;

/** Return the first index whose value is at least `wanted`; `values` rise. */
function lowerBound(length, value, wanted) {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value(middle) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index `text`; offsets called `unit` are JavaScript's UTF-16, the others code points. */
export class SpanText {
  #unitOf = [];
  #graphemes;

  constructor(text) {
    this.text = text;
    let unit = 0;
    for (const point of text) {
      this.#unitOf.push(unit);
      unit += point.length;
    }
    this.#unitOf.push(unit);
    this.length = this.#unitOf.length - 1;
    this.#graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(text);
    this.words = this.#wordRanges();
    this.isMixed = HAS_RIGHT_TO_LEFT.test(text);
  }

  /** Return the words as ranges; an edge that would cut a grapheme is none. */
  #wordRanges() {
    const words = [];
    let start = 0;
    const close = (end) => {
      if (/\S/u.test(this.text.slice(start, end))) words.push(this.toPoints([start, end]));
      start = end;
    };
    for (const { index } of new Intl.Segmenter(undefined, { granularity: "word" }).segment(this.text)) {
      if (index && this.#isEdge(index)) close(index);
    }
    close(this.text.length);
    return words;
  }

  // --- Offsets ---

  unit(point) {
    return this.#unitOf[point];
  }

  point(unit) {
    return Math.min(this.length, lowerBound(this.#unitOf.length, (at) => this.#unitOf[at], unit));
  }

  toPoints([start, end]) {
    return [this.point(start), this.point(end)];
  }

  slice(start, end) {
    return this.text.slice(this.unit(start), this.unit(end));
  }

  // --- Graphemes ---

  #isEdge(unit) {
    return unit >= this.text.length || this.#graphemes.containing(unit).index === unit;
  }

  #before(unit) {
    return this.#graphemes.containing(unit)?.index ?? this.text.length;
  }

  #behind(unit) {
    const { index, segment } = this.#graphemes.containing(unit);
    return index + segment.length;
  }

  /** Trim blanks and widen to whole graphemes; null when nothing is left. Units in, points out. */
  snap([from, to]) {
    let start = from;
    let end = to;
    while (start < end && /\s/u.test(this.text[start])) start += 1;
    while (end > start && /\s/u.test(this.text[end - 1])) end -= 1;
    if (start === end) return null;
    return this.toPoints([this.#before(start), this.#behind(end - 1)]);
  }

  /** Return the grapheme edge that lies nearest to a unit, as a point. */
  nearest(unit) {
    if (this.#isEdge(unit)) return this.point(unit);
    const [before, behind] = [this.#before(unit), this.#behind(unit)];
    return this.point(unit - before < behind - unit ? before : behind);
  }

  /** Return the grapheme edge before (-1) or behind (1) a point. */
  step(point, direction) {
    const unit = this.unit(point);
    if (direction > 0) return unit < this.text.length ? this.point(this.#behind(unit)) : point;
    return unit > 0 ? this.point(this.#before(unit - 1)) : point;
  }

  // --- Words ---

  /** Return the index of the word that holds a point, or of the next one behind it. */
  wordAt(point) {
    return Math.min(this.words.length - 1, lowerBound(this.words.length, (at) => this.words[at][1], point + 1));
  }

  /** Return the next edge of a word: of starts (side 0) or ends (side 1), forward or back. */
  stepWord(point, side, direction) {
    const edge = (at) => this.words[at][side];
    const found = direction > 0 ? lowerBound(this.words.length, edge, point + 1) : lowerBound(this.words.length, edge, point) - 1;
    return this.words[found]?.[side] ?? point;
  }

  #isWhole([start, end]) {
    const isInside = (point) => {
      const [from, to] = this.words[this.wordAt(point)];
      return from < point && point < to;
    };
    return !isInside(start) && !isInside(end);
  }

  /**
   * Return every range that reads like this one. Case does not matter unless `isExact`; one of whole
   * words is looked for as whole words unless `isPart`.
   */
  occurrences(range, { isExact = false, isPart = false } = {}) {
    const words = this.slice(...range).trim().split(/\s+/u);
    const pattern = words.map((word) => word.replace(SYNTAX, "\\$&")).join("\\s+");
    const isOfWords = !isPart && this.#isWhole(range);
    return [...this.text.matchAll(new RegExp(pattern, isExact ? "gu" : "giu"))]
      .map(({ index, 0: found }) => [index, index + found.length])
      .filter(([start, end]) => this.#isEdge(start) && this.#isEdge(end))
      .map((found) => this.toPoints(found))
      .filter((found) => !isOfWords || this.#isWhole(found));
  }

  // --- Lines and directions ---

  /** Tell whether what stands at a point runs to the left: its own letter's way, else its paragraph's. */
  isLeftward(point) {
    const letter = this.slice(point, point + 1);
    if (/\p{Nd}/u.test(letter)) return false;
    return IS_STRONG.test(letter) ? HAS_RIGHT_TO_LEFT.test(letter) : this.isLeftwardParagraph(point);
  }

  /** Tell whether the paragraph around a point runs to the left: the way of its first letter. */
  isLeftwardParagraph(point) {
    const unit = this.unit(point);
    const end = this.text.indexOf("\n", unit);
    const start = unit ? this.text.lastIndexOf("\n", unit - 1) + 1 : 0;
    const first = this.text.slice(start, end < 0 ? undefined : end).match(IS_STRONG);
    return first !== null && HAS_RIGHT_TO_LEFT.test(first[0]);
  }

  /**
   * Cut the text into what is painted as one block: whole lines of about a thousand characters. A
   * longer line is cut behind a sentence; its parts keep its direction.
   */
  blocks() {
    const blocks = [];
    let start = 0;
    while (start < this.text.length) {
      const isContinued = start > 0 && this.text[start - 1] !== "\n";
      const end = this.#blockEnd(start, isContinued);
      const isCut = this.text[end - 1] !== "\n" && end < this.text.length;
      const [from, to] = this.toPoints([start, end]);
      blocks.push({ start: from, end: to, direction: isContinued || isCut ? this.#direction(from) : "" });
      start = end;
    }
    return blocks;
  }

  #direction(point) {
    return this.isLeftwardParagraph(point) ? "rtl" : "ltr";
  }

  #blockEnd(start, isContinued) {
    const { text } = this;
    const limit = start + MAX_BLOCK;
    const feed = text.indexOf("\n", isContinued ? start : start + BLOCK);
    if (feed >= 0 && feed < limit) return feed + 1;
    if (limit >= text.length) return text.length;
    const last = text.lastIndexOf("\n", limit);
    if (last >= start) return last + 1;
    const part = text.slice(start + BLOCK, limit);
    const found = part.match(/[.!?]\s+(?=\S)/u) ?? part.match(/\s+(?=\S)/u);
    return found ? start + BLOCK + found.index + found[0].length : this.#before(limit);
  }
}

/** Give every span the lowest lane that no span before it takes at the same place. */
export function lanes(spans) {
  const taken = [];
  const lane = new Map();
  for (const span of [...spans].sort((a, b) => a.start - b.start || b.end - a.end)) {
    const free = taken.findIndex((end) => end <= span.start);
    const at = free < 0 ? taken.length : free;
    taken[at] = span.end;
    lane.set(span, at);
  }
  return lane;
}

/** Cut a range of the text wherever a span or the cursor begins or ends; spans come innermost last. */
export function pieces([from, to], spans, cursor) {
  const outerFirst = spans.filter((span) => span.start < to && from < span.end).sort((a, b) => a.start - b.start || b.end - a.end);
  const edges = new Set([from, to]);
  for (const edge of [...outerFirst.flatMap(({ start, end }) => [start, end]), ...(cursor ?? [])]) {
    if (from < edge && edge < to) edges.add(edge);
  }
  const cuts = [...edges].sort((a, b) => a - b);
  let under = [];
  let next = 0;
  return cuts.slice(0, -1).map((start, index) => {
    const end = cuts[index + 1];
    under = under.filter((span) => span.end > start);
    while (next < outerFirst.length && outerFirst[next].start <= start) {
      under.push(outerFirst[next]);
      next += 1;
    }
    return {
      start,
      end,
      under: [...under],
      starting: under.filter((span) => span.start === start),
      isCursor: cursor !== null && cursor[0] <= start && end <= cursor[1],
    };
  });
}
