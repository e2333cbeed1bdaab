"""Writers of files: what they write is read back as it was, and is what other programs expect."""

import csv
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviews.formats import FORMATS, Exported, Plan, Unwritable
from reviews.formats.tokenising import tags_of, tokens_of, without_overlaps
from reviews.formats.workbook import XlsxWriter
from reviews.labels import Labels
from reviews.neutral import neutral, restored
from tests.reviews import exported
from tests.reviews.exported import KEYS, RATING, SENTIMENT, SPANS, plan, read, written

TABLES = ("csv", "xlsx", "parquet")
_FACTS = ("text", "product", "author", "date")


def review(text: str = "Good value.", **changes: Any) -> Exported:
    usual = Exported(7, "a set", text, {"department": "Tops"}, "P1", "Bo", "2024-05-06", "train")
    return usual._replace(**changes)


def expected_cells(each: Exported) -> dict[str, str]:
    facts = {name: getattr(each, name) for name in _FACTS}
    return {name: cell for name, cell in (facts | dict(each.metadata)).items() if cell}


def said_by(raw: Mapping[str, str]) -> dict[str, Any]:
    """Return raw answers as the API writes them."""
    found: dict[str, Any] = {}
    for key, cell in raw.items():
        if key == "rating":
            found[key] = float(cell)
        elif key == "sentiment":
            found[key] = cell
        elif key == "aspects":
            listed = json.loads(cell) if cell.startswith("[") else cell.split("; ")
            found[key] = sorted(listed)
        else:
            found[key] = [_span(each) for each in json.loads(cell)]
    return found


def _span(raw: dict[str, Any]) -> tuple[Any, ...]:
    option = raw.get("option", raw.get("label"))
    return raw["start"], raw["end"], option, raw.get("polarity") or ""


def plainly(answers: Mapping[str, Any]) -> dict[str, Any]:
    spans = {"aspect_spans": [_span(each) for each in answers.get("aspect_spans", ())]}
    return dict(answers) | (spans if "aspect_spans" in answers else {})


# --- Round trips ------------------------------------------------------------------------------


@pytest.mark.parametrize("key", TABLES)
@settings(max_examples=60, deadline=None)
@given(made=exported.reviews(annotators=("anna", "bo")))
def test_a_table_comes_back_with_every_cell_and_every_annotator(
    key: str, made: list[Exported]
) -> None:
    back = read(written(key, made, plan()), f"x.{FORMATS[key].ending}")

    assert back.columns == [*_FACTS[:1], *_FACTS[1:], *KEYS, "annotator", *_keys()]
    rows = iter(back.records)
    for each in made:
        for labels in each.labels or [Labels("", {})]:
            record = next(rows)
            cells = back.cells(record)
            answers = {name: cells.pop(name) for name in _keys() if name in cells}
            assert not record.error
            assert cells.pop("annotator", "") == labels.annotator
            assert cells == expected_cells(each)
            assert said_by(answers) == plainly(labels.answers)
    assert next(rows, None) is None


def _keys() -> list[str]:
    return [question.key for question in exported.QUESTIONS]


@settings(max_examples=100, deadline=None)
@given(made=exported.reviews(annotators=("anna", "bo")))
def test_json_lines_come_back_with_everything(made: list[Exported]) -> None:
    back = read(written("jsonl", made, plan()), "x.jsonl")

    assert back.kind == "gloss"
    for each, record in zip(made, back.records, strict=True):
        assert back.cells(record) == expected_cells(each)
        said = {said.annotator: said_by(said.answers) for said in record.said if said.answers}
        assert said == {labels.annotator: plainly(labels.answers) for labels in each.labels}


@settings(max_examples=100, deadline=None)
@given(made=exported.reviews(annotators=("anna", "bo@example.org")))
def test_label_studio_comes_back_with_everything(made: list[Exported]) -> None:
    back = read(written("label-studio", made, plan(facts=_FACTS[1:])), "x.json")

    assert back.kind == "label-studio"
    for each, record in zip(made, back.records, strict=True):
        cells = back.cells(record)
        assert cells.pop("id") == str(each.id)
        assert cells == expected_cells(each)
        # Whoever marks nothing leaves no result there: none and unanswered are the same.
        said = {said.annotator: _without_no_spans(said_by(said.answers)) for said in record.said}
        given = {
            labels.annotator: _without_no_spans(plainly(labels.answers)) for labels in each.labels
        }
        assert {name: answers for name, answers in said.items() if answers} == {
            name: answers for name, answers in given.items() if answers
        }


