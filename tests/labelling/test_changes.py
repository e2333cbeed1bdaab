"""Changes of questions as values: what they make of questions, and of answers given before."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import Invalid
from labelling.answers import Answers, AnswerValue
from labelling.change_json import from_json, to_json
from labelling.change_words import words
from labelling.changes import (
    AddOption,
    AddQuestion,
    Adjust,
    Change,
    Merge,
    Questions,
    RemoveQuestion,
    Rename,
    Reorder,
    Retire,
    SetBounds,
    Split,
    apply,
    between,
    step_between,
)
from labelling.reading import Reading
from labelling.snapshot import OptionSnapshot, QuestionSnapshot
from labelling.spans import SpanValue


def option(key: str) -> OptionSnapshot:
    return OptionSnapshot(key, key.upper())


def asked(key: str, kind: str, *options: str, **fields: object) -> QuestionSnapshot:
    return QuestionSnapshot(key, key.upper(), kind, tuple(map(option, options)), **fields)  # type: ignore[arg-type]


TONE = asked("tone", "choice", "a", "b", "c")
TOPICS = asked("topics", "multichoice", "a", "b", "c")
MARKS = asked("marks", "spans", "a", "b", "c", has_polarity=True)
SCORE = asked("score", "number", minimum=0, maximum=10)
ALL = (TONE, TOPICS, MARKS, SCORE)


def span(start: int, end: int, key: str, polarity: str = "") -> SpanValue:
    return SpanValue(start, end, key, polarity, "x" * (end - start))


ANSWERS: Answers = {
    "tone": "a",
    "topics": frozenset({"a", "b"}),
    "marks": (span(0, 3, "a", "positive"), span(5, 6, "c")),
    "score": 7.0,
}


def read(*changes: Change, answers: Answers = ANSWERS) -> Answers:
    return Reading((apply(ALL, changes).step,)).carry(answers)


def of_all(make: object, **fields: object) -> list[Change]:
    return [make(question=key, **fields) for key in ("tone", "topics", "marks")]  # type: ignore[operator]


def test_a_renamed_option_keeps_its_answers() -> None:
    changes = of_all(Rename, option="a", name="Else")

    assert read(*changes) == ANSWERS
    assert apply(ALL, changes).questions[0].options[0] == OptionSnapshot("a", "Else")


def test_merged_options_read_as_the_one_that_they_have_become() -> None:
    changes = of_all(Merge, options=("a", "b"), into="ab", name="AB")

    assert read(*changes) == {
        "tone": "ab",
        "topics": frozenset({"ab"}),
        "marks": (span(0, 3, "ab", "positive"), span(5, 6, "c")),
        "score": 7.0,
    }
    assert [each.key for each in apply(ALL, changes).questions[0].options] == ["ab", "c"]


def test_options_merge_into_one_that_is_there() -> None:
    applied = apply(ALL, [Merge(question="tone", options=("b", "c"), into="c")])

    assert [each.key for each in applied.questions[0].options] == ["a", "c"]
    assert applied.step["tone"].options == {"a": "a", "b": "c", "c": "c"}


@pytest.mark.parametrize("make", [Retire, Split], ids=["retired", "split"])
def test_an_answer_that_names_a_lost_option_is_needed_again_whole(make: type[Change]) -> None:
    more: dict[str, object] = {"into": (option("x"), option("y"))} if make is Split else {}

    found = read(*of_all(make, option="a", **more))

    assert found == {"score": 7.0}


def test_an_answer_that_names_other_options_stands() -> None:
    assert read(*of_all(Retire, option="b")) == {
        key: value for key, value in ANSWERS.items() if key != "topics"
    }


def test_a_key_that_comes_back_is_a_new_one() -> None:
    again: list[Change] = [
        Retire(question="tone", option="a"),
        AddOption(question="tone", option=option("a")),
        RemoveQuestion(question="score"),
        AddQuestion(question=SCORE),
    ]

    applied = apply(ALL, again)

    assert {question.key for question in applied.questions} == {each.key for each in ALL}
    assert read(*again).keys() == {"topics", "marks"}
    assert not applied.is_plain


def test_numbers_out_of_bounds_are_needed_again_for_good() -> None:
    narrow = apply(ALL, [SetBounds(question="score", minimum=0, maximum=5)])
    wide = apply(narrow.questions, [SetBounds(question="score", minimum=0, maximum=10)])

    assert Reading((narrow.step, wide.step)).carry({"score": 7.0}) == {}
    assert Reading((narrow.step, wide.step)).carry({"score": 5.0}) == {"score": 5.0}


def test_whole_numbers_only_leave_fractions_behind() -> None:
    whole = apply(ALL, [SetBounds(question="score", is_integer=True)])

    assert Reading((whole.step,)).carry({"score": 2.5}) == {}


def test_merged_spans_that_say_good_and_bad_at_once_are_needed_again() -> None:
    both: Answers = {"marks": (span(0, 3, "a", "positive"), span(0, 3, "b", "negative"))}
    same: Answers = {"marks": (span(0, 3, "a", "positive"), span(0, 3, "b", "positive"))}
    merge = Merge(question="marks", options=("a", "b"), into="a")

    assert read(merge, answers=both) == {}
    assert read(merge, answers=same) == {"marks": (span(0, 3, "a", "positive"),)}


def test_spans_that_share_characters_are_needed_again_where_none_may() -> None:
    sharing: Answers = {"marks": (span(0, 3, "a"), span(2, 4, "c"))}
    apart = Adjust(question="marks", allows_overlap=False)

    assert read(apart, answers=sharing) == {}
    assert read(apart, answers={"marks": ANSWERS["marks"]}) == {"marks": ANSWERS["marks"]}


def test_without_polarity_spans_are_read_without() -> None:
    assert read(Adjust(question="marks", has_polarity=False))["marks"] == (
        span(0, 3, "a"),
        span(5, 6, "c"),
    )


def test_what_is_lost_may_be_opened_again_under_every_name_it_had() -> None:
    changes: list[Change] = [
        Merge(question="tone", options=("a", "b"), into="ab", name="AB"),
        Split(question="tone", option="ab", into=(option("x"), option("y")), reopen=True),
        Retire(question="topics", option="a"),
        AddQuestion(question=replace(SCORE, key="new"), reopen=True),
    ]

    assert apply(ALL, changes).reopened == {("tone", "a"), ("tone", "b"), ("new", "")}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (Rename(question="mood", name="Mood"), "no question 'mood'"),
        (Rename(question="tone", option="z", name="Z"), "has no option 'z'"),
        (Merge(question="tone", options=("a",), into="a"), "Two or more"),
        (Merge(question="tone", options=("a", "b"), into="new"), "name it"),
        (Split(question="tone", option="a", into=(option("x"),)), "two or more"),
        (AddQuestion(question=TONE), "already"),
        (Reorder(keys=("tone",)), "each of them once"),
        (Reorder(question="tone", keys=("a", "a", "b")), "each of them once"),
    ],
    ids=["question", "option", "one", "unnamed", "into one", "twice", "some", "double"],
)
def test_a_change_that_cannot_be_made_is_refused(change: Change, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        apply(ALL, [change])


def test_changes_are_said_by_the_names_that_people_know() -> None:
    said = words(
        ALL,
        [
            Rename(question="tone", name="Mood"),
            Merge(question="tone", options=("a", "b"), into="ab", name="Good"),
            Retire(question="tone", option="ab"),
            SetBounds(question="score", minimum=1, maximum=5, is_integer=True),
            RemoveQuestion(question="topics"),
        ],
    )

    assert said == [
        "TONE: rename it “Mood”",
        "Mood: merge “A”, “B” into “Good”",
        "Mood: retire “Good”",
        "SCORE: take whole numbers from 1 to 5",
        "TOPICS: ask it no more",
    ]


# --- JSON ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ("x", "changes"),
        ([{"do": "explode"}], "changes[0].do"),
        ([None], "changes[0].do"),
        ([{"do": ["rename"]}], "changes[0].do"),
        ([{"do": "rename", "question": "tone"}], "changes[0].name"),
        ([{"do": "rename", "question": 1, "name": "x"}], "changes[0].question"),
        ([{"do": "rename", "question": "tone", "name": "\x00"}], "changes[0].name"),
        ([{"do": "rename", "question": "tone", "name": "\ud800"}], "changes[0].name"),
        ([{"do": "retire", "question": "a", "option": "b", "x": 1}], "changes[0].x"),
        ([{"do": "retire", "question": "a", "option": "b", "reopen": 1}], "changes[0].reopen"),
        ([{"do": "merge", "question": "a", "options": "ab", "into": "c"}], "changes[0].options"),
        ([{"do": "set_bounds", "question": "a", "minimum": True}], "changes[0].minimum"),
        ([{"do": "set_bounds", "question": "a", "minimum": 10**400}], "changes[0].minimum"),
        ([{"do": "split", "question": "a", "option": "b", "into": [{}]}], "changes[0].into[0].key"),
        ([{"do": "add_question", "question": {"key": "a", "id": 4}}], "changes[0].question.id"),
    ],
)  # fmt: skip
def test_json_that_is_no_change_is_refused_by_its_place(raw: object, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        from_json(raw)

    assert refused.value.errors[0].field == field


# --- Any changes ----------------------------------------------------------------------------------

KEYS = st.sampled_from("abcdexy")
QUESTIONS = st.sampled_from(["tone", "topics", "marks", "score", "new"])
CHANGES: st.SearchStrategy[Change] = st.one_of(
    st.builds(Rename, question=QUESTIONS, option=st.one_of(st.just(""), KEYS), name=st.just("N")),
    st.builds(
        Merge,
        question=QUESTIONS,
        options=st.lists(KEYS, min_size=1, max_size=3).map(tuple),
        into=KEYS,
        name=st.just("M"),
    ),
    st.builds(Split, question=QUESTIONS, option=KEYS, into=st.just((option("x"), option("y")))),
    st.builds(Retire, question=QUESTIONS, option=KEYS),
    st.builds(AddOption, question=QUESTIONS, option=KEYS.map(option)),
    st.builds(RemoveQuestion, question=QUESTIONS),
    st.builds(AddQuestion, question=st.sampled_from([*ALL, replace(SCORE, key="new")])),
    st.builds(
        SetBounds,
        question=QUESTIONS,
        minimum=st.sampled_from([None, 0.0, 3.0]),
        maximum=st.sampled_from([None, 5.0, 10.0]),
        is_integer=st.booleans(),
    ),
    st.builds(Adjust, question=QUESTIONS, has_polarity=st.booleans(), allows_overlap=st.booleans()),
)
MARKED = st.builds(
    span,
    st.integers(0, 3),
    st.integers(4, 6),
    st.sampled_from("abc"),
    st.sampled_from(["", "positive", "negative"]),
)
SAID: st.SearchStrategy[Answers] = st.fixed_dictionaries(
    {
        "tone": st.sampled_from("abc"),
        "topics": st.frozensets(st.sampled_from("abc")),
        "marks": st.lists(
            MARKED, max_size=3, unique_by=lambda each: (each.start, each.end, each.option)
        ).map(lambda spans: tuple(sorted(spans))),
        "score": st.floats(0, 10).map(float),
    }
)


def made(before: Questions, changes: list[Change]) -> tuple[list[Change], Questions]:
    """Keep of changes those that can be made one after the other."""
    kept: list[Change] = []
    for change in changes:
        try:
            questions = apply(before, [*kept, change]).questions
        except Invalid:
            continue
        if all(len({o.key for o in q.options}) == len(q.options) for q in questions):
            kept.append(change)
    return kept, apply(before, kept).questions


@given(st.lists(st.lists(CHANGES, max_size=4), max_size=5), SAID)
def test_reading_over_versions_is_reading_step_by_step(
    versions: list[list[Change]], answers: Answers
) -> None:
    questions: Questions = ALL
    steps = []
    now = answers
    for wanted in versions:
        changes, after = made(questions, wanted)
        kept = from_json(to_json(changes))
        assert list(kept) == changes
        steps.append(step_between(questions, after, kept))
        now = Reading((steps[-1],)).carry(now)
        questions = after

    assert Reading(tuple(steps)).carry(answers) == now


@given(st.lists(CHANGES, max_size=6), SAID)
def test_nothing_is_read_that_its_author_did_not_say(changes: list[Change], said: Answers) -> None:
    """Follow every option by hand: one that was lost or is new is never read."""
    kept, after = made(ALL, changes)
    origin: dict[tuple[str, str], set[str]] = {
        (question.key, each.key): {each.key} for question in ALL for each in question.options
    }
    for change in kept:
        if isinstance(change, Merge):
            gone = {key for key in change.options if key != change.into}
            found = origin.setdefault((change.question, change.into), set())
            for key in gone:
                found |= origin.pop((change.question, key), set())
        elif isinstance(change, Retire | Split):
            origin[change.question, change.option] = set()
        elif isinstance(change, RemoveQuestion):
            origin = {at: keys for at, keys in origin.items() if at[0] != change.question}

    found_answers = Reading((step_between(ALL, after, kept),)).carry(said)

    now = {question.key: question for question in after}
    for key, value in found_answers.items():
        for option_key in _named(value):
            assert now[key].option(option_key) is not None
            assert origin.get((key, option_key), set()) & _named(said[key])


def _named(value: AnswerValue) -> set[str]:
    if isinstance(value, str):
        return {value}
    if isinstance(value, frozenset):
        return set(value)
    return {each.option for each in value} if isinstance(value, tuple) else set()


@given(st.lists(CHANGES, max_size=6))
def test_changes_between_two_sets_lead_from_one_to_the_other(changes: list[Change]) -> None:
    _, after = made(ALL, changes)

    assert apply(ALL, between(ALL, after)).questions == after
