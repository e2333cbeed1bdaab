// The reviews that come next, fetched before they are asked for.
import { csrfToken } from "./htmx-csrf.js";

/** Below this many the page asks for more. */
const ENOUGH = 4;

/** A review with its form, as nodes that are not on the page yet. */
export class Work {
  constructor(nodes) {
    this.nodes = nodes;
    this.form = nodes.find((node) => node.matches?.("[data-label-form]")) ?? null;
    this.spans = null;
    this.isPrepared = false;
  }

  get assignment() {
    return this.form?.dataset.assignment ?? "";
  }

  find(selector) {
    for (const node of this.nodes) {
      if (node.matches?.(selector)) return node;
      const found = node.querySelector?.(selector);
      if (found) return found;
    }
    return null;
  }
}

/** Make a Work of HTML that the server sent. */
export function workOf(html) {
  return new Work([...new DOMParser().parseFromString(html, "text/html").body.children].map((node) => document.adoptNode(node)));
}

export class Ahead {
  #works = [];
  #asking = null;

  /** `isUsed` tells whether an assignment is on the page or in the outbox; `onFresh` gets the progress. */
  constructor(url, { isUsed, onFresh }) {
    this.url = url;
    this.isUsed = isUsed;
    this.onFresh = onFresh;
  }

  get count() {
    return this.#works.length;
  }

  /** Return the next review, or null when none is here. */
  take() {
    return this.#works.shift() ?? null;
  }

  /** Put a review in front of the others. */
  putBack(work) {
    this.#works.unshift(work);
  }

  /** Forget everything: the questions or the keys have changed. */
  clear() {
    this.#works = [];
  }

  /** Fetch more when few are left; resolves to whether the server answered. */
  fill({ isRenewing = false } = {}) {
    if (!isRenewing && this.#works.length >= ENOUGH) return Promise.resolve(true);
    this.#asking ??= this.#ask().finally(() => (this.#asking = null));
    return this.#asking;
  }

  async #ask() {
    const body = new URLSearchParams(this.#works.filter(({ assignment }) => assignment).map(({ assignment }) => ["have", assignment]));
    try {
      const response = await fetch(this.url, { method: "POST", body, headers: { "HX-Request": "true", "X-CSRFToken": csrfToken() }, redirect: "manual" });
      if (!response.ok) return false;
      this.#take(new DOMParser().parseFromString(await response.text(), "text/html").querySelector("[data-held]"));
      return true;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return false;
    }
  }

  #take(answer) {
    const held = new Set(answer.dataset.held.split(" "));
    // What went to somebody else, or is asked in another way by now, is not shown.
    const isGood = ({ assignment, form }) => !assignment || (held.has(assignment) && form.dataset.version === answer.dataset.schema);
    this.#works = this.#works.filter(isGood);
    const known = new Set(this.#works.map(({ assignment }) => assignment));
    for (const template of answer.querySelectorAll("template[data-work]")) {
      const assignment = template.dataset.work;
      if (known.has(assignment) || this.isUsed(assignment)) continue;
      this.#works.push(new Work([...document.importNode(template.content, true).children]));
    }
    this.onFresh(answer);
  }
}
