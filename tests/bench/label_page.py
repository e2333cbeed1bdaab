"""How long an annotator in a browser waits from Enter to the next review on the screen."""

import tempfile
from pathlib import Path

from tests.bench.report import Report, percentile
from tests.pages.label_stack import Labelling, labelling

TURNS = 60

# Until the frame after the one that shows the next review: that one has been painted by then.
_TURN = """
() => new Promise((resolve) => {
  const root = document.querySelector("[data-label-root]");
  const review = () => root.querySelector("[data-label-form]")?.dataset.review;
  const before = review();
  const started = performance.now();
  const painted = () => resolve(performance.now() - started);
  const look = () => (review() && review() !== before
    ? requestAnimationFrame(() => requestAnimationFrame(painted))
    : requestAnimationFrame(look));
  const target = document.activeElement ?? document.body;
  const enter = { key: "Enter", bubbles: true, cancelable: true };
  target.dispatchEvent(new KeyboardEvent("keydown", enter));
  look();
})
"""


def run(report: Report) -> None:
    """One person at 60 reviews with half a second of thinking, against a real web process."""
    with tempfile.TemporaryDirectory() as name, labelling(Path(name) / "home", count=120) as ada:
        ada.go()
        times = [_turn(ada) for _ in range(TURNS)]
        ada.saved()
        kept = len(ada.annotated())
    report.add("Enter to the next review painted, p50", percentile(times, 0.50), "ms", n=TURNS)
    report.add("Enter to the next review painted, p95", percentile(times, 0.95), "ms", n=TURNS)
    report.add("answers kept", kept, "rows", n=TURNS)


def _turn(ada: Labelling) -> float:
    ada.page.keyboard.press("1")
    ada.page.wait_for_timeout(500)
    return float(ada.page.evaluate(_TURN))
