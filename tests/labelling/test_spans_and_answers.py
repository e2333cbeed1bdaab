"""Spans and answers against the text and the questions, without a database."""

from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import Invalid
from labelling import answers, consensus, spans
from labelling.presets import PRESETS
from labelling.snapshot import SchemaSnapshot
from labelling.spans import SpanValue

TEXT = "Great price 👍🏽, bad box"
SCHEMA = SchemaSnapshot(version=1, questions=PRESETS["product-reviews"].questions)
SPANS = next(each for each in SCHEMA.questions if each.kind == "spans")
GOOD: dict[str, Any] = {"sentiment": "positive", "rating": 4, "aspects": []}


def span(**changes: Any) -> SpanValue:
    values: dict[str, Any] = {"start": 6, "end": 11, "option": "price", "text": "price"}
    return SpanValue(**values | changes)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (span(start=11, end=6), "no range"),
        (span(start=6, end=6, text=""), "no range"),
        (span(start=-1), "no range"),
        (span(end=99), "beyond the text"),
        (span(text="prize"), "covers 'price', not 'prize'"),
        (span(start=5, end=6, text=" "), "only blanks"),
        (span(option="colour"), "no option 'colour'"),
        (span(polarity="awful"), "none of negative"),
        (span(start=12, end=13, text="👍🏽"), "code points"),
    ],
    ids=[
        "backwards", "empty", "below zero", "too long", "other words", "blanks", "option",
        "polarity", "grapheme counted as one",
    ],
)  # fmt: skip
def test_a_wrong_span_is_named_in_a_sentence(wrong: SpanValue, says: str) -> None:
    fault = spans.fault_of(wrong, TEXT, options={"price"}, has_polarity=True)

    assert fault is not None
    assert says in fault


def test_a_span_over_an_emoji_counts_code_points() -> None:
    thumb = span(start=12, end=14, text="👍🏽")

    assert spans.fault_of(thumb, TEXT, options={"price"}, has_polarity=False) is None


def test_polarity_is_refused_where_none_is_asked() -> None:
    fault = spans.fault_of(span(polarity="positive"), TEXT, options={"price"}, has_polarity=False)

    assert fault == "These spans have no polarity."


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [((0, 5), (5, 9), 0), ((0, 5), (4, 9), 1), ((0, 9), (2, 4), 2), ((3, 4), (8, 9), 0)],
    ids=["touching", "crossing", "nested", "apart"],
)
def test_overlap_counts_shared_code_points(
    one: tuple[int, int], other: tuple[int, int], shared: int
) -> None:
    a, b = SpanValue(*one, option="x"), SpanValue(*other, option="x")

    assert spans.overlap(a, b) == spans.overlap(b, a) == shared


#: What offsets go wrong over: emoji families, flags, combining marks, right to left, line ends.
NASTY = [
    "👨‍👩‍👧‍👦", "👍🏽", "🇩🇪", "1️⃣", "e\u0301", "सी", "שָׁלוֹם", "سلام", "\u1112\u1161\u11ab", "\r\n",
    "\n", "\u202e", " ", "box",
]  # fmt: skip
LETTERS = st.one_of(st.sampled_from(NASTY), st.characters(exclude_categories=["Cs"]))


@st.composite
def marked(draw: st.DrawFn) -> tuple[str, list[SpanValue]]:
    text = "".join(draw(st.lists(LETTERS, min_size=1, max_size=40)))
    edges = st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))
    ranges = draw(st.sets(edges.filter(lambda edge: edge[0] < edge[1]), max_size=8))
    values = [
        SpanValue(start, end, option="price", text=text[start:end])
        for start, end in sorted(ranges)
        if text[start:end].strip()
    ]
    return text, values


@given(marked())
def test_spans_survive_the_way_to_json_and_back(case: tuple[str, list[SpanValue]]) -> None:
    text, values = case
    written = [spans_json(value) for value in values]

    parsed = answers.parse(SCHEMA, GOOD | {"aspect_spans": written}, text)

    assert parsed["aspect_spans"] == tuple(sorted(values))
    assert answers.to_json(parsed, SCHEMA)["aspect_spans"] == [
        spans_json(value) for value in sorted(values)
    ]


@given(marked())
def test_spans_that_may_not_overlap_are_refused_just_when_two_share_a_character(
    case: tuple[str, list[SpanValue]],
) -> None:
    text, values = case
    question = replace(SPANS, allows_overlap=False)
    shared = any(spans.overlap(a, b) for a, b in combinations(values, 2))
    written = [spans_json(value) for value in values]

    if shared:
        with pytest.raises(answers.Fault, match="overlap"):
            answers.parse_one(question, written, text)
    else:
        assert answers.parse_one(question, written, text) == tuple(sorted(values))
    assert answers.parse_one(SPANS, written, text) == tuple(sorted(values))


@given(st.lists(marked().map(lambda case: tuple(case[1])), min_size=1, max_size=4))
def test_consensus_of_people_whose_spans_lie_apart_lies_apart(
    given_: list[tuple[SpanValue, ...]],
) -> None:
    apart = [each for each in given_ if spans.clash(each) is None]

    assert spans.clash(consensus.by_range(apart)) is None if apart else True


