"""Which column becomes what."""

import pytest

from common.errors import Invalid
from reviews.mapping import ColumnMapping, from_json, guess, resolve

QUESTIONS = ["rating", "sentiment"]


def test_a_mapping_survives_the_way_to_json_and_back() -> None:
    mapping = ColumnMapping(
        text=("Title", "Body"),
        separator=" [SEP] ",
        answers={"Stars": "rating"},
        metadata=("Age",),
        values={"Stars": {"5 stars": "5"}},
        date="Day",
        annotator="Who",
        cleaning=("html",),
        on_duplicate="update",
        on_near_duplicate="skip",
        has_header=True,
    )

    assert from_json(mapping.as_json()) == mapping


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        pytest.param([], "mapping", id="no object"),
        pytest.param({"texts": ["a"]}, "mapping.texts", id="unknown key"),
        pytest.param({"text": [1]}, "mapping.text", id="a number for a column"),
        pytest.param({"text": "a", "date": 3}, "mapping.date", id="a number for a date"),
        pytest.param({"text": "a", "answers": ["b"]}, "mapping.answers", id="a list of answers"),
        pytest.param({"text": ["\ud800"]}, "mapping.text", id="half a letter in a name"),
        pytest.param({"text": "a", "separator": "\ud800"}, "mapping.separator", id="half a letter"),
        pytest.param({"text": "a", "has_header": "yes"}, "mapping.has_header", id="yes for true"),
        pytest.param({"text": "a", "values": {"b": ["c"]}}, "mapping.values", id="listed values"),
        pytest.param({"text": "a", "cleaning": [1]}, "mapping.cleaning", id="a number for a step"),
        pytest.param({"text": "a", "on_duplicate": "drop"}, "mapping.on_duplicate", id="drop"),
        pytest.param({"text": "a", "annotator": 1}, "mapping.annotator", id="a number for a name"),
    ],
)
def test_a_mapping_of_the_wrong_shape_names_the_key(raw: object, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        from_json(raw)

    assert caught.value.errors[0].field == field


def test_columns_are_found_in_any_case_and_the_rest_becomes_metadata() -> None:
    found = resolve(
        ColumnMapping(text=("review text",), answers={"RATING": "rating"}),
        columns=["column 1", "Review Text", "Rating", "Age"],
        questions=QUESTIONS,
    )

    assert found.text == ("Review Text",)
    assert found.answers == {"Rating": "rating"}
    assert found.metadata == ("column 1", "Age")


def test_an_empty_list_of_metadata_keeps_none() -> None:
    found = resolve(ColumnMapping(text=("a",), metadata=()), columns=["a", "b"], questions=[])

    assert found.metadata == ()


def test_every_column_and_question_that_is_missing_is_named() -> None:
    wanted = ColumnMapping(text=("Text",), answers={"Stars": "stars"}, date="When")

    with pytest.raises(Invalid) as caught:
        resolve(wanted, columns=["Body", "Stars"], questions=QUESTIONS)

    messages = [each.message for each in caught.value.errors]
    assert "no column 'Text' in the file; it has: Body, Stars" in messages[0]
    assert "no column 'When'" in messages[1]
    assert "no question 'stars'; it has: rating, sentiment" in messages[2]


def test_two_columns_cannot_answer_one_question() -> None:
    wanted = ColumnMapping(text=("t",), answers={"a": "rating", "b": "rating"})

    with pytest.raises(Invalid, match="Two columns answer"):
        resolve(wanted, columns=["t", "a", "b"], questions=QUESTIONS)


def test_values_are_for_columns_that_answer_and_annotators_for_answers() -> None:
    wanted = ColumnMapping(text=("t",), values={"A": {"x": "5"}}, annotator="who")

    with pytest.raises(Invalid) as caught:
        resolve(wanted, columns=["t", "a", "who"], questions=["rating"])

    fields = [each.field for each in caught.value.errors]
    assert fields == ["mapping.values", "mapping.annotator"]


def test_a_cleaning_step_that_there_is_not_is_named() -> None:
    with pytest.raises(Invalid, match="no cleaning step 'wash'; known: html"):
        resolve(ColumnMapping(text=("t",), cleaning=("wash",)), columns=["t"], questions=[])


def test_a_file_s_own_labels_answer_like_a_column() -> None:
    wanted = ColumnMapping(text=("t",), answers={"Label": "sentiment"})

    found = resolve(wanted, columns=["t", "a"], questions=QUESTIONS, fields=["label"])

    assert found.answers == {"label": "sentiment"}
    assert found.metadata == ("a",)


def test_a_file_s_own_labels_and_the_column_of_annotators_are_guessed() -> None:
    rows = [["It is the softest thing that I own.", "Ann"]]

    found = guess(["text", "annotator"], rows, QUESTIONS, fields=["sentiment"])

    assert found.answers == {"sentiment": "sentiment"}
    assert found.annotator == "annotator"


def test_a_mapping_without_text_is_refused() -> None:
    with pytest.raises(Invalid, match="at least one column"):
        resolve(ColumnMapping(text=()), columns=["t"], questions=[])


def test_a_shop_s_export_is_guessed() -> None:
    columns = ["", "Clothing ID", "Title", "Review Text", "Rating", "Review Date", "Department"]
    row = ["0", "767", "Soft", "It is the softest thing that I own.", "5", "2024-01-31", "Tops"]

    found = guess(columns, [row] * 5, QUESTIONS)

    assert found.text == ("Title", "Review Text")
    assert found.answers == {"Rating": "rating"}
    assert (found.product, found.date) == ("Clothing ID", "Review Date")


def test_columns_of_a_clothing_shop_answer_the_questions_of_one() -> None:
    columns = ["Review Text", "Age", "Recommended IND", "Department Name", "Day"]
    row = ["It is the softest thing that I own.", "39", "1", "Tops", "2024-01-31"]

    found = guess(columns, [row] * 5, ["age", "recommended", "department"])

    assert found.answers == {
        "Age": "age",
        "Recommended IND": "recommended",
        "Department Name": "department",
    }
    assert found.date == "Day"


def test_a_column_called_time_without_times_is_no_date() -> None:
    found = guess(["text", "time"], [["I liked this very much indeed", "evening"]], [])

    assert found.date == ""


def test_labels_as_json_are_no_text_however_long() -> None:
    spans = '[{"start": 0, "end": 4, "label": "negative", "term": "Soup", "category": "FOOD"}]'

    assert guess(["id", "text", "spans"], [["1", "Soup was cold.", spans]], ()).text == ("text",)


def test_numbers_are_no_text() -> None:
    assert guess(["id", "stars"], [["1", "4"], ["2", "5"]], []).text == ()


def test_a_column_that_is_called_text_needs_no_samples() -> None:
    assert guess(["id", "Text"], [], []).text == ("Text",)


def test_a_column_that_is_called_text_may_hold_signs_that_are_no_letters() -> None:
    rows = [["1", "👍👍👍"], ["2", "=SUM(1, 2)"], ["3", "!!! :-("]]

    assert guess(["id", "Text"], rows, []).text == ("Text",)


def test_numbers_in_a_column_that_is_called_review_are_no_text() -> None:
    assert guess(["review", "stars"], [["1", "4"], ["2", "5"]], []).text == ()
