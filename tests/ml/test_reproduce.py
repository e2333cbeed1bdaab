"""The reproductions on tiny made-up files of the same shapes."""

import csv
import json
import lzma
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from seqeval.metrics import accuracy_score

from ml.core.comparison import PairedMeasure
from ml.core.config import Tier
from ml.core.data import SpanAnswer
from ml.core.intervals import estimate
from ml.core.paired import Difference
from ml.reproduce import readings
from ml.reproduce.figures import word_accuracy
from ml.reproduce.joint import JointLine, points_of
from ml.reproduce.parting import Shares, part_rows, take_train
from ml.reproduce.readings import FilesMissingError, Row, UnreadableRowError
from ml.reproduce.recipes import RECIPES
from ml.reproduce.running import Mean, Request, mean_of, reproduce
from ml.reproduce.table import as_table
from tests.ml_core import tiny

ROOT = Path(__file__).parents[2]

GOOD = ("lovely", "great", "perfect", "soft", "bright", "warm", "fine", "neat")
BAD = ("broken", "awful", "torn", "cheap", "dull", "cold", "poor", "thin")
PEOPLE, PLACES = ("Ann", "Bob", "Carla", "Dmitri", "Eve"), ("Oslo", "Rome", "Lima", "Kyiv", "Bern")


def _text(chance: random.Random, words: Sequence[str], number: int) -> str:
    # A number in many forms keeps texts of the same words from being near duplicates.
    own = " ".join(f"w{number * 7 + place}x" for place in range(6))
    return f"{' '.join(chance.choices(words, k=5))} {own}"


