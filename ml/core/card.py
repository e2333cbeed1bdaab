"""The model card: what a checkpoint is, in words."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ml.core.config import HeadConfig, TrainConfig

_TIERS = {
    "tfidf": "linear models on TF-IDF terms",
    "frozen": "heads on the frozen encoder {encoder}",
    "full": "the fine-tuned encoder {encoder} with one head per question",
}

# Every baseline that a run may measure, in the order of the table.
_BASELINES: Final = {
    "majority": "majority",
    "tfidf": "TF-IDF",
    "lstm": "LSTM",
    "single_task": "one model a question",
}


def write_card(
    config: TrainConfig, metrics: dict[str, Any], snapshot: str, shares: Mapping[str, float]
) -> str:
    """Return the card as Markdown; `shares` is what a linear model of terms has in a question."""
    kind = _TIERS[config.tier].format(encoder=config.encoder)
    counts = metrics["counts"]
    measured = metrics["questions"]
    beside = [name for name in _BASELINES if any(name in m["baselines"] for m in measured.values())]
    names = [_BASELINES[name] for name in beside]
    lines = [
        "# Model card",
        "",
        f"This model answers {len(config.heads)} question(s) about a review with {kind}.",
        f"It learned from {counts['train']} reviews, chose its settings on",
        f"{counts['validation']} and was measured on {counts['test']} others.",
        *_read_before(metrics.get("pretraining")),
        *_stopped(metrics.get("stopped")),
        *(f"A linear model of terms counts {s:.0%} in {q}." for q, s in shares.items()),
        *_agreed(metrics.get("parity")),
        f"Seed {config.seed}; data snapshot `{snapshot}`.",
        "",
        _line("question", "measure", "model", "95 % interval", "n", *names),
        _line(*["---"] * (5 + len(beside))),
        *(_row(head, measured[head.question], beside) for head in config.heads),
        "",
        "## Limits",
        "",
        "- The figures hold for reviews like those it was measured on.",
        "- A confidence is a calibrated estimate, not a promise; rare options have few examples.",
        *(f"- {q}: {m['note']}" for q, m in measured.items() if m.get("note")),
        *(
            f"- {q}, {_BASELINES[name]}: {m['baselines'][name]['note']}"
            for q, m in measured.items()
            for name in beside
            if m["baselines"].get(name, {}).get("note")
        ),
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


def _stopped(facts: dict[str, Any] | None) -> list[str]:
    return [facts["note"]] if facts else []


def _agreed(parity: dict[str, Any] | None) -> list[str]:
    if not parity:
        return []
    return [
        "It answers from an export of the encoder in 32-bit floats. The vectors of",
        f"{parity['texts']} reviews from it and from the encoder that was trained have a cosine of",
        f"at least {parity['least_cosine']:.4f}.",
    ]


def _row(head: HeadConfig, measured: dict[str, Any], beside: Sequence[str]) -> str:
    headline = (measured.get("model") or {}).get("headline")
    if not headline:
        return _line(head.question, "", "not measured", "", "0", *[""] * len(beside))
    low, value, high = (_figure(headline[name]) for name in ("low", "value", "high"))
    own = [measured["baselines"].get(name, {}).get("headline", {}) for name in beside]
    return _line(
        head.question,
        headline["name"],
        value,
        f"{low} to {high}",
        str(headline["n"]),
        *(_figure(each.get("value")) for each in own),
    )


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
