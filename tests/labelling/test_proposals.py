"""Which questions an upload proposes, and questions made from the values of a column."""

import json

import pytest

from accounts.models import User
from common.errors import Invalid
from labelling import services
from labelling.fitting import fitting
from labelling.selectors import current_schema
from projects.models import Project
from reviews import proposals
from reviews.answers import sink_for
from reviews.tables import Record, Said
from tests import factories


@pytest.fixture
def blank(owner: User) -> Project:
    return factories.project(owner=owner, slug="blank", preset="blank")


SPANS = json.dumps(
    [{"start": 0, "end": 4, "label": "PER"}, {"start": 9, "end": 12, "label": "LOC"}]
)


@pytest.mark.parametrize(
    ("samples", "preset", "answers"),
    [
        pytest.param(
            {
                "Age": ["33", "61"],
                "Rating": ["5", "1"],
                "Recommended IND": ["1", "0"],
                "Department Name": ["Tops", "Dresses"],
            },
            "clothing-reviews",
            {
                "Rating": "rating",
                "Age": "age",
                "Recommended IND": "recommended",
                "Department Name": "department",
            },
            id="clothing",
        ),
        pytest.param(
            {"polarity": ["positive", "negative"], "stars": ["5", "1"]},
            "product-reviews",
            {"polarity": "sentiment", "stars": "rating"},
            id="sentiment and stars",
        ),
        pytest.param(
            {"sentiment": ["negative", "positive"], "rating": ["1", "10"]},
            "sentiment",
            {"sentiment": "sentiment"},
            id="a rating that goes to ten is none of ours",
        ),
        pytest.param(
            {"sentence": ["Anna left Oslo"], "entities": [SPANS]},
            "named-entities",
            {"entities": "entities"},
            id="entities",
        ),
        pytest.param({"overall": ["4", "3"]}, "product-reviews", {"overall": "rating"}, id="stars"),
        pytest.param(
            {"category": ["Books", "Electronics"]},
            "product-category",
            {"category": "category"},
            id="category",
        ),
    ],
)
def test_the_preset_that_fits_the_columns_is_found(
    samples: dict[str, list[str]], preset: str, answers: dict[str, str]
) -> None:
    fit = fitting(samples)

    assert fit is not None
    assert (fit.preset.key, dict(fit.answers)) == (preset, answers)


@pytest.mark.parametrize(
    "samples",
    [
        {"label": ["0", "1"], "text": ["a", "b"]},
        {"category": ["automotive", "musical_instruments"]},
        {"rating": []},
        {},
    ],
)
def test_no_preset_is_proposed_where_none_fits(samples: dict[str, list[str]]) -> None:
    assert fitting(samples) is None


def test_one_bad_cell_in_ten_does_not_hide_a_fit() -> None:
    assert fitting({"stars": [*"123451234", "n/a"]}) is not None
    assert fitting({"stars": [*"12345123", "n/a", "?"]}) is None


def test_what_a_file_carries_as_labels_comes_before_a_column(blank: Project) -> None:
    samples = {"label": ["Anna"], "ner": [SPANS]}

    proposal = proposals.propose(blank, ["label"], samples, ["ner"])

    assert proposal is not None
    assert proposal.answers == {"ner": "entities"}


def test_a_proposal_becomes_the_questions_of_a_blank_project(blank: Project, owner: User) -> None:
    proposal = proposals.propose(blank, ["stars"], {"stars": ["1", "5"]})
    assert proposal is not None
    assert proposal.name == "Product reviews"

    proposals.accept(blank, proposal.preset, owner)

    assert [each.key for each in current_schema(blank).questions][:2] == ["sentiment", "rating"]
    blank.refresh_from_db()
    assert blank.preset == "product-reviews"
    assert proposals.propose(blank, ["stars"], {"stars": ["1", "5"]}) is None


def test_a_project_in_use_keeps_its_questions(project: Project, owner: User) -> None:
    answers = {"sentiment": "positive", "rating": 4, "aspects": []}
    services.record_annotation(review=factories.review(project), annotator=owner, answers=answers)

    assert proposals.propose(project, ["entities"], {"entities": [SPANS]}) is None
    with pytest.raises(Invalid, match="have answers by now"):
        proposals.accept(project, "named-entities", owner)


def test_a_project_that_nobody_has_used_may_change_its_mind(project: Project, owner: User) -> None:
    proposal = proposals.propose(project, ["entities"], {"entities": [SPANS]})

    assert proposal is not None
    proposals.accept(project, proposal.preset, owner)
    assert [each.key for each in current_schema(project).questions] == ["entities"]


# --- Options from values --------------------------------------------------------------------------