@pytest.mark.parametrize(
    ("ranges", "says"),
    [
        ([(0, 5), (5, 9)], None),
        ([(0, 5), (4, 9)], "0 to 5 (price) and 4 to 9 (price) overlap"),
        ([(2, 4), (0, 9)], "0 to 9 (price) and 2 to 4 (price) overlap"),
        ([(0, 9), (12, 14), (3, 4)], "0 to 9 (price) and 3 to 4 (price) overlap"),
        ([(3, 8), (3, 8)], "3 to 8 (price) and 3 to 8 (price) overlap"),
        ([], None),
    ],
    ids=["touching", "crossing", "nested", "not neighbours", "the same", "none"],
)
def test_a_clash_names_both_spans(ranges: list[tuple[int, int]], says: str | None) -> None:
    said = spans.clash([SpanValue(start, end, option="price") for start, end in ranges])

    assert said is None if says is None else said is not None and said.startswith(says)


def spans_json(value: SpanValue) -> dict[str, Any]:
    return answers.span_json(value, has_polarity=True)


@given(marked())
def test_pieces_put_together_are_the_text(case: tuple[str, list[SpanValue]]) -> None:
    text, values = case

    pieces = spans.pieces(text, values)

    assert "".join(piece.text for piece in pieces) == text
    for value in values:
        under = "".join(piece.text for piece in pieces if value in piece.spans)
        assert under == value.text


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"rating": 6}, "rating", '"6" is not a number from 1 to 5'),
        ({"rating": "five"}, "rating", '"five" is not a number from 1 to 5'),
        ({"rating": 3.5}, "rating", '"3.5" is not a number from 1 to 5'),
        ({"rating": True}, "rating", "is not a number"),
        ({"rating": float("nan")}, "rating", "is not a number"),
        ({"sentiment": "great"}, "sentiment", "no option 'great'"),
        ({"sentiment": ["positive"]}, "sentiment", "as a string"),
        ({"sentiment": None}, "sentiment", "needs an answer"),
        ({"aspects": "price"}, "aspects", "a list of option keys"),
        ({"aspects": ["prize"]}, "aspects", "no option 'prize'"),
        ({"aspect_spans": [{"start": 0}]}, "aspect_spans", "start, end, text and option"),
        ({"aspect_spans": ["x"]}, "aspect_spans", "start, end, text and option"),
        (
            {"aspect_spans": [{"start": "0", "end": 5, "text": "Great", "option": "price"}]},
            "aspect_spans",
            "whole numbers",
        ),
        (
            {"aspect_spans": 2 * [{"start": 0, "end": 5, "text": "Great", "option": "price"}]},
            "aspect_spans",
            "twice",
        ),
        ({"colour": "red"}, "colour", "no question 'colour'"),
    ],
    ids=[
        "above", "a word", "half", "a boolean", "nan", "no such option", "a list", "missing",
        "no list", "unknown aspect", "half a span", "no span", "offsets as text",
        "the same span twice", "unknown question",
    ],
)  # fmt: skip
def test_every_wrong_answer_is_blamed_on_its_field(
    changes: dict[str, Any], field: str, says: str
) -> None:
    with pytest.raises(Invalid) as caught:
        answers.parse(SCHEMA, GOOD | changes, TEXT)

    assert [error.field for error in caught.value.errors] == [f"answers.{field}"]
    assert says in caught.value.errors[0].message


def test_answers_that_are_no_object_are_refused() -> None:
    with pytest.raises(Invalid, match="object"):
        answers.parse(SCHEMA, ["positive"], TEXT)


def test_an_optional_question_may_stay_unanswered() -> None:
    assert set(answers.parse(SCHEMA, GOOD, TEXT)) == {"sentiment", "rating", "aspects"}


class Form(dict[str, list[str]]):
    """Stands in for a posted form."""

    def get(self, key: str, default: str = "", /) -> Any:  # type: ignore[override]
        return self[key][-1] if key in self else default

    def getlist(self, key: str, /) -> list[str]:
        return super().get(key, [])


@pytest.mark.parametrize(
    ("form", "raw"),
    [
        ({"answer.rating": ["4"]}, {"rating": 4.0, "aspects": []}),
        ({"answer.rating": ["four"]}, {"rating": "four", "aspects": []}),
        ({"answer.aspects": ["price", "quality"]}, {"aspects": ["price", "quality"]}),
        ({"answer.aspect_spans": [""]}, {"aspects": []}),
        ({"answer.aspect_spans": ["[]"]}, {"aspects": []}),
        ({"answer.aspect_spans": ["[]"], "none.aspect_spans": ["1"]},
         {"aspects": [], "aspect_spans": []}),
        ({"answer.aspect_spans": ["{broken"]}, {"aspects": [], "aspect_spans": "{broken"}),
    ],
    ids=[
        "a number", "a word", "several", "no script", "nothing marked", "said to be none",
        "broken JSON",
    ],
)  # fmt: skip
def test_a_form_becomes_answers(form: dict[str, list[str]], raw: dict[str, Any]) -> None:
    assert answers.from_form(SCHEMA, Form(form)) == raw