def _without_no_spans(answers: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answers.items() if key != "aspect_spans" or value}


@pytest.mark.parametrize("question", exported.QUESTIONS, ids=lambda each: each.key)
@settings(max_examples=40, deadline=None)
@given(made=exported.reviews(annotators=("anna", "bo")))
def test_doccano_comes_back_with_one_question(question: Any, made: list[Exported]) -> None:
    chosen = plan(question=question, facts=("product",))
    lines = [each for each in made if any(question.key in said.answers for said in each.labels)]
    if not lines:
        return

    back = read(written("doccano", lines, chosen), "x.jsonl")

    assert back.kind == "doccano"
    rows = iter(back.records)
    for each in lines:
        for labels in each.labels:
            if question.key not in labels.answers:
                continue
            record = next(rows)
            assert back.cells(record)["text"] == each.text
            (said,) = record.said
            assert said.annotator == labels.annotator
            answers = said_by({question.key: said.answers["label"]})
            assert answers == _without_polarity(
                plainly({question.key: labels.answers[question.key]})
            )


def _without_polarity(answers: dict[str, Any]) -> dict[str, Any]:
    return {
        key: [(*span[:3], "") for span in value] if key == "aspect_spans" else value
        for key, value in answers.items()
    }


@settings(max_examples=150, deadline=None)
@given(made=st.lists(exported.sentences(), min_size=1, max_size=5))
def test_conll_comes_back_where_texts_are_tokens_with_spaces(made: list[Exported]) -> None:
    chosen = plan(labels="gold", names_people=False, question=SPANS, tokens="spaces")

    back = read(written("conll", made, chosen), "x.conll")

    assert back.kind == "conll"
    assert chosen.left_out.count == 0
    for each, record in zip(made, back.records, strict=True):
        assert back.cells(record)["text"] == each.text
        (said,) = record.said
        expected = [
            (each["start"], each["end"], "fit", "") for each in each.labels[0].answers[SPANS.key]
        ]
        assert [_span(each) for each in json.loads(said.answers["entities"])] == expected


@settings(max_examples=100, deadline=None)
@given(made=exported.reviews())
def test_conll_of_any_text_keeps_every_sign_but_white_space(made: list[Exported]) -> None:
    chosen = plan(labels="gold", names_people=False, question=SPANS)

    back = read(written("conll", made, chosen), "x.conll")

    texts = ["".join(back.cells(record)["text"].split()) for record in back.records]
    assert texts == ["".join(each.text.split()) for each in made]
    kept = sum(
        len(json.loads(said.answers["entities"])) for row in back.records for said in row.said
    )
    asked = sum(len(said.answers.get(SPANS.key, ())) for each in made for said in each.labels)
    assert kept + chosen.left_out.count == asked


@settings(max_examples=100, deadline=None)
@given(made=exported.reviews())
def test_spacy_comes_back_with_entities_and_categories(made: list[Exported]) -> None:
    chosen = plan(labels="gold", names_people=False, question=SPANS)

    back = json.loads(written("spacy", made, chosen))

    count = 0
    for each, (text, found) in zip(made, back, strict=True):
        assert text == each.text
        answers = each.labels[0].answers if each.labels else {}
        kept, others = without_overlaps(answers.get(SPANS.key, ()))
        count += len(others)
        assert [tuple(span) for span in found.get("entities", [])] == [
            (span["start"], span["end"], span["option"]) for span in kept
        ]
        cats = {name for name, share in found["cats"].items() if share == 1.0}
        chosen_options = {f"aspects.{option}" for option in answers.get("aspects", ())}
        if "sentiment" in answers:
            chosen_options.add(f"sentiment.{answers['sentiment']}")
        assert cats == chosen_options
    assert chosen.left_out.count == count


# --- Spreadsheets -----------------------------------------------------------------------------


@given(cell=st.one_of(st.text(), st.sampled_from(["=1", "'=1", "-5", "'-5", "''+x", "'", ""])))
def test_neutralising_can_be_undone(cell: str) -> None:
    assert restored(neutral(cell)) == cell


@pytest.mark.parametrize("cell", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "'=1"])
def test_what_would_run_gets_an_apostrophe(cell: str) -> None:
    assert neutral(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["-5", "+3.5", "1e5", "a=b", "it's", "'quoted'", ""])
def test_numbers_and_words_stay(cell: str) -> None:
    assert neutral(cell) == cell


