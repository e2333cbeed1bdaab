"""Which measures of agreement fit which kind of question, and the figures of each. Pure."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from labelling import agreement, alpha, gwet, kappa, span_agreement
from labelling.answers import AnswerValue
from labelling.bootstrap import Figure, Measure, figure
from labelling.ratings import Ratings, in_order, ratings_of_counted
from labelling.snapshot import QuestionSnapshot
from labelling.spans import SpanValue

#: More different numbers than this are no scale.
MAX_VALUES = 100
_TOO_MANY = (
    f"More than {MAX_VALUES} different numbers were given, too many for a scale. "
    "Interval alpha needs none."
)
_UNUSED = "Nobody gave this answer to a review that several people answered."


#: What was said about an item, to how many items it was said. Tens of thousands of items have a
#: handful of different answers, so everything is counted before it is looked at.
Counted = Mapping[tuple[AnswerValue, ...], int]


class Items:
    """Answers to one question; in pairs of people, who says it comes first."""

    def __init__(self, question: QuestionSnapshot, answers: Counted) -> None:
        self.question = question
        self.answers = answers

    @cached_property
    def ratings(self) -> Ratings:
        """Return the answers, counted."""
        items: Counter[tuple[Hashable, ...]] = Counter()
        for item, count in self.answers.items():
            items[tuple(map(comparable, item))] += count
        given = {answer for item in items for answer in item}
        steps: set[Hashable] = {float(step) for step in self.question.steps}
        return ratings_of_counted(items, in_order(given | steps))

    @property
    def pairs(self) -> Mapping[tuple[Hashable, Hashable], int]:
        """Return the answers of two people to what both answered, with how often."""
        found: Counter[tuple[Hashable, Hashable]] = Counter()
        for item, count in self.answers.items():
            if len(item) == 2:
                found[comparable(item[0]), comparable(item[1])] += count
        return found

    @cached_property
    def marked(self) -> span_agreement.CountedSpans:
        """Return the spans of the items, with how many have the same."""
        found: Counter[tuple[tuple[SpanValue, ...], ...]] = Counter()
        for item, count in self.answers.items():
            found[tuple(each for each in item if isinstance(each, tuple))] += count
        return found


def comparable(answer: AnswerValue) -> Hashable:
    """Return what makes two answers equal: of spans range and option, not polarity."""
    if isinstance(answer, tuple):
        return frozenset((span.start, span.end, span.option) for span in answer)
    return answer


@dataclass(frozen=True, slots=True)
class Kind:
    """A measure that pages and programs may ask for."""

    key: str
    name: str
    build: Callable[[Items], Measure]
    #: Whether it needs numbers to be few, as on a scale.
    is_of_scale: bool = False


def _ac1(items: Items) -> Measure:
    return gwet.ac1(items.ratings, value_count=len(items.question.options))


_KINDS = (
    Kind("percent", "Equal answers", lambda items: agreement.percent(items.ratings)),
    Kind("kappa", "Cohen’s kappa", lambda items: kappa.cohen_kappa(items.pairs), is_of_scale=True),
    Kind(
        "kappa_linear", "Cohen’s kappa, linear weights",
        lambda items: kappa.cohen_kappa(items.pairs, power=1), is_of_scale=True,
    ),
    Kind(
        "kappa_quadratic", "Cohen’s kappa, quadratic weights",
        lambda items: kappa.cohen_kappa(items.pairs, power=2), is_of_scale=True,
    ),
    Kind("fleiss", "Fleiss’ kappa", lambda items: kappa.fleiss_kappa(items.ratings)),
    Kind(
        "alpha_nominal", "Krippendorff’s alpha, nominal",
        lambda items: alpha.nominal_alpha(items.ratings),
    ),
    Kind(
        "alpha_ordinal", "Krippendorff’s alpha, ordinal",
        lambda items: alpha.ordinal_alpha(items.ratings), is_of_scale=True,
    ),
    Kind(
        "alpha_interval", "Krippendorff’s alpha, interval",
        lambda items: alpha.interval_alpha(items.ratings),
    ),
    Kind(
        "alpha_masi", "Krippendorff’s alpha, MASI",
        lambda items: alpha.masi_alpha(items.ratings),
    ),
    Kind("ac1", "Gwet’s AC1", _ac1),
    Kind(
        "ac2", "Gwet’s AC2, quadratic weights",
        lambda items: gwet.ac2(items.ratings), is_of_scale=True,
    ),
    Kind(
        "f1_exact", "Span F1, exact",
        lambda items: span_agreement.span_f1_counted(items.marked, span_agreement.exact),
    ),
    Kind(
        "f1_polarity", "Span F1, exact with polarity",
        lambda items: span_agreement.span_f1_counted(
            items.marked, span_agreement.exact_with_polarity
        ),
    ),
    Kind(
        "f1_overlapping", "Span F1, overlapping",
        lambda items: span_agreement.span_f1_counted(items.marked, span_agreement.overlapping),
    ),
)  # fmt: skip
KINDS = {kind.key: kind for kind in _KINDS}

_OF_ALL = {
    "choice": ("percent", "alpha_nominal", "fleiss", "ac1"),
    "number": ("percent", "alpha_interval", "alpha_ordinal", "ac2"),
    "multichoice": ("percent", "alpha_masi"),
    "spans": ("percent", "f1_exact", "f1_overlapping"),
}
#: The first is shown unless another is asked for.
OF_PAIRS = {
    "choice": ("kappa", "percent", "alpha_nominal", "ac1"),
    "number": (
        "kappa_quadratic", "kappa_linear", "kappa", "percent", "alpha_interval", "alpha_ordinal",
    ),
    "multichoice": ("alpha_masi", "percent"),
    "spans": ("f1_exact", "f1_overlapping", "percent"),
}  # fmt: skip
#: Beside the others where spans have a polarity.
_OF_POLARITY = "f1_polarity"


def of_pairs_keys(question: QuestionSnapshot) -> tuple[str, ...]:
    """Return the measures that fit two people's answers to a question, the usual one first."""
    return _fitting(question, OF_PAIRS[question.kind])


