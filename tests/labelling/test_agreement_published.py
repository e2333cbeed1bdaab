"""Measures of agreement against worked examples that others have published."""

from collections.abc import Sequence

import pytest

from labelling import agreement, alpha, gwet, kappa, span_agreement
from labelling.bootstrap import NO_PAIR, Measure, figure
from labelling.ratings import Ratings, ratings_of
from labelling.spans import SpanValue

_X = None
Row = Sequence[int | str | None]


def by_people(*rows: Row) -> Ratings:
    """Return the answers of people, one row each, one column an item, None for no answer."""
    return ratings_of(
        [[answer for answer in column if answer is not None] for column in zip(*rows, strict=True)]
    )


def value(measure: Measure) -> float | None:
    return figure(measure, resamples=0).value


# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C: four observers,
# twelve units, missing data. The same table is cac.raw4raters in Gwet's package irrCAC.
OBSERVERS = by_people(
    [1, 2, 3, 3, 2, 1, 4, 1, 2, _X, _X, _X],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _X, 3],
    [_X, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _X],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _X],
)


def test_alpha_is_what_krippendorff_computes() -> None:
    assert value(alpha.nominal_alpha(OBSERVERS)) == pytest.approx(0.743, abs=5e-4)
    assert value(alpha.ordinal_alpha(OBSERVERS)) == pytest.approx(0.815, abs=5e-4)
    assert value(alpha.interval_alpha(OBSERVERS)) == pytest.approx(0.849, abs=5e-4)
    assert (OBSERVERS.item_count, OBSERVERS.pair_count) == (11, 55)


def test_gwets_coefficients_are_those_of_his_package() -> None:
    """Gwet, "Handbook of Inter-Rater Reliability" (2014); figures as irrCAC 0.4.4 prints them."""
    assert value(gwet.ac1(OBSERVERS)) == pytest.approx(0.77544, abs=5e-6)
    assert value(gwet.ac2(OBSERVERS)) == pytest.approx(0.91400, abs=5e-6)
    assert value(gwet.ac2(OBSERVERS, power=1)) == pytest.approx(0.85874, abs=5e-6)
    assert value(kappa.fleiss_kappa(OBSERVERS)) == pytest.approx(0.76117, abs=5e-6)


def test_alpha_of_three_coders() -> None:
    """Wikipedia, "Krippendorff's alpha": three coders, fifteen units."""
    coders = by_people(
        [_X, _X, _X, _X, _X, 3, 4, 1, 2, 1, 1, 3, 3, _X, 3],
        [1, _X, 2, 1, 3, 3, 4, 3, _X, _X, _X, _X, _X, _X, _X],
        [_X, _X, 2, 1, 3, 4, 4, _X, 2, 1, 1, 3, 3, _X, 4],
    )

    assert value(alpha.nominal_alpha(coders)) == pytest.approx(0.691358, abs=5e-7)
    assert value(alpha.interval_alpha(coders)) == pytest.approx(0.810845, abs=5e-7)


def test_alpha_of_words() -> None:
    """From the tests of the package krippendorff (pln-fing-udelar/fast-krippendorff)."""
    coders = by_people(
        ["pos", "neg", "neu", None], ["pos", "neg", "neu", "pos"], ["pos", "neg", "pos", "pos"]
    )

    assert value(alpha.nominal_alpha(coders)) == pytest.approx(0.722222, abs=5e-7)


