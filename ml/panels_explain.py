"""An explanation made ready for its page: the text with every word's share behind it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ml.explaining import answers_in


@dataclass(frozen=True, slots=True)
class Word:
    """A run of the text with its shade; `score` is None for what lies between words."""

    text: str
    score: float | None = None
    shade: str = ""
    attention: float | None = None
    attention_shade: str = ""


@dataclass(frozen=True, slots=True)
class Explained:
    """What the page shows of a finished explanation."""

    method: str
    target: str
    base: float
    value: float
    gap: float
    words: tuple[Word, ...]
    strongest: tuple[Word, ...]
    has_attention: bool
    #: (key, name) of every answer that is explained, where there are several.
    answers: tuple[tuple[str, str], ...] = ()
    #: How much a model of terms counts that is mixed in and not explained, in per cent.
    terms_percent: int = 0


def explained(
    result: Mapping[str, Any], text: str, options: Mapping[str, str], option: str = ""
) -> Explained:
    """Return a job's result as a text to paint; `options` are the names of answers by key.

    `option` chooses one of several answers; else, and where it is none of them, the likeliest.
    """
    answers = {each["target"]: each for each in answers_in(result)}
    chosen = answers.get(option, result)
    words = tuple(_words(chosen["words"], text))
    scored = [word for word in words if word.score is not None]
    return Explained(
        method=chosen["method"],
        target=options.get(chosen["target"], chosen["target"]),
        base=chosen["base"],
        value=chosen["value"],
        gap=chosen["gap"],
        words=words,
        strongest=tuple(sorted(scored, key=lambda word: -abs(word.score or 0.0))[:12]),
        has_attention=any(word.attention is not None for word in scored),
        answers=tuple((key, options.get(key, key)) for key in answers if len(answers) > 1),
        # Explanations of earlier releases do not say.
        terms_percent=round(100 * chosen.get("terms_share", 0.0)),
    )


def _words(rows: Iterable[list[Any]], text: str) -> Iterable[Word]:
    kept = list(rows)
    most = max((abs(row[2]) for row in kept), default=0.0)
    most_attention = max((row[3] or 0.0 for row in kept), default=0.0)
    at = 0
    for start, end, score, attention in kept:
        if at < start:
            yield Word(text[at:start])
        yield Word(
            text[start:end],
            score,
            _diverging(score, most),
            attention,
            _sequential(attention or 0.0, most_attention),
        )
        at = end
    if at < len(text):
        yield Word(text[at:])


def _diverging(score: float, most: float) -> str:
    step = round(3 * abs(score) / most) if most else 0
    return f"diverge-{'p' if score > 0 else 'n'}{step}" if step else ""


def _sequential(share: float, most: float) -> str:
    step = round(6 * share / most) if most else 0
    return f"heat-{step}" if step else ""
