"""Files that carry what people said: each annotator's answers are kept apart, spans are right."""

import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reviews.sources import KINDS, guess_format, open_table
from reviews.tables import Record, Table

CAT = "\U0001f408"


def opened(data: bytes | str, name: str, kind: str) -> tuple[Table, list[Record]]:
    """Open a file whose kind must be recognised by what is in it."""
    binary = io.BytesIO(data.encode() if isinstance(data, str) else data)
    chosen = guess_format(binary, name=name)
    assert chosen.kind == kind
    assert KINDS[kind].is_labelled
    table = open_table(binary, chosen)
    return table, list(table.records)


def lines(*values: Any) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


def said(record: Record) -> dict[str, dict[str, Any]]:
    """Return annotator to field to answer; answers that are JSON are parsed."""
    assert not record.error, record.error
    assert len({each.annotator for each in record.said}) == len(record.said)
    return {
        each.annotator: {
            name: json.loads(raw) if raw.startswith("[") else raw
            for name, raw in each.answers.items()
        }
        for each in record.said
    }


def span(start: int, end: int, label: str, **more: str) -> dict[str, Any]:
    return {"start": start, "end": end, "label": label, **more}


# --- CoNLL, tokens and tags ---------------------------------------------------------------------

IOB1 = """-DOCSTART- -X- O O

EU NNP I-NP I-ORG
rejects VBZ I-VP O
German JJ I-NP I-MISC
French JJ I-NP B-MISC
call NN I-NP O

Peter NNP I-NP I-PER
Blackburn NNP I-NP I-PER
Brussels NNP I-NP I-LOC
"""
IOB2 = IOB1.replace("EU NNP I-NP I-", "EU NNP I-NP B-").replace(
    "German JJ I-NP I", "German JJ I-NP B"
)


@pytest.mark.parametrize("text", [IOB1, IOB2, IOB1.replace(" ", "\t")], ids=["1", "2", "tabs"])
def test_conll_of_both_schemes_gives_the_same_spans(text: str) -> None:
    table, found = opened(text, "eng.testa", "conll")

    assert table.fields == ["entities"]
    assert [record.cells for record in found] == [
        ["EU rejects German French call", "1"],
        ["Peter Blackburn Brussels", "1"],
    ]
    assert [record.line for record in found] == [3, 9]
    assert said(found[0])[""]["entities"] == [
        span(0, 2, "ORG"), span(11, 17, "MISC"), span(18, 24, "MISC"),
    ]  # fmt: skip
    assert said(found[1])[""]["entities"] == [span(0, 15, "PER"), span(16, 24, "LOC")]


def test_tags_with_marked_ends_are_read_too() -> None:
    _, found = opened("a B-X\nb E-X\nc S-X\nd I-X\ne O\n", "a.txt", "conll")

    assert said(found[0])[""]["entities"] == [span(0, 3, "X"), span(4, 5, "X"), span(6, 7, "X")]


def test_objects_of_tokens_and_tags_are_joined() -> None:
    data = lines({"id": 7, "tokens": ["Good", CAT, "EU"], "ner_tags": ["O", "B-A", "B-ORG"]})

    table, found = opened(data, "a.jsonl", "tokens")

    assert table.columns == ["text", "id"]
    assert found[0].cells == [f"Good {CAT} EU", "7"]
    assert said(found[0])[""]["entities"] == [span(5, 6, "A"), span(7, 9, "ORG")]


def test_tags_that_a_data_set_keeps_as_numbers_get_their_names() -> None:
    names = {"feature": {"names": ["O", "B-PER", "I-PER"], "_type": "ClassLabel"}}
    info = {"info": {"features": {"tags": {**names, "_type": "Sequence"}}}}
    table = pa.table({"tokens": [["I", "am", "Ann", "Lee"]], "tags": [[0, 0, 1, 2]]})
    out = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(info)}), out)

    _, found = opened(out.getvalue(), "train.parquet", "tokens")

    assert said(found[0])[""]["entities"] == [span(5, 12, "PER")]


# --- SemEval ------------------------------------------------------------------------------------