def test_fleiss_kappa_is_that_of_the_textbook() -> None:
    """Wikipedia, "Fleiss' kappa": fourteen raters, ten items, five categories."""
    counts = [
        (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
        (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
    ]  # fmt: skip
    items = [[code for code, count in enumerate(row) for _ in range(count)] for row in counts]

    measured = value(kappa.fleiss_kappa(ratings_of(items)))

    assert measured == pytest.approx(0.209930704422)


# The example of a 3 x 3 table in SAS/STAT's documentation of PROC FREQ, as in statsmodels' tests.
SAS = [[0, 4, 1], [0, 8, 0], [0, 1, 5]]


def test_cohens_kappa_plain_and_weighted() -> None:
    pairs = [
        (row, column)
        for row, cells in enumerate(SAS)
        for column, count in enumerate(cells)
        for _ in range(count)
    ]

    assert value(kappa.cohen_kappa(pairs)) == pytest.approx(0.4842, abs=5e-5)
    assert value(kappa.cohen_kappa(pairs, power=1)) == pytest.approx(0.4701, abs=5e-5)


def test_kappa_is_what_cohen_defines() -> None:
    """Fifty proposals: 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no; kappa is 0.40."""
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15

    measured = figure(kappa.cohen_kappa(pairs))

    assert measured.value == pytest.approx(0.4)
    assert measured.item_count == 50
    assert measured.low is not None
    assert measured.high is not None
    assert measured.low < 0.4 < measured.high


def test_observed_agreement_and_pi_of_artstein_and_poesio() -> None:
    """Artstein and Poesio, "Inter-Coder Agreement for Computational Linguistics" (2008), table 1.

    Pi of two coders is Fleiss' kappa: 0.7995, as NLTK's multi_pi has it.
    """
    said = {"stat stat": 46, "ireq stat": 6, "ireq ireq": 32, "ireq chck": 6, "chck chck": 10}
    items = [pair.split() for pair, count in said.items() for _ in range(count)]

    assert value(agreement.percent(ratings_of(items))) == pytest.approx(0.88)
    assert value(kappa.fleiss_kappa(ratings_of(items))) == pytest.approx(0.7995322418977615)


def test_specific_agreement_is_that_of_spitzer_and_fleiss() -> None:
    """Of a table with a both, b and c one, d none: 2a / (2a + b + c); here 2 * 20 / (40 + 15)."""
    items = [[True, True]] * 20 + [[True, False]] * 5 + [[False, True]] * 10 + [[False, False]] * 15

    measured = figure(agreement.specific(ratings_of(items), True))

    assert measured.value == pytest.approx(40 / 55)
    assert measured.item_count == 35
    assert value(agreement.share(ratings_of(items), True)) == pytest.approx(55 / 100)


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ({"a"}, {"a"}, 0.0),
        (set(), set(), 0.0),
        ({"a"}, {"a", "b"}, 1 - 2 / 3 * 1 / 2),
        ({"a", "c"}, {"a", "b"}, 1 - 1 / 3 * 1 / 3),
        ({"a"}, {"b"}, 1.0),
        (set(), {"b"}, 1.0),
    ],
    ids=["equal", "both empty", "subset", "crossing", "disjoint", "one is empty"],
)
def test_masi_distance(one: set[str], other: set[str], distance: float) -> None:
    apart = alpha.masi([frozenset(one), frozenset(other)])

    assert apart[0, 1] == pytest.approx(distance)
    assert apart[1, 0] == pytest.approx(distance)
    assert apart[0, 0] == 0


# --- Spans ----------------------------------------------------------------------------------------


def span(start: int, end: int, option: str = "price", polarity: str = "") -> SpanValue:
    return SpanValue(start, end, option, polarity, "x" * (end - start))


def test_spans_match_exactly_whatever_their_polarity() -> None:
    one = (span(0, 5), span(6, 9), span(20, 22, "size"))
    other = (span(0, 5, polarity="positive"), span(6, 10), span(20, 22))

    measured = figure(span_agreement.span_f1([[one, other]], span_agreement.exact))

    assert measured.value == pytest.approx(2 * 1 / 6)
    assert measured.item_count == 1


def test_with_polarity_spans_that_say_good_and_bad_do_not_match() -> None:
    one = (span(0, 5, polarity="positive"), span(6, 9, polarity="negative"), span(12, 14))
    other = (span(0, 5, polarity="positive"), span(6, 9, polarity="positive"), span(12, 15))
    match = span_agreement.exact_with_polarity

    assert match(one, other) == match(other, one) == 1
    measured = figure(span_agreement.span_f1([[one, other]], match))
    assert measured.value == pytest.approx(2 * 1 / 6)
    assert span_agreement.exact(one, other) == 2


