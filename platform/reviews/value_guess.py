"""Guess what the words of a column mean for a question: "5 stars" is 5, "Positivo" is positive."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from projects.models import Project
from reviews import labels
from reviews.answers import AnswerSink, sink_for
from reviews.labels import QuestionInfo
from reviews.mapping import ColumnMapping

_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)?")
_STAR = re.compile(r"[★⭐*]+")
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
#: Words that mean the same; whichever of them the question has is taken.
_ALIKE: Sequence[frozenset[str]] = (
    frozenset({"yes", "y", "true", "t", "1", "recommended", "recommend", "ja", "si", "sí", "oui"}),
    frozenset({"no", "n", "false", "f", "0", "not recommended", "not-recommended", "nein", "non"}),
    frozenset({"positive", "pos", "p", "+", "good", "1"}),
    frozenset({"negative", "neg", "n", "-", "bad", "0", "-1"}),
    frozenset({"neutral", "neu", "mixed", "0", "ok"}),
)
_MIN_COMMON = 3
#: A column answers no question when this share of its cells means nothing to it.
_TOO_MANY = 0.5
_MAX_WORDS = 100


def options_of(project: Project) -> dict[str, dict[str, str]]:
    """Return the options of the questions that have some: key to key and word."""
    gold = next((each for each in labels.sources() if each.key == "gold"), None)
    if gold is None:
        return {}
    return {
        question.key: {option: option for option in question.options}
        for question in gold.questions(project)
        if question.options and question.kind != "spans"
    }


def asked_with_options(project: Project) -> dict[str, QuestionInfo]:
    """Return the questions that have options, by key."""
    gold = next((each for each in labels.sources() if each.key == "gold"), None)
    return {each.key: each for each in gold.questions(project) if each.options} if gold else {}


def is_option(sink: AnswerSink, question: QuestionInfo, word: str) -> bool:
    """Tell whether a word is one of a question's options, in any way of writing it."""
    span = {"start": 0, "end": 1, "label": word}
    return fits(sink, question.key, json.dumps([span if question.kind == "spans" else word]))


def fitted(
    guess: ColumnMapping, values: Mapping[str, Counter[str]], project: Project
) -> ColumnMapping:
    """Return a guess with what words mean, without the answers that hardly any row would have.

    `values` has what stands in every column of a sample, and how often.
    """
    sink, options = sink_for(project), options_of(project)
    answers: dict[str, str] = {}
    words: dict[str, dict[str, str]] = {}
    for source, key in guess.answers.items():
        misfits = {raw: n for raw, n in values[source].items() if not fits(sink, key, raw)}
        meant = {raw: guess_word(sink, key, raw, options.get(key, {})) for raw in misfits}
        known = {raw: word for raw, word in meant.items() if word is not None}
        left = sum(n for raw, n in misfits.items() if raw not in known)
        if not left or left < _TOO_MANY * sum(values[source].values()):
            answers[source] = key
            if known:
                words[source] = dict(list(known.items())[:_MAX_WORDS])
    annotator = guess.annotator if answers else ""
    return replace(guess, answers=answers, values=words, annotator=annotator)


def fits(sink: AnswerSink, question_key: str, raw: str) -> bool:
    """Tell whether a question takes a cell as it is; an empty one always."""
    try:
        sink.parse(question_key, raw)
    except ValueError:
        return False
    return True


def guess_word(
    sink: AnswerSink, question_key: str, raw: str, options: Mapping[str, str]
) -> str | None:
    """Return the word that a question takes for what stands in a cell; None when nothing is plain.

    `options` are keys and names of the question's options, empty when it has none.
    """
    for word in _candidates(raw.strip(), options):
        if word and _is_answer(sink, question_key, word):
            return word
    return None


def _is_answer(sink: AnswerSink, question_key: str, word: str) -> bool:
    try:
        answer: Any = sink.parse(question_key, word)
    except ValueError:
        return False
    return answer is not None


def _candidates(raw: str, options: Mapping[str, str]) -> Iterator[str]:
    """Yield words that the cell may mean, the likeliest first."""
    folded = raw.casefold().strip(" .!\"'")
    if options:
        yield from _options_alike(folded, options)
        return
    number = _NUMBER.match(folded)
    if number is not None:
        yield number[0].replace(",", ".")
    if _STAR.fullmatch(raw):
        yield str(len(raw))
    first = folded.split(" ", 1)[0]
    if first in _NUMBERS:
        yield str(_NUMBERS.index(first))


def _options_alike(folded: str, options: Mapping[str, str]) -> Iterator[str]:
    words = {key: {key.casefold(), name.casefold()} for key, name in options.items()}
    for alike in _ALIKE:
        if folded in alike:
            found = [key for key, own in words.items() if own & alike]
            if len(found) == 1:
                yield found[0]
    number = _NUMBER.match(folded)
    if number is not None and number[0] in options:
        yield number[0]
    near = {key: max(_common(folded, word) for word in own) for key, own in words.items()}
    best = max(near.values(), default=0)
    if best >= _MIN_COMMON and list(near.values()).count(best) == 1:
        yield max(near, key=lambda key: near[key])


def _common(one: str, other: str) -> int:
    """Return how many letters two words begin with alike."""
    for index, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return index
    return min(len(one), len(other))
