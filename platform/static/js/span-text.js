// What a text is made of: code points (as the server counts), words and graphemes. No DOM in here.

function starts(text, granularity) {
  return [...new Intl.Segmenter(undefined, { granularity }).segment(text)];
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
    this.#graphemes = [...starts(text, "grapheme").map(({ index }) => index), text.length];
    this.words = starts(text, "word")
      .filter(({ segment }) => /\S/u.test(segment))
      .map(({ index, segment }) => this.toPoints([index, index + segment.length]));
  }

  unit(point) {
    return this.#unitOf[point];
  }

  point(unit) {
    let low = 0;
    let high = this.#unitOf.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#unitOf[middle] < unit) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  toPoints([start, end]) {
    return [this.point(start), this.point(end)];
  }

  slice(start, end) {
    return this.text.slice(this.unit(start), this.unit(end));
  }

  /** Trim blanks and widen to whole graphemes; null when nothing is left. Units in, points out. */
  snap([from, to]) {
    let start = from;
    let end = to;
    while (start < end && /\s/u.test(this.text[start])) start += 1;
    while (end > start && /\s/u.test(this.text[end - 1])) end -= 1;
    if (start === end) return null;
    start = this.#graphemes.findLast((edge) => edge <= start);
    end = this.#graphemes.find((edge) => edge >= end);
    return this.toPoints([start, end]);
  }

  /** Return the grapheme edge before (-1) or behind (1) a point. */
  step(point, direction) {
    const unit = this.unit(point);
    const edge =
      direction > 0
        ? this.#graphemes.find((each) => each > unit)
        : this.#graphemes.findLast((each) => each < unit);
    return edge === undefined ? point : this.point(edge);
  }
}

/** Cut the text wherever a span or the cursor begins or ends; spans come innermost last. */
export function pieces(length, spans, cursor) {
  const edges = new Set([0, length, ...(cursor ?? [])]);
  for (const { start, end } of spans) edges.add(start).add(end);
  const cuts = [...edges].sort((a, b) => a - b);
  const outerFirst = [...spans].sort((a, b) => a.start - b.start || b.end - a.end);
  return cuts.slice(0, -1).map((start, index) => {
    const end = cuts[index + 1];
    return {
      start,
      end,
      under: outerFirst.filter((span) => span.start <= start && end <= span.end),
      starting: outerFirst.filter((span) => span.start === start),
      isCursor: cursor !== null && cursor[0] <= start && end <= cursor[1],
    };
  });
}