def test_spans_that_overlap_are_matched_one_to_one_and_as_many_as_possible() -> None:
    wide, narrow = span(0, 20), span(0, 4)
    one, other = (wide, narrow), (narrow, span(10, 12))

    # The narrow one meets only the narrow one, so the wide one has to take the second.
    assert span_agreement.overlapping(one, other) == 2
    assert span_agreement.overlapping((wide,), other) == 1
    assert span_agreement.overlapping((wide,), (span(0, 20, "size"),)) == 0
    assert span_agreement.overlapping((span(0, 5),), (span(5, 9),)) == 0


def test_f1_is_micro_over_pairs_of_people_and_items() -> None:
    a, b = span(0, 5), span(6, 9)
    items: list[list[tuple[SpanValue, ...]]] = [[(a,), (a,), (b,)], [(a, b), (a,)], [(a,)]]

    measured = figure(span_agreement.span_f1(items, span_agreement.exact))

    # Pairs: one of one, none of one, none of one; one of two and one.
    assert measured.value == pytest.approx((2 * 1 + 2 * 1) / (2 + 2 + 2 + 3))
    assert measured.item_count == 2


# --- Where there is no figure ---------------------------------------------------------------------

ALL_SAME = ratings_of([["a", "a"]] * 5)
NO_TWO = ratings_of([["a"], ["b"]])
NOBODY = ratings_of([])


@pytest.mark.parametrize("ratings", [NO_TWO, NOBODY], ids=["no item with two", "nobody"])
def test_without_a_pair_there_is_no_figure(ratings: Ratings) -> None:
    for measure in (
        agreement.percent(ratings),
        agreement.specific(ratings, "a"),
        alpha.nominal_alpha(ratings),
        alpha.ordinal_alpha(ratings),
        kappa.fleiss_kappa(ratings),
        gwet.ac1(ratings, value_count=2),
        kappa.cohen_kappa([]),
        span_agreement.span_f1([[()]], span_agreement.exact),
    ):
        measured = figure(measure)

        assert measured.value is None
        assert measured.item_count == 0
        assert measured.reason == NO_PAIR


@pytest.mark.parametrize(
    "measure",
    [
        alpha.nominal_alpha(ALL_SAME),
        alpha.ordinal_alpha(ALL_SAME),
        alpha.interval_alpha(ratings_of([[3, 3]] * 5)),
        alpha.masi_alpha(ratings_of([[frozenset("a")] * 2] * 5)),
        kappa.fleiss_kappa(ALL_SAME),
        kappa.cohen_kappa([("a", "a")] * 5),
        kappa.cohen_kappa([(3, 3)] * 5, power=2),
        gwet.ac1(ALL_SAME),
        span_agreement.span_f1([[(), ()]] * 5, span_agreement.exact),
    ],
    ids=["nominal", "ordinal", "interval", "masi", "fleiss", "cohen", "weighted", "ac1", "spans"],
)
def test_what_chance_explains_is_said_in_words_and_never_one(measure: Measure) -> None:
    measured = figure(measure)

    assert measured.value is None
    assert (measured.low, measured.high) == (None, None)
    assert measured.item_count == 5
    assert "not defined" in measured.reason


def test_ac1_knows_of_answers_that_nobody_gave() -> None:
    assert value(gwet.ac1(ALL_SAME, value_count=3)) == 1.0


def test_one_item_has_no_interval() -> None:
    measured = figure(agreement.percent(ratings_of([["a", "b"]])))

    assert (measured.value, measured.low, measured.high) == (0.0, None, None)


def test_an_interval_of_which_most_draws_are_undefined_is_not_given() -> None:
    """Two items, of which only one makes chance less than everything."""
    measured = figure(kappa.cohen_kappa([("a", "a"), ("b", "b")]))

    assert measured.value == 1.0
    assert measured.low is None