def test_the_values_of_a_column_become_the_options_of_a_question(
    blank: Project, owner: User
) -> None:
    key = proposals.question_from_values(
        blank, owner, "Shop department", "choice", ["Books", "Toys & games", "books ", ""]
    )

    question = current_schema(blank).question(key)
    assert key == "shop_department"
    assert question is not None
    assert [each.key for each in question.options] == ["Books", "Toys & games"]
    assert sink_for(blank).parse(key, "toys & GAMES") == "Toys & games"


def test_asking_twice_adds_only_what_is_missing(blank: Project, owner: User) -> None:
    first = proposals.question_from_values(blank, owner, "Label", "choice", ["0", "1"])
    again = proposals.question_from_values(blank, owner, "Label", "choice", ["1", "2"])

    schema = current_schema(blank)
    assert first == again
    assert len(schema.questions) == 1
    assert [each.key for each in schema.questions[0].options] == ["0", "1", "2"]


def test_questions_from_values_stand_beside_those_that_are_there(
    project: Project, owner: User
) -> None:
    before = [each.key for each in current_schema(project).questions]

    key = proposals.question_from_values(project, owner, "Rating", "choice", ["low", "high"])

    assert key == "rating_2"
    assert [each.key for each in current_schema(project).questions] == [*before, key]


def test_a_number_from_values_is_whole_when_all_are(blank: Project, owner: User) -> None:
    votes = proposals.question_from_values(blank, owner, "Votes", "number", ["0", "12"])
    price = proposals.question_from_values(blank, owner, "Price", "number", ["0.5", "12"])

    schema = current_schema(blank)
    assert [schema.question(key).is_integer for key in (votes, price)] == [True, False]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("kind", "options", "says"),
    [
        ("choice", ["only one"], "Give 2 to 100 options, not 1"),
        ("choice", [str(number) for number in range(101)], "not 101"),
        ("choice", ["x" * 101, "y"], "an option has at most 100"),
        ("guess", ["a", "b"], "A question is one of choice, multichoice, number, spans"),
    ],
)
def test_values_that_cannot_be_options_are_refused(
    blank: Project, owner: User, kind: str, options: list[str], says: str
) -> None:
    with pytest.raises(Invalid, match=says):
        proposals.question_from_values(blank, owner, "Label", kind, options)

    assert current_schema(blank).version == 0


# --- What a column holds --------------------------------------------------------------------------


def _records(cells: list[str]) -> list[Record]:
    return [Record(line, [str(line), cell]) for line, cell in enumerate(cells, 1)]


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (["b", "a", "b", ""], "choice", ["b", "a"]),
        (["0", "1"], "choice", ["0", "1"]),
        (["1", "2", "3"], "number", ["1", "2", "3"]),
        (["food;price", "food"], "multichoice", ["food", "price"]),
        (['["food", "price"]', "[]"], "multichoice", ["food", "price"]),
        ([SPANS, "[]"], "spans", ["PER", "LOC"]),
        (['[[0, 4, "ORG"]]'], "spans", ["ORG"]),
        (["[sic", "plain"], "choice", ["[sic", "plain"]),
    ],
)
def test_the_values_of_a_column_are_counted(cells: list[str], kind: str, values: list[str]) -> None:
    found = proposals.values_of("label", ["id", "label"], _records(cells))

    assert (found.kind, list(found.counts)) == (kind, values)


def test_values_of_labels_beside_the_cells_and_their_polarity_are_found() -> None:
    spans = json.dumps([{"start": 0, "end": 1, "label": "food", "polarity": "positive"}])
    record = Record(1, ["text"], said=(Said("ann", {"aspects": spans}),))

    found = proposals.values_of("aspects", ["text"], [record])

    assert (found.kind, dict(found.counts), found.has_polarity) == ("spans", {"food": 1}, True)


def test_prose_ends_the_count_early() -> None:
    def cells() -> "list[Record]":
        return _records([f"sentence {number}" for number in range(5000)])

    found = proposals.values_of("label", ["id", "label"], cells())

    assert found.has_more
    assert len(found.counts) == proposals.MAX_VALUES


def test_samples_hold_cells_and_what_was_said() -> None:
    records = [
        Record(1, ["good", " "], said=(Said("ann", {"mood": "positive"}),)),
        Record(2, ["broken"], error="too few cells"),
    ]

    assert proposals.samples_of(["text", "stars"], records, ["mood"]) == {
        "text": ["good"],
        "stars": [],
        "mood": ["positive"],
    }


def test_samples_of_a_sorted_file_reach_its_end() -> None:
    cells = ["1"] * 5_000 + ["10"] * 5_000

    found = proposals.samples_of(["id", "rating"], _records(cells))["rating"]

    assert 100 <= len(found) <= 200
    assert found.count("10") == pytest.approx(len(found) / 2, abs=1)