def _table(path: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    made = StringIO(newline="")
    csv.writer(made).writerows([columns, *rows])
    data = made.getvalue().encode()
    path.write_bytes(lzma.compress(data) if path.suffix == ".xz" else data)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, chance = tmp_path_factory.mktemp("data"), random.Random(3)
    sides = [(n, n % 2, _text(chance, (BAD, GOOD)[n % 2], n)) for n in range(160)]
    _table(
        folder / "imdb_train.csv.xz",
        ["sentiment", "review"],
        [(("negative", "positive")[side], f"{text}<br />done") for _, side, text in sides],
    )
    columns = ["Clothing ID", "Age", "Title", "Review Text", "Rating"]
    columns += ["Recommended IND", "Department Name"]
    clothes = [
        (
            n // 2,
            20 + n % 50,
            "A title",
            text,
            (1, 3, 5)[n % 3],
            side,
            ("", "Tops", "Bottoms")[n % 3],
        )
        for n, side, text in sides
    ]
    (folder / "below").mkdir()
    _table(folder / "below" / "womens_dev_80.csv", columns, [*clothes, (1, 2, "t", " ", 5, 1, "")])
    kinds = [(text, ("books", "music")[side]) for _, side, text in sides]
    _table(folder / "5000_reviews.csv", ["text", "category"], kinds)
    term = json.dumps([{"start": 0, "end": 4, "label": "conflict", "term": "x"}])
    meals = [(text, ("food;price", "service")[side], term) for _, side, text in sides]
    _table(
        folder / "semeval14_restaurants_train.csv", ["text", "aspect_categories", "spans"], meals
    )
    _write_sentences(folder, chance)
    return folder


def _write_sentences(folder: Path, chance: random.Random) -> None:
    for name, start in (("train.jsonl", 0), ("valid.jsonl", 500)):
        lines = []
        for number in range(start, start + 90):
            tokens = [f"w{number}a", chance.choice(PEOPLE), f"w{number}b", chance.choice(PLACES)]
            tokens += [f"w{number}{letter}" for letter in "cdefg"]
            tags = ["O", "B-PER", "O", "B-LOC", *["O"] * 5]
            lines.append(json.dumps({"tokens": tokens, "tags": tags}))
        (folder / name).write_text("\n".join(lines) + "\n", "utf-8")


def _request(data: Path, tmp_path: Path, **settings: Any) -> Request:
    chosen = {"tier": Tier.TFIDF, "seeds": 2, "device": "cpu", "threads": 1, **settings}
    return Request(data, tmp_path / "features", tmp_path / "encoders", **chosen)


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_recipe_measures_all_its_figures(name: str, data: Path, tmp_path: Path) -> None:
    said: list[str] = []

    report = reproduce(RECIPES[name], _request(data, tmp_path), said.append)

    first = report.lines[0]
    assert first.ours is not None
    assert sum(f"{first.figure.label} {first.ours.each[1]:.4f}" in line for line in said) >= 1
    assert [line.figure.label for line in report.lines if line.ours is None] == []
    assert all(len(line.ours.each) == 2 for line in report.lines if line.ours)
    assert min(report.counts.values()) > 0


def test_a_table_names_the_baseline_the_aim_the_earlier_figure_and_the_command(
    data: Path, tmp_path: Path
) -> None:
    report = reproduce(RECIPES["imdb"], _request(data, tmp_path), lambda _: None)

    table = as_table(report, "manage.py reproduce imdb")

    assert "| accuracy | 1.0000 (" in table
    assert "≥ 0.85, reached | 0.8933 (n about 150" in table
    assert "always the same" in table
    assert "`manage.py reproduce imdb`" in table
    assert f"{report.processor_seconds:,.0f} s of processor time" in table
    assert report.processor_seconds > 0


def test_the_command_prints_the_table_and_writes_json(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, target = StringIO(), tmp_path / "all.json"
    monkeypatch.setattr("os.environ", {**os.environ, "OMP_WAIT_POLICY": "ACTIVE"})

    call_command(
        "reproduce", "imdb", "--data", str(data), "--train-size", "40", "--seeds", "1",
        "--tier", "tfidf", "--json", str(target), stdout=out, stderr=StringIO(),
    )  # fmt: skip

    stored = json.loads(target.read_text("utf-8"))
    assert stored["counts"]["train"] == 40
    assert stored["lines"][0]["is_reached"] is True
    assert stored["command"] in out.getvalue()
    assert str(data) not in out.getvalue()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"


def test_texts_beyond_the_labelled_ones_are_read_and_none_of_the_test_part(
    data: Path, tmp_path: Path
) -> None:
    recipe, said = RECIPES["imdb"], list[str]()
    rows = part_rows(recipe.read(data), recipe.shares).examples
    encoder = tiny.make_encoder(
        tmp_path / "tiny", texts=[row.text for row in rows], positions=256, has_mask=True
    )
    request = _request(
        data, tmp_path, tier=Tier.FULL, encoder=str(encoder), seeds=1, epochs=1, train_size=20,
        texts=10_000,
    )  # fmt: skip

    reproduce(recipe, request, said.append)

    readable = {row.text for row in rows if row.split != "test"}
    assert len(readable) > 20
    assert f"  Reading {len(readable)} texts without labels, some of their words masked" in said


def test_the_command_is_loaded_before_torch_so_that_torch_reads_how_to_wait() -> None:
    code = (
        "import django; django.setup(); import ml.management.commands.reproduce; "
        "import sys; print('torch' in sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "platform", "DJANGO_SETTINGS_MODULE": "config.settings"},
    )  # fmt: skip

    assert done.stdout.strip() == "False"


def test_joint_training_is_compared_with_models_of_one_question_each(
    data: Path, tmp_path: Path
) -> None:
    out, target = StringIO(), tmp_path / "all.json"

    call_command(
        "reproduce", "clothing", "--data", str(data), "--train-size", "60", "--seeds", "2",
        "--tier", "tfidf", "--joint", "--json", str(target), stdout=out, stderr=StringIO(),
    )  # fmt: skip

    stored = json.loads(target.read_text("utf-8"))
    lines = {(line["question"], line["name"]): line for line in stored["lines"]}
    assert {question for question, _ in lines} == {
        "sentiment", "rating", "age", "recommended", "department",
    }  # fmt: skip
    # Linear models on terms share nothing but the terms, which are the same where all answer.
    gains = {key: line["gain"]["value"] for key, line in lines.items() if key[0] != "department"}
    assert set(gains.values()) == {0.0}
    assert lines["recommended", "accuracy"]["joint"] == 1.0
    assert lines["department", "accuracy"]["gain"]["n"] < lines["rating", "mae"]["gain"]["n"]
    assert "| recommended | accuracy | 1.0000 | 1.0000 | +0.00 (" in out.getvalue()
    assert stored["command"] in out.getvalue()


@pytest.mark.parametrize(
    ("measure", "points"),
    [
        (PairedMeasure("accuracy", 0.8, 0.82, Difference(0.02, 0.01, 0.03, 0.1, "", None, 9)), 2),
        (PairedMeasure("mae", 0.5, 0.6, Difference(0.1, 0.05, 0.15, 0.1, "", None, 9)), -20),
    ],
)
def test_points_are_more_where_the_joint_model_is_better(
    measure: PairedMeasure, points: float
) -> None:
    gain = points_of(measure)

    assert gain["value"] == pytest.approx(points)
    assert gain["low"] == pytest.approx(points - abs(points) / 2)


def test_a_verdict_tells_a_loss_from_a_doubt() -> None:
    given = [(0.0, -0.9), (-0.5, -2.0), (-1.5, -1.9)]

    said = [
        JointLine("q", "accuracy", 0.8, 0.8, Mean(value, low, value, 9, (value,))).verdict
        for value, low in given
    ]

    assert said == ["yes, surely", "yes, on average", "NO"]


def test_a_folder_without_the_files_is_one_plain_line(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"no imdb_train\.csv\.xz or imdb_train\.csv"):
        call_command("reproduce", "imdb", "--data", str(tmp_path), stderr=StringIO())


def test_a_file_without_its_columns_says_which(tmp_path: Path) -> None:
    _table(tmp_path / "imdb_train.csv", ["review"], [("x",)])

    with pytest.raises(UnreadableRowError, match="no column sentiment"):
        readings.imdb(tmp_path)


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"tokens": ["a"], "tags": []}\n', "utf-8")

    with pytest.raises(UnreadableRowError, match=r"train\.jsonl cannot be read: line 1"):
        readings.conll(tmp_path)


def test_sentences_become_texts_with_spans() -> None:
    spans = readings.spans_of_tags(
        ["Ann", "Lee", "in", "New", "York", "Oslo"],
        ["B-PER", "I-PER", "O", "B-LOC", "I-LOC", "B-LOC"],
    )

    assert spans == (
        SpanAnswer(0, 7, "PER"),
        SpanAnswer(11, 19, "LOC"),
        SpanAnswer(20, 24, "LOC"),
    )


def test_rows_without_a_text_and_stars_are_read_as_agreed(data: Path) -> None:
    rows = readings.clothing(data)

    assert len(rows) == 160
    assert {(r.answers["rating"], r.answers["sentiment"]) for r in rows} == {
        (1.0, "negative"),
        (3.0, "neutral"),
        (5.0, "positive"),
    }
    assert rows[0].text.startswith("A title\n")


def test_no_near_duplicate_and_no_group_crosses_the_parts() -> None:
    chance = random.Random(1)
    base = [_text(chance, GOOD, number) for number in range(200)]
    rows = [Row(text, {}, "a", group=str(n // 4)) for n, text in enumerate(base)]
    rows += [Row(f"{text}!", {}, "a") for text in base]

    parts = {e.id: e.split for e in part_rows(rows, Shares(0.2, 0.3)).examples}

    assert set(parts.values()) == {"train", "validation", "test"}
    assert all(parts[n] == parts[n + 200] == parts[n - n % 4] for n in range(200))


def test_what_resembles_a_given_test_row_is_left_out_of_the_rest() -> None:
    chance = random.Random(2)
    texts = [_text(chance, GOOD, number) for number in range(60)]
    rows = [Row(text, {}, "a", part="train") for text in texts]
    rows += [
        Row(f"{texts[0]} .", {}, "a", part="test"),
        Row("quite another text", {}, "a", "", "test"),
    ]

    parted = part_rows(rows, Shares(0.2, 0.0))

    assert parted.repeated == 1
    assert {e.id for e in parted.examples if e.split == "test"} == {60, 61}
    assert 0 not in {e.id for e in parted.examples}


def test_parts_have_the_shares_of_the_strata_and_their_largest_size() -> None:
    chance = random.Random(4)
    rows = [Row(_text(chance, GOOD, n), {}, "rare" if n % 10 == 0 else "often") for n in range(400)]

    examples = part_rows(rows, Shares(0.2, 0.5, most_validation=40, most_test=100)).examples

    test = [e.id for e in examples if e.split == "test"]
    assert len(test) == 100
    assert sum(number % 10 == 0 for number in test) == 10
    assert sum(e.split == "validation" for e in examples) == 40


def test_seeds_choose_other_training_rows_and_leave_the_test_alone() -> None:
    chance = random.Random(5)
    rows = [Row(_text(chance, GOOD, number), {}, "a") for number in range(100)]
    examples = part_rows(rows, Shares(0.2, 0.3)).examples

    one, two = (take_train(examples, 20, seed) for seed in (0, 1))

    held_out = [[e.id for e in part if e.split != "train"] for part in (one, two)]
    assert held_out[0] == held_out[1]
    trained = [{e.id for e in part if e.split == "train"} for part in (one, two)]
    assert [len(ids) for ids in trained] == [20, 20]
    assert trained[0] != trained[1]


def test_a_mean_over_seeds_joins_both_doubts() -> None:
    mean = mean_of([estimate(v, v - 0.03, v + 0.03, 500) for v in (0.80, 0.82, 0.84)])

    assert mean is not None
    assert mean.value == pytest.approx(0.82)
    # Student's t of two degrees of freedom times 0.02 / sqrt(3), and the half width of the rows.
    assert mean.high - mean.value == pytest.approx((0.03**2 + (4.303 * 0.02 / 3**0.5) ** 2) ** 0.5)
    assert mean.n == 500


def test_the_accuracy_by_word_is_that_of_the_usual_library() -> None:
    text = "Ann Lee went to New York"
    gold = (SpanAnswer(0, 7, "PER"), SpanAnswer(16, 24, "LOC"))
    found = (SpanAnswer(4, 7, "PER"), SpanAnswer(16, 24, "ORG"))

    share = word_accuracy([gold, ()], [found, ()], [text, "No one"])

    wanted = [["B-PER", "I-PER", "O", "O", "B-LOC", "I-LOC"], ["O", "O"]]
    given = [["O", "B-PER", "O", "O", "B-ORG", "I-ORG"], ["O", "O"]]
    assert share["value"] == pytest.approx(accuracy_score(wanted, given))


def test_a_missing_file_is_looked_for_below_the_folder(data: Path, tmp_path: Path) -> None:
    assert readings.clothing(data.parent)
    with pytest.raises(FilesMissingError, match="by --data"):
        readings.clothing(tmp_path)