SEMEVAL_2014 = """<?xml version="1.0" encoding="UTF-8"?>
<sentences>
  <sentence id="1"><text>Bad food &amp; kind staff.</text>
    <aspectTerms><aspectTerm term="staff" polarity="positive" from="16" to="21"/>
      <aspectTerm term="food" polarity="negative" from="4" to="8"/></aspectTerms>
    <aspectCategories><aspectCategory category="food" polarity="negative"/>
      <aspectCategory category="service" polarity="positive"/></aspectCategories></sentence>
  <sentence id="2"><text>We came late.</text></sentence>
</sentences>"""
SEMEVAL_2015 = """<?xml version="1.0"?><Reviews><Review rid="9"><sentences>
  <sentence id="9:0"><text>The place is dear.</text><Opinions>
    <Opinion target="place" category="PLACE#PRICES" polarity="negative" from="4" to="9"/>
    <Opinion target="NULL" category="FOOD#QUALITY" polarity="neutral" from="0" to="0"/>
  </Opinions></sentence>
  <sentence id="9:1" OutOfScope="TRUE"><text>Hello.</text></sentence>
</sentences></Review></Reviews>"""


def test_semeval_of_2014_gives_terms_and_categories() -> None:
    table, found = opened(SEMEVAL_2014, "a.xml", "semeval")

    assert table.fields == ["aspect spans", "aspects", "aspect polarities"]
    assert found[0].cells == ["Bad food & kind staff.", "1", "", ""]
    assert said(found[0])[""] == {
        "aspect spans": [
            span(4, 8, "aspect", polarity="negative"), span(16, 21, "aspect", polarity="positive"),
        ],
        "aspects": ["food", "service"],
        "aspect polarities": ["food=negative", "service=positive"],
    }  # fmt: skip
    assert said(found[1])[""]["aspect spans"] == []


def test_semeval_of_2015_gives_targets_with_their_category_and_leaves_out_what_has_none() -> None:
    _, found = opened(SEMEVAL_2015, "a.xml", "semeval")

    assert found[0].cells == ["The place is dear.", "9:0", "9", ""]
    assert said(found[0])[""]["aspect spans"] == [span(4, 9, "PLACE#PRICES", polarity="negative")]
    assert said(found[0])[""]["aspects"] == ["PLACE#PRICES", "FOOD#QUALITY"]
    assert said(found[1]) == {}


def test_what_a_file_of_semeval_never_asks_is_no_answer() -> None:
    table, found = opened(SEMEVAL_2015.replace('target="place"', ""), "a.xml", "semeval")

    assert table.fields == ["aspects", "aspect polarities"]
    assert "aspect spans" not in said(found[0])[""]


# --- doccano ------------------------------------------------------------------------------------


def test_doccano_gives_names_and_spans() -> None:
    data = lines(
        {"id": 1, "text": f"{CAT} Ann is in Rome", "label": [[12, 16, "LOC"], [2, 5, "PER"]]},
        {"id": 2, "text": "good", "label": []},
    )

    table, found = opened(data, "all.jsonl", "doccano")

    assert (table.columns, table.fields) == (["id", "text"], ["label"])
    assert said(found[0])[""]["label"] == [span(2, 5, "PER"), span(12, 16, "LOC")]
    assert said(found[1]) == {}


def test_doccano_with_relations_keeps_them_as_a_cell() -> None:
    entities = [{"id": 1, "label": "PER", "start_offset": 0, "end_offset": 3}]
    data = lines({"text": "Ann", "entities": entities, "relations": [{"id": 2}], "Comments": []})

    table, found = opened(data, "all.jsonl", "doccano")

    assert table.columns == ["text", "relations", "Comments"]
    assert found[0].cells[1] == '[{"id":2}]'
    assert said(found[0])[""]["entities"] == [span(0, 3, "PER")]


def test_doccano_of_several_people_is_kept_apart() -> None:
    shared = {"label": "A", "start_offset": 0, "end_offset": 4}
    data = lines(
        {"text": "good", "annotations": [{**shared, "user": 1}, {**shared, "user": 2}]},
        {"text": "bad", "labels": ["x", "y"], "username": "ann"},
        {"text": "fine", "labels": ["x"], "username": "bob"},
        {"text": "so so", "labels": [], "username": "bob"},
    )

    _, found = opened(data, "all.jsonl", "doccano")

    assert said(found[0]) == {name: {"annotations": [span(0, 4, "A")]} for name in ("1", "2")}
    assert said(found[1]) == {"ann": {"labels": ["x", "y"]}}
    assert said(found[2]) == {"bob": {"labels": "x"}}
    assert said(found[3]) == {"bob": {"labels": []}}