def _fitting(question: QuestionSnapshot, keys: tuple[str, ...]) -> tuple[str, ...]:
    return (*keys, _OF_POLARITY) if question.has_polarity else keys


# --- All people -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Named:
    """A figure and what it measures."""

    key: str
    name: str
    figure: Figure


def of_question(
    question: QuestionSnapshot, answered: Mapping[int, Mapping[int, AnswerValue]]
) -> list[Named]:
    """Return how far all people agree on one question, by every measure that fits it."""
    items = Items(question, Counter(tuple(people.values()) for people in answered.values()))
    return [_named(KINDS[key], items) for key in _fitting(question, _OF_ALL[question.kind])]


def _named(kind: Kind, items: Items) -> Named:
    return Named(kind.key, kind.name, _figure(kind, items))


def _figure(kind: Kind, items: Items) -> Figure:
    if kind.is_of_scale and len(items.ratings.values) > MAX_VALUES:
        return Figure(None, items.ratings.item_count, reason=_TOO_MANY)
    return figure(kind.build(items))


# --- Two people at a time -------------------------------------------------------------------------


def of_pairs(
    question: QuestionSnapshot,
    answered: Mapping[int, Mapping[int, AnswerValue]],
    people: Sequence[int],
    measure: str = "",
) -> dict[tuple[int, int], Figure]:
    """Return how far each two people agree who answered anything in common."""
    kind = KINDS[measure or OF_PAIRS[question.kind][0]]
    place_of = {who: place for place, who in enumerate(people)}
    both: dict[tuple[int, int], Counter[tuple[AnswerValue, ...]]] = {}
    for of_review in answered.values():
        present = sorted((who for who in of_review if who in place_of), key=place_of.__getitem__)
        for pair in combinations(present, 2):
            both.setdefault(pair, Counter())[of_review[pair[0]], of_review[pair[1]]] += 1
    return {pair: _figure(kind, Items(question, said)) for pair, said in both.items()}


# --- One option at a time -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OfOption:
    """How far people agree on one answer, and how often it is given."""

    key: str
    name: str
    colour: int
    figures: tuple[Named, ...]


def of_options(
    question: QuestionSnapshot, answered: Mapping[int, Mapping[int, AnswerValue]]
) -> list[OfOption]:
    """Return a row for every option of a question, or for every step of a small scale."""
    several = Counter(tuple(people.values()) for people in answered.values() if len(people) > 1)
    marked = _by_option(several) if question.kind == "spans" else {}
    return [
        OfOption(key, name, colour, tuple(_of_option(question, several, key, marked.get(key, {}))))
        for key, name, colour in _choices(question)
    ]


