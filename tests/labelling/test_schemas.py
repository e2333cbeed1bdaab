"""Questions: presets, keys, rules, versions and what moves along."""

from collections import Counter
from dataclasses import replace

import pytest

from accounts.models import User
from common.errors import Conflict, Invalid
from labelling import hotkeys, schemas, services
from labelling.models import Gold, LabelSchema
from labelling.presets import PRESETS
from labelling.selectors import current_schema, gold_counts, gold_examples
from labelling.snapshot import OptionSnapshot, QuestionSnapshot
from projects.models import Project
from reviews import splitting
from tests import factories

CHOICE = QuestionSnapshot(
    key="tone",
    name="Tone",
    kind="choice",
    options=(OptionSnapshot("warm", "Warm"), OptionSnapshot("cold", "Cold", 2)),
)
NUMBER = QuestionSnapshot(key="score", name="Score", kind="number", minimum=0, maximum=10)
ANSWERS = {"sentiment": "positive", "rating": 4, "aspects": ["price", "quality"]}


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_every_preset_can_be_asked_and_no_two_answers_share_a_key(preset: object) -> None:
    questions = PRESETS[preset.key].questions  # type: ignore[attr-defined]

    schemas.check(questions)

    used = Counter(key for keys in hotkeys.layout(questions).values() for key in keys.values())
    assert all(count == 1 for count in used.values())
    assert not set(used) & hotkeys.RESERVED
    wanted = sum(len(question.options) + len(question.steps) for question in questions)
    assert used.total() >= wanted


def test_keys_of_product_reviews_lie_side_by_side() -> None:
    keys = hotkeys.layout(PRESETS["product-reviews"].questions)

    assert list(keys["sentiment"].values()) == ["1", "2", "3"]
    assert list(keys["rating"].values()) == list("qwert")
    assert {key: letter.upper() for key, letter in keys["aspects"].items()} == keys["aspect_spans"]


def test_an_option_keeps_the_key_it_was_given() -> None:
    own = replace(CHOICE, options=(OptionSnapshot("warm", "Warm", hot_key="2"), CHOICE.options[1]))

    assert hotkeys.layout([own])["tone"] == {"warm": "2", "cold": "1"}


@pytest.mark.parametrize(
    ("questions", "says"),
    [
        ([CHOICE, CHOICE], "Two questions"),
        ([replace(CHOICE, key="No Way")], "lower-case"),
        ([replace(CHOICE, name="  ")], "Give it a name"),
        ([replace(CHOICE, name="x" * 101)], "at most 100"),
        ([replace(CHOICE, name="a\nb")], "control characters"),
        ([replace(CHOICE, options=CHOICE.options[:1])], "2 to 100 options"),
        ([replace(CHOICE, options=(CHOICE.options[0], CHOICE.options[0]))], "Two options"),
        ([replace(CHOICE, options=(OptionSnapshot("a", "A", 13), CHOICE.options[0]))], "Colours"),
        ([replace(CHOICE, options=(OptionSnapshot("a", "A", 1, "s"), CHOICE.options[0]))], "key"),
        ([replace(CHOICE, has_polarity=True)], "Only spans"),
        ([replace(CHOICE, minimum=1)], "Only numbers"),
        ([replace(NUMBER, minimum=10)], "not below"),
        ([replace(NUMBER, options=CHOICE.options)], "no options"),
        ([replace(CHOICE, kind="essay")], "none of choice"),  # type: ignore[arg-type]
    ],
    ids=[
        "same key", "bad key", "blank name", "long name", "line break", "one option",
        "same options", "colour", "reserved key", "polarity", "bounds", "bounds crossed",
        "options of a number", "kind",
    ],
)  # fmt: skip
def test_questions_that_cannot_be_asked_are_refused(
    questions: list[QuestionSnapshot], says: str
) -> None:
    with pytest.raises(Invalid, match=says):
        schemas.check(questions)


def test_names_may_be_naughty() -> None:
    naughty = [
        "<script>alert(1)</script>",
        "Ω≈ç√∫",
        "👩‍👩‍👧‍👧",
        "\u202etest",
        "'; DROP TABLE",
        "NULL",
        "田",
    ]
    options = tuple(
        OptionSnapshot(schemas.key_of(name, ["x"] if at else []) + f"_{at}", name)
        for at, name in enumerate(naughty)
    )

    schemas.check([replace(CHOICE, options=options)])


def test_keys_are_made_from_names() -> None:
    assert schemas.key_of("Café & Länge!") == "cafe_lange"
    assert schemas.key_of("Value for money") == "value_for_money"
    assert schemas.key_of("田", ["x"]) == "x_2"


def test_a_blank_project_asks_nothing(owner: User) -> None:
    project = factories.project(owner=owner, slug="empty", preset="blank")

    assert current_schema(project).questions == ()


def labelled(project: Project, owner: User, answers: dict[str, object] = ANSWERS) -> None:
    review = factories.review(project)
    services.record_annotation(review=review, annotator=owner, answers=answers)


def test_gold_of_unchanged_questions_moves_along(project: Project, owner: User) -> None:
    labelled(project, owner)
    before = current_schema(project)

    after = services.create_version(
        project=project, questions=[*before.questions, CHOICE], actor=owner
    )

    assert after.version == 2
    splitting.freeze(project)
    example = next(gold_examples(project))
    assert example.answers["sentiment"] == "positive"
    assert example.answers["rating"] == 4.0
    assert example.answers["aspects"] == frozenset({"price", "quality"})
    assert gold_counts(project)["tone"]["train"] == 0
    assert gold_counts(project)["sentiment"]["train"] == 1
    assert LabelSchema.objects.get(project=project, version=1).frozen_at is not None


def test_gold_of_a_dropped_option_stays_behind(project: Project, owner: User) -> None:
    labelled(project, owner)
    before = current_schema(project)
    kept = [
        replace(each, options=tuple(o for o in each.options if o.key != "positive"))
        for each in before.questions
    ]

    services.create_version(project=project, questions=kept, actor=owner)

    assert gold_counts(project)["sentiment"]["train"] == 0
    assert Gold.objects.filter(question__key="sentiment").count() == 1


def test_gold_out_of_the_new_bounds_stays_behind(project: Project, owner: User) -> None:
    labelled(project, owner)
    narrower = [
        replace(each, maximum=3) if each.key == "rating" else each
        for each in current_schema(project).questions
    ]

    services.create_version(project=project, questions=narrower, actor=owner)

    assert gold_counts(project)["rating"]["train"] == 0


def test_the_same_questions_again_make_no_version(project: Project, owner: User) -> None:
    schema = current_schema(project)

    again = services.create_version(project=project, questions=schema.questions, actor=owner)

    assert again.version == 1


def test_changes_to_an_old_version_are_a_conflict(project: Project, owner: User) -> None:
    schema = current_schema(project)
    services.create_version(project=project, questions=[CHOICE], actor=owner)

    with pytest.raises(Conflict, match="version 2 is"):
        services.create_version(
            project=project, questions=schema.questions, actor=owner, based_on=1
        )


@pytest.mark.parametrize("bound", [float("inf"), float("-inf"), float("nan")])
def test_a_bound_that_is_no_number_is_refused(bound: float) -> None:
    with pytest.raises(Invalid, match="finite"):
        schemas.check([replace(NUMBER, minimum=bound)])