# --- Label Studio -------------------------------------------------------------------------------


def _result(name: str, kind: str, **value: Any) -> dict[str, Any]:
    return {"from_name": name, "to_name": "text", "type": kind, "value": value}


def _task(text: str, *annotations: dict[str, Any]) -> dict[str, Any]:
    return {"id": 5, "data": {"text": text, "shop": "A"}, "annotations": list(annotations),
            "predictions": [{"result": [_result("mood", "choices", choices=["model says"])]}],
            "drafts": [], "created_at": "2024-01-01"}  # fmt: skip


def test_label_studio_keeps_people_apart_and_leaves_out_what_nobody_submitted() -> None:
    given = [
        _result("mood", "choices", choices=["good"]),
        _result("aspects", "choices", choices=["price", "fit"]),
        _result("stars", "rating", rating=4),
        _result("weight", "number", number=2.5),
        _result("why", "textarea", text=["Because."]),
    ]
    data = [
        _task(
            "A good coat",
            {"completed_by": {"id": 1, "email": "ann@shop.test"}, "result": given},
            {"completed_by": 2, "result": [_result("mood", "choices", choices=["bad"])]},
            {"completed_by": 3, "was_cancelled": True, "result": given},
        )
    ]

    table, found = opened(json.dumps(data, indent=1), "export.json", "label-studio")

    assert table.columns == ["text", "shop", "id"]
    assert table.fields == ["mood", "aspects", "stars", "weight", "why"]
    assert said(found[0]) == {
        "ann@shop.test": {"mood": "good", "aspects": ["price", "fit"], "stars": "4",
                          "weight": "2.5", "why": "Because."},
        "2": {"mood": "bad"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "start", "end", "claim", "expected"),
    [
        pytest.param("Ann sat", 0, 3, "Ann", (0, 3), id="plain"),
        pytest.param(f"{CAT} Ann", 3, 6, "Ann", (2, 5), id="code units"),
        pytest.param(f"{CAT} Ann", 2, 5, "Ann", (2, 5), id="code points"),
        pytest.param(f"{CAT} Ann", 3, 6, None, (2, 5), id="nothing said about the text"),
        pytest.param(f"{CAT}{CAT} Ann {CAT}", 5, 8, "Ann", (3, 6), id="several"),
        pytest.param("a\r\nb\r\nAnn Ann", 4, 7, "Ann", (6, 9), id="line ends counted as one"),
        pytest.param("so\nAnn", 0, 6, "so\\nAnn", (0, 6), id="a break written as two signs"),
    ],
)
def test_spans_of_label_studio_become_code_points(
    text: str, start: int, end: int, claim: str | None, expected: tuple[int, int]
) -> None:
    value: dict[str, Any] = {"start": start, "end": end, "labels": ["PER"]}
    if claim is not None:
        value["text"] = claim
    data = [_task(text, {"completed_by": 1, "result": [_result("ner", "labels", **value)]})]

    _, found = opened(json.dumps(data), "export.json", "label-studio")

    assert said(found[0])["1"]["ner"] == [span(*expected, "PER")]


def test_a_span_of_label_studio_with_two_labels_becomes_two() -> None:
    value = {"start": 0, "end": 3, "text": "Ann", "labels": ["PER", "CEO"]}
    data = [_task("Ann", {"completed_by": 1, "result": [_result("ner", "labels", **value)]})]

    _, found = opened(json.dumps(data), "export.json", "label-studio")

    assert said(found[0])["1"]["ner"] == [span(0, 3, "PER"), span(0, 3, "CEO")]


def test_the_short_form_of_label_studio_is_read_too() -> None:
    tail = {"annotation_id": 9, "created_at": "x", "updated_at": "x", "lead_time": 1.5}
    ner = [{"start": 3, "end": 6, "text": "Ann", "labels": ["PER"]}]
    data = [
        {"text": f"{CAT} Ann", "shop": "A", "id": 1, "mood": "good", "ner": ner,
         "aspects": {"choices": ["a", "b"]}, "stars": [{"rating": 5}], "annotator": 1, **tail},
        {"text": f"{CAT} Ann", "shop": "A", "id": 1, "mood": "bad",
         "annotator": {"email": "bob@shop.test"}, **tail},
    ]  # fmt: skip

    table, found = opened(json.dumps(data), "export.json", "label-studio-min")

    assert table.columns == ["text", "shop", "id"]
    assert said(found[0]) == {
        "1": {"mood": "good", "ner": [span(2, 5, "PER")], "aspects": ["a", "b"], "stars": "5"}
    }
    assert said(found[1]) == {"bob@shop.test": {"mood": "bad"}}