def _choices(question: QuestionSnapshot) -> list[tuple[str, str, int]]:
    if question.steps:
        return [(str(step), str(step), 0) for step in question.steps]
    return [(option.key, option.name, option.colour) for option in question.options]


def _by_option(items: Counted) -> dict[str, Counter[tuple[AnswerValue, ...]]]:
    """Return items with the spans of one option only, those that have any, for each option."""
    found: dict[str, Counter[tuple[AnswerValue, ...]]] = {}
    for item, count in items.items():
        people = [answer for answer in item if isinstance(answer, tuple)]
        for key in {span.option for answer in people for span in answer}:
            found.setdefault(key, Counter())[tuple(_only(each, key) for each in people)] += count
    return found


def _uses(items: Counted, key: str) -> Counter[tuple[Hashable, ...]]:
    uses: Counter[tuple[Hashable, ...]] = Counter()
    for item, count in items.items():
        uses[tuple(gives(answer, key) for answer in item)] += count
    return uses


def _span_uses(items: Counted, concerned: Counted) -> Counter[tuple[Hashable, ...]]:
    """Return who marked anything with an option, by item; `concerned` has its spans alone."""
    uses: Counter[tuple[Hashable, ...]] = Counter()
    for item, count in items.items():
        uses[(False,) * len(item)] += count
    for item, count in concerned.items():
        uses[(False,) * len(item)] -= count
        uses[tuple(map(bool, item))] += count
    return +uses


def _of_option(
    question: QuestionSnapshot, items: Counted, key: str, concerned: Counted
) -> Iterator[Named]:
    is_spans = question.kind == "spans"
    given = ratings_of_counted(_span_uses(items, concerned) if is_spans else _uses(items, key))
    if is_spans:
        for name in _fitting(question, ("f1_exact", "f1_overlapping")):
            yield _of_use(KINDS[name].name, name, KINDS[name].build(Items(question, concerned)))
    else:
        yield _of_use("Agreement on it", "specific", agreement.specific(given, True))
    yield Named("prevalence", "Share of answers", figure(agreement.share(given, True)))


def _of_use(name: str, key: str, measure: Measure) -> Named:
    return Named(
        key, name, figure(measure) if measure.item_count else Figure(None, 0, reason=_UNUSED)
    )


def gives(answer: AnswerValue, key: str) -> bool:
    """Tell whether an answer is, or contains, the option or step called `key`."""
    if isinstance(answer, tuple):
        return any(span.option == key for span in answer)
    if isinstance(answer, frozenset):
        return key in answer
    return f"{answer:g}" == key if isinstance(answer, float) else answer == key


def _only(answer: AnswerValue, key: str) -> tuple[SpanValue, ...]:
    assert isinstance(answer, tuple)  # noqa: S101  (a question about spans)
    return tuple(span for span in answer if span.option == key)


# --- What is behind a figure ----------------------------------------------------------------------

SHOWN = ("all", "different", "equal")


def behind(
    answered: Mapping[int, Mapping[int, AnswerValue]],
    *,
    pair: Sequence[int] = (),
    option: str = "",
    show: str = "all",
) -> list[int]:
    """Return the reviews that a figure rests on, in the order of `answered`.

    With `pair` those that both answered, with `option` those to which somebody gave it.
    """
    found = []
    for review_id, people in answered.items():
        said = [people[who] for who in pair if who in people] if pair else list(people.values())
        if len(said) < 2 or (pair and len(said) < len(pair)):
            continue
        if option and not any(gives(answer, option) for answer in said):
            continue
        if show == "all" or (show == "equal") == is_equal(said, option):
            found.append(review_id)
    return found


def is_equal(said: Sequence[AnswerValue], option: str = "") -> bool:
    """Tell whether all gave the same answer; of one option, whether all or none gave it."""
    if option and not any(isinstance(answer, tuple) for answer in said):
        return len({gives(answer, option) for answer in said}) == 1
    kept = [_only(answer, option) if option else answer for answer in said]
    return len({comparable(answer) for answer in kept}) == 1
