"""The model card: what a checkpoint is, in words."""

from collections.abc import Mapping
from typing import Any

from ml.core.config import HeadConfig, TrainConfig

_TIERS = {
    "tfidf": "linear models on TF-IDF terms",
    "frozen": "heads on the frozen encoder {encoder}",
    "full": "the fine-tuned encoder {encoder} with one head per question",
}


def write_card(
    config: TrainConfig, metrics: dict[str, Any], snapshot: str, shares: Mapping[str, float]
) -> str:
    """Return the card as Markdown; `shares` is what a linear model of terms has in a question."""
    kind = _TIERS[config.tier].format(encoder=config.encoder)
    counts = metrics["counts"]
    lines = [
        "# Model card",
        "",
        f"This model answers {len(config.heads)} question(s) about a review with {kind}.",
        f"It learned from {counts['train']} reviews, chose its settings on",
        f"{counts['validation']} and was measured on {counts['test']} others.",
        *_read_before(metrics.get("pretraining")),
        *(f"A linear model of terms counts {s:.0%} in {q}." for q, s in shares.items()),
        f"Seed {config.seed}; data snapshot `{snapshot}`.",
        "",
        "| question | measure | model | 95 % interval | n | majority | TF-IDF |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *(_row(head, metrics["questions"][head.question]) for head in config.heads),
        "",
        "## Limits",
        "",
        "- The figures hold for reviews like those it was measured on.",
        "- A confidence is a calibrated estimate, not a promise; rare options have few examples.",
        *(f"- {q}: {m['note']}" for q, m in metrics["questions"].items() if m.get("note")),
        "",
    ]
    return "\n".join(lines)


def _read_before(facts: dict[str, Any] | None) -> list[str]:
    if not facts:
        return []
    return [
        f"Before that the encoder read {facts['texts']:,} texts without labels, none of them",
        f"a test review's, and guessed masked words in {facts['steps']:,} steps.",
    ]


def _row(head: HeadConfig, measured: dict[str, Any]) -> str:
    headline = (measured.get("model") or {}).get("headline")
    if not headline:
        return f"| {head.question} | | not measured | | 0 | | |"
    baselines = measured.get("baselines", {})
    majority, tfidf = (
        _figure(baselines.get(name, {}).get("headline", {}).get("value"))
        for name in ("majority", "tfidf")
    )
    interval = f"{_figure(headline['low'])} to {_figure(headline['high'])}"
    cells = [head.question, headline["name"], _figure(headline["value"]), interval]
    return f"| {' | '.join(cells)} | {headline['n']} | {majority} | {tfidf} |"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