def test_who_submitted_no_span_at_all_says_that_there_is_none() -> None:
    value = {"start": 0, "end": 3, "text": "Ann", "labels": ["PER"], "polarity": "positive"}
    ner = {"completed_by": 1, "result": [_result("ner", "labels", **value)]}
    mood = {"completed_by": 2, "result": [_result("mood", "choices", choices=["good"])]}
    data = [_task("Ann", ner, mood), _task("It rains.", {"completed_by": 1, "result": []})]

    _, found = opened(json.dumps(data), "export.json", "label-studio")

    assert said(found[0]) == {
        "1": {"ner": [span(0, 3, "PER", polarity="positive")]},
        "2": {"mood": "good"},
    }
    assert said(found[1]) == {"1": {"ner": []}}


# --- Prodigy ------------------------------------------------------------------------------------


def test_prodigy_gives_what_was_accepted_by_whom() -> None:
    base = {"text": "Ann sat", "_input_hash": 1, "_task_hash": 2, "tokens": [{"text": "Ann"}]}
    ann, bob = {"_annotator_id": "shop-ann"}, {"_session_id": "shop-bob"}
    spans = [{"start": 0, "end": 3, "token_start": 0, "token_end": 0, "label": "PER"}]
    choices = [{"id": "good", "text": "Good!"}, {"id": 2, "text": "Bad"}, {"id": 3, "text": "Soso"}]
    data = lines(
        {**base, **ann, "spans": spans, "answer": "accept"},
        {**base, **bob, "spans": [], "answer": "accept"},
        {**base, **ann, "options": choices, "accept": ["good", 2], "answer": "accept"},
        {**base, **ann, "options": choices, "accept": [3], "answer": "ignore"},
        {**base, **bob, "label": "SPAM", "answer": "accept"},
        {**base, **bob, "label": "SPAM", "answer": "reject"},
        {**base, "_session_id": "2024-02-06_10-17-19", "label": "SPAM", "answer": "accept"},
    )

    table, found = opened(data, "db-out.jsonl", "prodigy")

    assert table.fields == ["spans", "accept", "label"]
    assert [said(record) for record in found] == [
        {"shop-ann": {"spans": [span(0, 3, "PER")]}},
        {"shop-bob": {"spans": []}},
        {"shop-ann": {"accept": ["good", "Bad"]}},
        {},
        {"shop-bob": {"label": "SPAM"}},
        {},
        {"": {"label": "SPAM"}},
    ]
    cells = dict(zip(table.columns, found[5].cells, strict=True))
    assert (cells["answer"], cells["label"]) == ("reject", "SPAM")


# --- Argilla ------------------------------------------------------------------------------------


def test_argilla_nested_gives_submitted_responses_of_each_user() -> None:
    spans = [{"start": 0, "end": 3, "label": "PER"}]
    data = json.dumps([
        {
            "id": "r1", "status": "completed", "_server_id": "s", "vectors": {},
            "fields": {"text": "Ann sat"}, "metadata": {"shop": "A"},
            "suggestions": {"mood": {"value": "model says", "score": 1, "agent": "m"}},
            "responses": {
                "mood": [{"value": "good", "user_id": "u1"}, {"value": "bad", "user_id": "u2"}],
                "stars": [{"value": 4, "user_id": "u1", "status": "submitted"},
                          {"value": 1, "user_id": "u2", "status": "draft"}],
                "topics": [{"value": ["a", "b"], "user_id": "u1"}],
                "ner": [{"value": spans, "user_id": "u2"}],
            },
        }
    ])  # fmt: skip

    table, found = opened(data, "records.json", "argilla")

    assert table.columns == ["text", "id", "status", "metadata.shop"]
    assert said(found[0]) == {
        "u1": {"mood": "good", "stars": "4", "topics": ["a", "b"]},
        "u2": {"mood": "bad", "ner": [span(0, 3, "PER")]},
    }


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_argilla_as_a_flat_data_set_is_read_from_lines_and_from_parquet(ending: str) -> None:
    rows = [
        {"id": "r1", "text": "good", "mood.responses": ["yes", "no"],
         "mood.responses.users": ["u1", "u2"], "mood.responses.status": ["submitted", "discarded"],
         "mood.suggestion": "model says", "mood.suggestion.score": 0.5},
        {"id": "r2", "text": "bad", "mood.responses": None, "mood.responses.users": None,
         "mood.responses.status": None, "mood.suggestion": None, "mood.suggestion.score": None},
    ]  # fmt: skip
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    data = out.getvalue() if ending == "parquet" else lines(*rows).encode()

    table, found = opened(data, f"train.{ending}", "argilla")

    assert table.columns == ["id", "text"]
    assert [said(record) for record in found] == [{"u1": {"mood": "yes"}}, {}]