def test_no_cell_of_a_csv_starts_a_formula() -> None:
    made = [review("=1+1", metadata={"=k": "@x"}, product="+a", author="-b")]

    raw = written("csv", made, plan(metadata=("=k",)))

    rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"))))
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    assert raw.startswith(b"\xef\xbb\xbf")


def test_no_cell_of_a_workbook_is_a_formula() -> None:
    from openpyxl import load_workbook

    made = [review("=1+1", metadata={"=k": "#N/A"}, product="+a")]

    book = load_workbook(io.BytesIO(written("xlsx", made, plan(metadata=("=k",)))))

    cells = [cell for row in book["reviews"].iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n", "inlineStr"}
    assert not any(str(cell.value).startswith(("=", "+", "@")) for cell in cells)


def test_a_text_that_no_cell_of_excel_holds_is_refused_with_what_to_do() -> None:
    with pytest.raises(Unwritable, match=r"Review 7 has 40,000 characters.*Choose CSV, JSONL"):
        written("xlsx", [review("x" * 40_000)], plan())


def test_signs_of_two_units_count_twice_in_excel() -> None:
    with pytest.raises(Unwritable, match="Review 7"):
        written("xlsx", [review("👍" * 20_000)], plan())


def test_a_full_sheet_gets_a_successor() -> None:
    from openpyxl import load_workbook

    target = io.BytesIO()
    writer = XlsxWriter(target, plan(), max_rows=3)
    writer.write([review(f"number {number}", id=number) for number in range(5)])
    writer.close()

    book = load_workbook(target)
    assert book.sheetnames == ["reviews", "reviews 2", "reviews 3"]
    assert [sheet.max_row for sheet in book] == [3, 3, 2]
    assert book["reviews 3"]["B2"].value == "number 4"


def test_metadata_that_are_called_like_a_column_of_ours_give_way() -> None:
    made = [review(metadata={"text": "a", "Rating": "b", "annotator": "c"})]
    chosen = plan(metadata=("text", "Rating", "annotator"))

    rows = list(csv.reader(io.StringIO(written("csv", made, chosen).decode("utf-8-sig"))))

    assert rows[0] == [
        "gloss_id", "text", "product", "author", "date", "gloss_dataset", "gloss_split",
        "metadata.text", "metadata.Rating", "metadata.annotator", "annotator",
        "sentiment", "rating", "aspects", "aspect_spans",
    ]  # fmt: skip


def test_other_peoples_apostrophes_are_left_alone() -> None:
    back = read(b"text,note\nfine dress,'=x\nbad dress,'+y\n", "x.csv")

    assert [record.cells[1] for record in back.records] == ["'=x", "'+y"]


# --- Tokens -----------------------------------------------------------------------------------


@given(text=st.text())
def test_tokens_cover_all_but_white_space(text: str) -> None:
    for how in ("words", "spaces"):
        tokens = tokens_of(text, how)
        assert "".join(text[start:end] for start, end in tokens) == "".join(text.split())
        assert all(start < end for start, end in tokens)


def test_words_and_punctuation_are_tokens_of_their_own() -> None:
    text = "It's well-made (U.S. size); I don’t mind."

    assert [text[a:b] for a, b in tokens_of(text, "words")] == [
        "It's", "well-made", "(", "U.S", ".", "size", ")", ";", "I", "don’t", "mind", ".",
    ]  # fmt: skip


def test_no_token_starts_a_document() -> None:
    made = [review("-DOCSTART- x", labels=[Labels("gold", {SPANS.key: []})])]

    raw = written("conll", made, plan(question=SPANS, tokens="spaces")).decode()

    assert raw.splitlines() == [
        "-DOCSTART- -X- -X- O", "", "- -X- _ O", "DOCSTART- -X- _ O", "x -X- _ O", "",
    ]  # fmt: skip


def test_a_span_that_cuts_a_token_is_left_out_and_never_moved() -> None:
    span = {"start": 1, "end": 4, "text": "ood", "option": "fit"}

    tags, others = tags_of(tokens_of("Good fit", "words"), [span])

    assert (tags, others) == (["O", "O"], [span])


def test_what_conll_leaves_out_is_named() -> None:
    spans = [
        {"start": 0, "end": 8, "text": "Good fit", "option": "fit"},
        {"start": 5, "end": 8, "text": "fit", "option": "price"},
        {"start": 9, "end": 11, "text": "he", "option": "fit"},
    ]
    chosen = plan(question=SPANS)

    raw = written(
        "conll", [review("Good fit here", labels=[Labels("gold", {SPANS.key: spans})])], chosen
    )

    assert raw.decode().splitlines()[2:5] == ["Good -X- _ B-fit", "fit -X- _ I-fit", "here -X- _ O"]
    assert chosen.left_out.count == 2
    assert chosen.left_out.examples == [
        "review 7, 5-8 price: overlaps a longer span",
        "review 7, 9-11 fit: cuts a token",
    ]


# --- Other programs ---------------------------------------------------------------------------


def test_label_studio_counts_in_code_units_and_names_annotators() -> None:
    span = {"start": 2, "end": 6, "text": "cosy", "option": "fit", "polarity": "positive"}
    answers = {"sentiment": "positive", "rating": 4.0, "aspects": ["fit"], "aspect_spans": [span]}

    (task,) = json.loads(
        written("label-studio", [review("👍 cosy", labels=[Labels("anna", answers)])], plan())
    )

    (annotation,) = task["annotations"]
    assert annotation["completed_by"] == {"email": "anna"}
    by_name = {result["from_name"]: result for result in annotation["result"]}
    assert by_name["sentiment"]["value"] == {"choices": ["positive"]}
    assert by_name["rating"]["value"] == {"number": 4}
    assert by_name["aspect_spans"]["type"] == "labels"
    assert by_name["aspect_spans"]["value"] == {
        "start": 3, "end": 7, "text": "cosy", "labels": ["fit"], "polarity": "positive",
    }  # fmt: skip


def test_what_a_model_says_is_a_prediction_in_label_studio() -> None:
    said = [Labels("model", {"sentiment": "positive"}, 3)]
    chosen = plan(labels="model", names_people=False)

    (task,) = json.loads(written("label-studio", [review(labels=said)], chosen))

    assert task["annotations"] == []
    assert task["predictions"][0]["model_version"] == "version 3"


def test_hugging_face_gets_a_card_and_a_file_for_every_split() -> None:
    import pyarrow.parquet as pq
    import yaml

    made = [
        review(f"number {split}", id=at, split=split)
        for at, split in enumerate(("train", "test", "train"))
    ]

    with zipfile.ZipFile(io.BytesIO(written("huggingface", made, plan()))) as archive:
        names = archive.namelist()
        _, head, words = archive.read("README.md").decode().split("---\n")
        card = yaml.safe_load(head)
        train = pq.read_table(io.BytesIO(archive.read("data/train-00000-of-00001.parquet")))

    assert names == [
        "README.md",
        "data/train-00000-of-00001.parquet",
        "data/test-00000-of-00001.parquet",
    ]
    assert card["configs"][0]["data_files"] == [
        {"split": "train", "path": "data/train-*"},
        {"split": "test", "path": "data/test-*"},
    ]
    assert "train: 2, test: 1" in words
    assert [each["name"] for each in card["dataset_info"]["features"]] == train.column_names
    assert train["gloss_id"].to_pylist() == [0, 2]


def test_parquet_has_types() -> None:
    import pyarrow.parquet as pq

    spans = [{"start": 0, "end": 4, "text": "Good", "option": "fit"}]
    answers = {"sentiment": "positive", "rating": 4.5, "aspects": ["fit"], "aspect_spans": spans}

    table = pq.read_table(
        io.BytesIO(written("parquet", [review(labels=[Labels("a", answers)])], plan()))
    )

    (row,) = table.to_pylist()
    assert str(row["date"]) == "2024-05-06"
    assert row["rating"] == 4.5
    assert row["aspects"] == ["fit"]
    assert row["aspect_spans"][0]["option"] == "fit"
    assert row["=1+1"] is None


@pytest.mark.parametrize("key", FORMATS)
def test_an_export_of_nothing_is_a_whole_file(key: str) -> None:
    chosen = replace(plan(question=SPANS), names_people=False, labels="gold")

    raw = written(key, [], chosen)

    if key in {"spacy", "label-studio"}:
        assert json.loads(raw) == []
    elif key == "huggingface":
        assert len(zipfile.ZipFile(io.BytesIO(raw)).namelist()) == 2
    elif key == "parquet":
        import pyarrow.parquet as pq

        assert pq.read_table(io.BytesIO(raw)).num_rows == 0


def test_only_what_was_asked_for_is_in_the_file() -> None:
    chosen = Plan("x", metadata=("department",), facts=("product",), questions=(SENTIMENT, RATING))
    made = [review(metadata={"department": "Tops", "secret": "x"})]

    assert json.loads(written("jsonl", made, chosen)) == {
        "id": 7,
        "text": "Good value.",
        "product": "P1",
        "metadata": {"department": "Tops"},
        "answers": {},
    }
