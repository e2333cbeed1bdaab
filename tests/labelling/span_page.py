"""The span component on a page of its own: real templates, scripts, styles, policy; no server."""

import json
import mimetypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.template.loader import render_to_string
from playwright.sync_api import Browser, Page, Route

from labelling import answers, form_page
from labelling.form_page import Suggestions
from labelling.snapshot import OptionSnapshot, QuestionSnapshot, SchemaSnapshot
from labelling.spans import SpanValue

STATIC = Path(__file__).resolve().parents[2] / "platform" / "static"
BASE = "http://spans.test/"
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'"
BOOTSTRAP = "vendor/bootstrap@5.3.8/dist/css/bootstrap.min"
FREE = QuestionSnapshot(
    "aspect_spans",
    "Aspects in the text",
    "spans",
    options=(
        OptionSnapshot("price", "Price", 1, "1"),
        OptionSnapshot("quality", "Quality", 3, "2"),
        OptionSnapshot("delivery", "Delivery", 5, "3"),
    ),
    is_required=False,
    has_polarity=True,
)

#: What `label.js` does for the component, as far as spans are concerned.
DRIVE = """
import { listenForKeys } from "/js/label-keys.js";
import { SpanAnnotator } from "/js/span-annotator.js";
import * as spanText from "/js/span-text.js";
import "/js/theme.js";
window.spanText = spanText;
window.said = [];
window.changes = 0;
const root = document.querySelector("[data-label-root]");
const form = root.querySelector("form");
const say = (words) => {
  window.said.push(words);
  document.querySelector("[data-label-state]").textContent = words;
};
const data = JSON.parse(document.getElementById("span-data").textContent);
const started = performance.now();
window.spans = new SpanAnnotator(form, data, { say, onChange: () => (window.changes += 1) });
window.startedIn = performance.now() - started;
listenForKeys(root, () => ({ root, spans: window.spans, submit: () => say("Submitted") }));
"""

_PAGE = """<!doctype html><html lang="en" data-bs-theme="{theme}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Spans</title>
{styles}</head><body><main class="label-page"><h1 class="visually-hidden">Spans</h1>
<div data-label-root data-shortcuts="on"><form class="label-work" data-label-form>
<section class="label-text" aria-label="Review">
<div class="review-text has-spans" dir="auto" tabindex="-1" data-span-text></div>
<div class="span-lists" data-span-lists></div></section>
<section class="label-answers" aria-label="Answers">{questions}
<div class="label-actions"><button class="btn btn-lg" type="button">Submit</button></div>
</section></form></div><p class="label-state" role="status" data-label-state></p></main>
<script type="application/json" id="span-data">{data}</script>
<script type="module" src="/drive.js"></script></body></html>"""


class SpanPage:
    """One text with one question about it."""

    def __init__(self, browser: Browser, **options: Any) -> None:
        self.page: Page = browser.new_page(**{"reduced_motion": "reduce"} | options)
        self.complaints: list[str] = []
        self.text = ""
        self.question = FREE
        self._theme = "light"
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: self._note(said.type, said.text))
        self.page.route(BASE + "**", self._answer)

    def _note(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(f"{kind}: {text}")

    def show(
        self,
        text: str,
        question: QuestionSnapshot = FREE,
        marked: Sequence[dict[str, Any]] = (),
        suggested: Sequence[dict[str, Any]] = (),
        theme: str = "light",
    ) -> None:
        """Open the page anew."""
        self.text, self.question, self._theme = text, question, theme
        self._marked, self._suggested = list(marked), list(suggested)
        self.page.goto(BASE)
        self.page.wait_for_function("window.startedIn !== undefined")

    def _answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(BASE)
        if path == "":
            headers = {"Content-Security-Policy": POLICY}
            route.fulfill(body=self._html(), content_type="text/html", headers=headers)
        elif path == "drive.js":
            route.fulfill(body=DRIVE, content_type="text/javascript")
        elif path == "favicon.ico":
            route.fulfill(status=204)
        else:
            kind = mimetypes.guess_type(path)[0] or "text/plain"
            route.fulfill(path=STATIC / path, content_type=kind)

    def _html(self) -> str:
        schema = SchemaSnapshot(version=1, questions=(self.question,))
        raw = {self.question.key: self._marked}
        suggestions = Suggestions(1, {self.question.key: (self._suggested, 0.9)})
        data = form_page.span_data(schema, self.text, raw, suggestions)
        blocks = form_page.blocks(schema, raw)
        questions = [render_to_string("labelling/_question.html", {"block": b}) for b in blocks]
        sheets = (BOOTSTRAP, "css/tokens", "css/base", "css/components", "css/label")
        return _PAGE.format(
            theme=self._theme,
            styles="".join(f'<link rel="stylesheet" href="/{each}.css">' for each in sheets),
            questions="".join(questions),
            data=json.dumps(data).replace("<", "\\u003c"),
        )

    # --- What the page says ---

    @property
    def spans(self) -> tuple[SpanValue, ...]:
        """Return what the form would send, as the server reads it; a fault raises."""
        field = self.page.locator(f"[data-span-field={self.question.key}]").input_value()
        value = answers.parse_one(self.question, json.loads(field), self.text)
        assert isinstance(value, tuple)
        return value

    @property
    def words(self) -> list[tuple[str, str]]:
        """Return option and words of every span."""
        return [(span.option, span.text) for span in self.spans]

    @property
    def said(self) -> str:
        """Return what was announced last."""
        said: str = self.page.evaluate("window.said.at(-1) ?? ''")
        return said

    # --- What a person does ---

    def press(self, *keys: str) -> None:
        """Press keys one after the other, the text focused."""
        self.page.locator("[data-span-text]").focus()
        for key in keys:
            self.page.keyboard.press(key)

    def corner(self, point: int, *, is_end: bool = False) -> tuple[float, float]:
        """Return where a code point stands on the screen: its left or right side, half way up."""
        box = self.page.evaluate(
            """([point, isEnd]) => {
              const { view } = window.spans;
              const range = view.range([point, point + 1]);
              const box = range.getClientRects()[0];
              return [isEnd ? box.right - 0.5 : box.left + 0.5, (box.top + box.bottom) / 2];
            }""",
            [point, is_end],
        )
        return box[0], box[1]

    def select(self, words: str) -> None:
        """Select words with the mouse."""
        start = self.text.index(words)
        mouse = self.page.mouse
        mouse.move(*self.corner(start))
        mouse.down()
        mouse.move(*self.corner(start + len(words) - 1, is_end=True), steps=4)
        mouse.up()