def test_argilla_of_the_first_version_has_a_column_for_each_question() -> None:
    given = [{"user_id": "u1", "value": "yes", "status": "submitted"}]
    beside = {"user_id": ["u1", "u2"], "value": ["a", "b"], "status": ["submitted", "draft"]}
    data = lines({"text": "good", "mood": given, "topic": beside, "mood-suggestion": "model says"})

    _, found = opened(data, "a.jsonl", "argilla")

    assert said(found[0]) == {"u1": {"mood": "yes", "topic": "a"}}


# --- spaCy, and our own -----------------------------------------------------------------------


def test_spacy_gives_entities_and_the_categories_of_each_question() -> None:
    cats = {"mood.good": 1.0, "mood.bad": 0.0, "topics.a": 1.0, "topics.b": 0.9, "more.x": 0.0}
    pairs = [["Ann sat", {"entities": [[0, 3, "PER"]], "cats": cats}], ["no", {"cats": {"a": 1}}]]

    table, found = opened(json.dumps(pairs), "train.json", "spacy")

    assert table.columns == ["text"]
    assert said(found[0])[""] == {
        "entities": [span(0, 3, "PER")], "mood": "good", "topics": ["a", "b"], "more": [],
    }  # fmt: skip
    assert said(found[1])[""] == {"cats": "a"}


def test_our_own_lines_come_back_with_everything() -> None:
    first = {"id": 7, "text": "Ann sat", "dataset": "D", "product": "Chair", "split": "train",
             "metadata": {"shop": "A", "text": "other", "n": 5}}  # fmt: skip
    spans = [{"start": 0, "end": 3, "text": "Ann", "option": "PER", "polarity": "positive"}]
    data = lines(
        {**first, "annotations": [
            {"annotator": "ann", "answers": {"mood": "good", "stars": 4.0, "ner": spans}},
            {"annotator": "bob", "answers": {"topics": ["a", "b"], "ner": [], "mood": "so; so"}},
        ]},
        {**first, "annotations": []},
    )  # fmt: skip

    table, found = opened(data, "export.jsonl", "gloss")

    assert dict(zip(table.columns, found[0].cells, strict=True)) == {
        "text": "Ann sat", "product": "Chair", "shop": "A", "metadata.text": "other", "n": "5",
    }  # fmt: skip
    assert said(found[0]) == {
        "ann": {"mood": "good", "stars": "4.0", "ner": [span(0, 3, "PER", polarity="positive")]},
        "bob": {"topics": ["a", "b"], "ner": [], "mood": ["so; so"]},
    }
    assert said(found[1]) == {}


def test_our_own_gold_is_what_the_file_says_and_a_model_says_nothing() -> None:
    gold = {"text": "good", "metadata": {}, "answers": {"mood": "good"}}

    _, found = opened(lines(gold, {**gold, "version": 3}), "export.jsonl", "gloss")

    assert [said(record) for record in found] == [{"": {"mood": "good"}}, {}]


def test_our_own_lines_without_labels_are_ours_too() -> None:
    data = lines({"id": 1, "text": "good", "author": "", "metadata": {"shop": "A"}})

    table, found = opened(data, "export.jsonl", "gloss")

    assert table.columns == ["text", "author", "shop"]
    assert said(found[0]) == {}
