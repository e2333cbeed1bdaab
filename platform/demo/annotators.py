"""Let three imaginary annotators label the demo's reviews, each with habits of their own."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from demo.grammar import DemoReview, DemoSpan
from demo.story import ASPECTS

ONE_ANNOTATOR_SHARE = 0.60
SEVERAL_ANNOTATORS_SHARE = 0.15
_DETERMINER = re.compile(r"(the|this|these|a|an)\s+", re.IGNORECASE)
_NEXT_WORD = re.compile(r" \w+")


@dataclass(frozen=True, slots=True)
class DemoAnnotation:
    """Hold what one annotator answered for `reviews[review_index]`; `note` may be empty."""

    review_index: int
    annotator: str
    sentiment: str
    rating: int
    aspects: frozenset[str]
    spans: tuple[DemoSpan, ...]
    note: str


@dataclass(frozen=True, slots=True)
class _Habits:
    """Give the chances with which one annotator departs from what the writer meant."""

    username: str
    share: float
    """Of the reviews that only one person labels."""
    mixed_is_neutral: float
    """Calls a review neutral as soon as it praises and complains."""
    sentiment_slip: float
    """Moves the sentiment one step."""
    rating_shift: float
    """Moves the rating by one."""
    rating_down: float
    """Of the moved ratings, those that go down."""
    aspect_missed: float
    implied_aspect_missed: float
    """Overlooks an aspect that no phrase names."""
    aspect_added: float
    span_missed: float
    polarity_slip: float
    article_dropped: float
    """Marks "zip" where the writer named "the zip"."""
    word_added: float
    """Marks "the zip broke" where the writer named "the zip"."""


ADA = _Habits(
    username="ada",
    share=0.40,
    mixed_is_neutral=0.45,
    sentiment_slip=0.02,
    rating_shift=0.08,
    rating_down=0.5,
    aspect_missed=0.03,
    implied_aspect_missed=0.08,
    aspect_added=0.03,
    span_missed=0.02,
    polarity_slip=0.03,
    article_dropped=0.03,
    word_added=0.02,
)
BEN = replace(
    ADA,
    username="ben",
    share=0.32,
    mixed_is_neutral=0.08,
    sentiment_slip=0.05,
    rating_shift=0.12,
    aspect_missed=0.18,
    implied_aspect_missed=0.45,
    span_missed=0.08,
    polarity_slip=0.06,
    article_dropped=0.65,
)
CHLOE = replace(
    ADA,
    username="chloe",
    share=0.28,
    mixed_is_neutral=0.12,
    sentiment_slip=0.05,
    rating_shift=0.36,
    rating_down=0.75,
    aspect_missed=0.06,
    implied_aspect_missed=0.12,
    aspect_added=0.14,
    span_missed=0.05,
    word_added=0.22,
)
ANNOTATORS = (ADA, BEN, CHLOE)


def annotate(reviews: Sequence[DemoReview], *, seed: int) -> list[DemoAnnotation]:
    """Label about three in four reviews, some of them by two or three people.

    The annotations come in the order of the reviews; the same arguments give the same ones.
    """
    rng = random.Random(seed)  # noqa: S311 - invented answers need no secrecy, only repeatability
    return [
        _answer(index, reviews[index], habits, rng)
        for index, people in sorted(_assign(len(reviews), rng).items())
        for habits in people
    ]


def _assign(count: int, rng: random.Random) -> dict[int, tuple[_Habits, ...]]:
    order = rng.sample(range(count), count)
    one = round(count * ONE_ANNOTATOR_SHARE)
    several = round(count * SEVERAL_ANNOTATORS_SHARE)
    shares = [habits.share for habits in ANNOTATORS]
    people: dict[int, tuple[_Habits, ...]] = {
        index: (rng.choices(ANNOTATORS, shares)[0],) for index in order[:one]
    }
    for index in order[one : one + several]:
        chosen = set(rng.sample(range(len(ANNOTATORS)), rng.choices((2, 3), (2, 1))[0]))
        people[index] = tuple(ANNOTATORS[place] for place in sorted(chosen))
    return people


def _answer(index: int, review: DemoReview, habits: _Habits, rng: random.Random) -> DemoAnnotation:
    aspects = _seen_aspects(review, habits, rng)
    return DemoAnnotation(
        review_index=index,
        annotator=habits.username,
        sentiment=_sentiment(review, habits, rng),
        rating=_rating(review, habits, rng),
        aspects=aspects,
        spans=_spans(review, aspects, habits, rng),
        note=_note(review, aspects, rng),
    )


def is_mixed(review: DemoReview) -> bool:
    """Say whether named aspects are praised and complained about in one review."""
    return {"positive", "negative"} <= {span.polarity for span in review.spans}


def _sentiment(review: DemoReview, habits: _Habits, rng: random.Random) -> str:
    if (is_mixed(review) or review.rating == 3) and rng.random() < habits.mixed_is_neutral:
        return "neutral"
    if rng.random() < habits.sentiment_slip:
        return _neighbour(review.sentiment, rng)
    return review.sentiment


def _neighbour(sentiment: str, rng: random.Random) -> str:
    return "neutral" if sentiment != "neutral" else rng.choice(("negative", "positive"))


def _rating(review: DemoReview, habits: _Habits, rng: random.Random) -> int:
    if rng.random() >= habits.rating_shift:
        return review.rating
    step = -1 if rng.random() < habits.rating_down else 1
    return min(5, max(1, review.rating + step))


def _seen_aspects(review: DemoReview, habits: _Habits, rng: random.Random) -> frozenset[str]:
    named = {span.aspect for span in review.spans}
    seen = {
        aspect
        for aspect in sorted(review.aspects)
        if rng.random()
        >= (habits.aspect_missed if aspect in named else habits.implied_aspect_missed)
    }
    if rng.random() < habits.aspect_added:
        seen.add(rng.choice(ASPECTS))
    return frozenset(seen)


def _spans(
    review: DemoReview, aspects: frozenset[str], habits: _Habits, rng: random.Random
) -> tuple[DemoSpan, ...]:
    limits = [*(span.start for span in review.spans), len(review.text)][1:]
    return tuple(
        _marked(span, review.text, limit, habits, rng)
        for span, limit in zip(review.spans, limits, strict=True)
        if span.aspect in aspects and rng.random() >= habits.span_missed
    )


def _marked(span: DemoSpan, text: str, limit: int, habits: _Habits, rng: random.Random) -> DemoSpan:
    """Return the span as this annotator draws it, never beyond `limit`."""
    start, end, polarity = span.start, span.end, span.polarity
    if rng.random() < habits.article_dropped and (article := _DETERMINER.match(text, start, end)):
        start = article.end()
    if rng.random() < habits.word_added and (word := _NEXT_WORD.match(text, end, limit)):
        end = word.end()
    if rng.random() < habits.polarity_slip:
        polarity = _neighbour(polarity, rng)
    return DemoSpan(start, end, span.aspect, polarity)


def _note(review: DemoReview, aspects: frozenset[str], rng: random.Random) -> str:
    """Return a remark that is true of the review, now and then."""
    if rng.random() >= 0.15:
        return ""
    implied = sorted(aspects & (review.aspects - {span.aspect for span in review.spans}))
    if implied:
        return f"Speaks of {implied[0].replace('_', ' ')} without naming it."
    if is_mixed(review):
        return "Praise and complaint in one, hard to decide."
    return "Could also be neutral." if review.rating == 3 else ""
