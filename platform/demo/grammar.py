"""Write the demo's product reviews: what each one thinks is drawn first, then put into words."""

import itertools
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from demo import phrases
from demo.noise import draw_habit, write_down
from demo.phrases_frame import ADDING, OPPOSING, PEOPLE
from demo.segments import Clause, Deck, Segment, capitalised, expand
from demo.story import ASPECTS, PERIOD_DAYS, PRODUCTS, Moment, Product, event, volume

AUTHOR_COUNT = 450
_SCORE = {"negative": -1, "neutral": 0, "positive": 1}
_ATTEMPTS = 500
_SUBJECTS = ("I ", "<the ", "the ", "it ", "they ", "you ", "my ", "{it} ", "nothing ", "there ")
"""How a clause begins that can follow a conjunction."""


@dataclass(frozen=True, slots=True)
class DemoSpan:
    """Mark the phrase `text[start:end]` (code points) that names an aspect."""

    start: int
    end: int
    aspect: str
    polarity: str


@dataclass(frozen=True, slots=True)
class DemoReview:
    """Hold an invented review and what its writer meant; spans refer to `text`, not to `title`.

    An aspect may be spoken of without being named: then it is in `aspects` and in no span.
    """

    title: str
    text: str
    product: str
    category: str
    reviewed_at: date
    author: str
    sentiment: str
    rating: int
    aspects: frozenset[str]
    spans: tuple[DemoSpan, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a reviewer thinks, before any word is written."""

    product: Product
    moment: Moment
    size: str
    opinions: tuple[tuple[str, str], ...]
    sentiment: str
    is_against_the_grain: bool


def generate(count: int = 600, *, seed: int = 7, end: date) -> list[DemoReview]:
    """Write `count` different reviews of the fourteen months up to `end`, oldest first.

    The same arguments give the same reviews. Raises ValueError when `count` is negative, and when
    the phrase bank cannot yield that many different texts.
    """
    if count < 0:
        raise ValueError(f"count must not be negative, but is {count}.")
    rng = random.Random(seed)  # noqa: S311 - invented texts need no secrecy, only repeatability
    writer = _Writer(rng)
    moments = sorted(_draw_moments(count, end, rng), key=lambda moment: moment.day)
    return [writer.review(moment) for moment in moments]


class _Writer:
    """Write reviews one after the other, never the same text twice."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._deck = Deck(rng)
        self._seen: set[str] = set()

    def review(self, moment: Moment) -> DemoReview:
        """Return a review whose text, apart from case and punctuation, is new."""
        for _ in range(_ATTEMPTS):
            review = self._draft(moment)
            key = "".join(filter(str.isalnum, review.text.lower()))
            if key not in self._seen:
                self._seen.add(key)
                return review
        raise ValueError(f"No new text after {len(self._seen)} reviews. Ask for fewer reviews.")

    def _draft(self, moment: Moment) -> DemoReview:
        plan = _draw_plan(moment, self._rng)
        rating = _draw_rating(plan, self._rng)
        who = self._rng.choice(PEOPLE)
        slots = phrases.slots_for(plan.product, moment, who=who, rating=rating)
        clauses = _clauses(plan, self._deck, self._rng)
        sentences = [self._joined(group, slots) for group in clauses]
        typed = write_down(sentences, draw_habit(self._rng), plan.sentiment, self._rng)
        text, spans = _assemble(typed)
        spoken_of = {clause.aspect for group in clauses for clause in group if clause.aspect}
        return DemoReview(
            title=self._title(plan, slots),
            text=text,
            product=plan.product.name,
            category=plan.product.category,
            reviewed_at=moment.day,
            author=f"reader_{self._rng.randint(1, AUTHOR_COUNT):04d}",
            sentiment=plan.sentiment,
            rating=rating,
            aspects=frozenset(spoken_of | {span.aspect for span in spans}),
            spans=spans,
        )

    def _joined(self, group: Sequence[Clause], slots: dict[str, tuple[str, ...]]) -> list[Segment]:
        """Write the clauses of a group as one sentence, or as two that lean on each other."""
        written = expand(group[0], slots, self._rng)
        for before, after in itertools.pairwise(group):
            written.append(Segment(self._rng.choice(_links(before, after))))
            written += expand(after, slots, self._rng)
        return written

    def _title(self, plan: _Plan, slots: dict[str, tuple[str, ...]]) -> str:
        is_plain = self._rng.random() < 0.35
        kind, mood = ("plain titles", "neutral") if is_plain else ("titles", plan.sentiment)
        clause = self._deck.deal(phrases.frame_clauses(kind, mood))
        return "".join(part.text for part in capitalised(expand(clause, slots, self._rng)))


def _draw_moments(count: int, end: date, rng: random.Random) -> Iterable[Moment]:
    days = [end - timedelta(days=back) for back in range(PERIOD_DAYS)]
    weights = [1.7 if day.month in (11, 12) else 1.0 for day in days]
    for day in rng.choices(days, weights, k=count):
        yield Moment(day=day, share=1 - (end - day).days / (PERIOD_DAYS - 1))


def _draw_plan(moment: Moment, rng: random.Random) -> _Plan:
    product = rng.choices(PRODUCTS, [volume(product, moment) for product in PRODUCTS])[0]
    mood = rng.gauss(0.1, 0.65)
    size = rng.choices(("terse", "short", "medium", "long"), (12, 29, 39, 20))[0]
    opinions = tuple(
        (aspect, _draw_polarity(product, aspect, moment, mood, rng))
        for aspect in _draw_aspects(product, moment, size, rng)
    )
    is_against_the_grain = len(opinions) > 1 and rng.random() < 0.06
    score = _mean(opinions) * (-0.6 if is_against_the_grain else 1)
    sentiment = _sentiment_of(score + (0.22 if opinions else 1.0) * mood)
    return _Plan(product, moment, size, opinions, sentiment, is_against_the_grain)


def _draw_aspects(product: Product, moment: Moment, size: str, rng: random.Random) -> list[str]:
    """Draw different aspects by how often people speak of them (Efraimidis and Spirakis, 2006)."""
    fewest, most = {"terse": (0, 1), "short": (1, 2), "medium": (2, 4), "long": (4, 5)}[size]
    keys = {
        aspect: rng.random()
        ** (1 / (product.mentions[aspect] * event(product, aspect, moment).factor))
        for aspect in ASPECTS
    }
    return sorted(keys, key=keys.__getitem__, reverse=True)[: rng.randint(fewest, most)]


def _draw_polarity(
    product: Product, aspect: str, moment: Moment, mood: float, rng: random.Random
) -> str:
    if rng.random() < 0.15:
        return "neutral"
    merit = product.merit[aspect] + event(product, aspect, moment).shift + 1.2 * mood
    is_pleased = rng.random() < min(0.96, max(0.04, 0.5 + 0.5 * merit))
    return "positive" if is_pleased else "negative"


def _mean(opinions: Sequence[tuple[str, str]]) -> float:
    return sum(_SCORE[polarity] for _, polarity in opinions) / max(1, len(opinions))


def _sentiment_of(score: float) -> str:
    if score > 0.22:
        return "positive"
    return "negative" if score < -0.2 else "neutral"


def _draw_rating(plan: _Plan, rng: random.Random) -> int:
    """Draw stars near the sentiment; people disagree on what three stars mean."""
    lowest, middle, highest = {
        "negative": (1, 1.7, 3),
        "neutral": (2, 3.05, 4),
        "positive": (3, 4.5, 5),
    }[plan.sentiment]
    drawn = round(rng.gauss(middle + 0.4 * _mean(plan.opinions), 0.68))
    return min(highest, max(lowest, drawn))


def _clauses(plan: _Plan, deck: Deck, rng: random.Random) -> list[list[Clause]]:
    """Choose what is said, in order; the clauses of one group are joined."""
    if plan.size == "terse":
        spoken = [[_aspect_clause(plan, opinion, deck, rng)] for opinion in plan.opinions]
        return spoken or [[deck.deal(phrases.frame_clauses("terse", plan.sentiment))]]
    first = 0
    groups = _grouped([_aspect_clause(plan, op, deck, rng) for op in _ordered(plan, rng)], rng)
    if rng.random() < 0.5:
        groups.insert(0, [deck.deal(phrases.frame_clauses("openings", plan.sentiment))])
        first = 1
    if rng.random() < {"short": 0.15, "medium": 0.35, "long": 0.6}[plan.size]:
        small_talk = deck.deal(phrases.frame_clauses("context", "neutral"))
        groups.insert(rng.randint(first, len(groups)), [small_talk])
    if rng.random() < (0.93 if _needs_verdict(plan) else 0.52):
        groups.append([deck.deal(phrases.frame_clauses("verdicts", plan.sentiment))])
    return groups


def _aspect_clause(plan: _Plan, opinion: tuple[str, str], deck: Deck, rng: random.Random) -> Clause:
    aspect, polarity = opinion
    happening = event(plan.product, aspect, plan.moment).clauses
    special = phrases.event_clauses(happening, polarity)
    if special and rng.random() < 0.5:
        return deck.deal(special)
    return deck.deal(phrases.aspect_clauses(plan.product, aspect, polarity))


def _ordered(plan: _Plan, rng: random.Random) -> list[tuple[str, str]]:
    """Put the opinions that speak against the verdict first, as most people concede first."""
    opinions = list(plan.opinions)
    if rng.random() < 0.55:
        side = _SCORE[plan.sentiment]
        opinions.sort(key=lambda opinion: side * _SCORE[opinion[1]])
    return opinions


def _grouped(clauses: Sequence[Clause], rng: random.Random) -> list[list[Clause]]:
    groups: list[list[Clause]] = []
    for clause in clauses:
        if groups and len(groups[-1]) == 1 and rng.random() < _join_chance(groups[-1][0], clause):
            groups[-1].append(clause)
        else:
            groups.append([clause])
    return groups


def _join_chance(before: Clause, after: Clause) -> float:
    """Return how often two clauses share a sentence; never where it would read badly."""
    is_closed = before.template[-1] in "?!" or " but " in before.template + after.template
    if is_closed or not after.template.startswith(_SUBJECTS):
        return 0.0
    if before.polarity == after.polarity:
        return 0.35
    return 0.15 if "neutral" in (before.polarity, after.polarity) else 0.8


def _links(before: Clause, after: Clause) -> tuple[str, ...]:
    return OPPOSING if {before.polarity, after.polarity} == {"positive", "negative"} else ADDING


def _needs_verdict(plan: _Plan) -> bool:
    """Say whether the aspects alone would leave a reader with another sentiment."""
    return plan.is_against_the_grain or _sentiment_of(_mean(plan.opinions)) != plan.sentiment


def _assemble(segments: Iterable[Segment]) -> tuple[str, tuple[DemoSpan, ...]]:
    text = ""
    spans: list[DemoSpan] = []
    for segment in segments:
        start = len(text)
        text += segment.text
        if segment.aspect:
            spans.append(DemoSpan(start, len(text), segment.aspect, segment.polarity))
    return text, tuple(spans)
