"""The settings that few people need: in the form, over REST, refused where they mean nothing."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from ml import reach
from ml.core.config import TrainConfig
from ml.models import TrainingRun
from ml.panels import config_facts
from ml.planning import plan_training
from ml.services import start_training
from ml.unlabelled import write_texts
from ml.wishes import Wishes
from projects.models import Project
from reviews import splitting
from reviews.models import Dataset, Review
from tests import factories
from tests.ml.conftest import finish
from tests.ml_core import tiny

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("labelled")]

Browser = Callable[[User], Client]
Api = Callable[..., APIClient]
PAGE = "/projects/shop/models/retrain/"
API = "/api/v1/projects/shop/training-runs/"
WISHED: dict[str, Any] = {
    "tier": "full",
    "max_tokens": 0,
    "truncation": "head_tail",
    "class_weights": True,
    "hidden": 64,
    "dropout": 0.1,
    "projection": 96,
    "normalise": True,
    "ordinal": "cumulative",
    "unfreeze": 2,
    "layer_decay": 0.9,
    "accumulate": 4,
    "precision": "fp32",
    "pooling": "cls",
    "pretraining_texts": 500,
    "pretraining_steps": 90,
    "pretraining_minutes": 12.5,
}


def config_of_last() -> TrainConfig:
    return TrainConfig.from_json(TrainingRun.objects.latest("id").config)


def assert_as_wished(config: TrainConfig) -> None:
    of_heads = {"hidden", "dropout", "ordinal"}
    own = WISHED.keys() - of_heads
    assert {name: getattr(config, name) for name in own} == {n: WISHED[n] for n in own}
    heads = {head.question: head for head in config.heads}
    assert heads["rating"].ordinal == "cumulative"
    assert heads["sentiment"].ordinal == "squeezed"
    assert {head.dropout for head in config.heads} == {0.1}
    assert {heads[q].hidden for q in ("sentiment", "rating", "aspects")} == {64}
    assert heads["aspect_spans"].hidden == 0


def test_the_form_hands_every_setting_on(owner: User, signed_in: Browser) -> None:
    signed_in(owner).post(PAGE, {name: str(value) for name, value in WISHED.items()})

    assert_as_wished(config_of_last())


def test_rest_hands_every_setting_on(owner: User, api: Api) -> None:
    response = api(owner).post(API, WISHED, format="json")

    assert response.status_code == 202
    assert_as_wished(config_of_last())
    facts = dict(config_facts(TrainingRun.objects.latest("id")))
    assert facts["Tokens read"] == "by how long the reviews are"
    assert facts["Layers that learn"] == 2
    assert facts["Texts read before, without labels"] == 500
    assert (facts["Width of a projection"], facts["Vectors of length one"]) == (96, "yes")


@pytest.mark.parametrize(
    ("tier", "field", "value", "words"),
    [
        pytest.param("frozen", "unfreeze", 2, "Only a fine-tuned encoder", id="layers"),
        pytest.param("frozen", "pretraining_texts", 9, "Only a fine-tuned encoder", id="texts"),
        pytest.param("full", "pretraining_texts", 0, "1", id="no text"),
        pytest.param("frozen", "accumulate", 2, "Only a fine-tuned encoder", id="batches"),
        pytest.param("tfidf", "truncation", "head_tail", "Words (TF-IDF)", id="words are not cut"),
        pytest.param("tfidf", "projection", 64, "Words (TF-IDF)", id="words are not projected"),
        pytest.param("frozen", "projection", 0, "1", id="no width"),
        pytest.param("frozen", "max_tokens", 5, "at least 8 tokens, or 0", id="few tokens"),
        pytest.param("frozen", "dropout", 1.5, "0.95", id="all left out"),
        pytest.param("tfidf", "epochs", 3, "Words (TF-IDF)", id="words have no epochs"),
        pytest.param("tfidf", "batch_size", 8, "Words (TF-IDF)", id="words have no batches"),
        pytest.param("tfidf", "learning_rate", 0.1, "Words (TF-IDF)", id="words have no rate"),
        pytest.param("tfidf", "max_tokens", 64, "Words (TF-IDF)", id="words are read whole"),
        pytest.param("tfidf", "beside", ["single_task"], "share nothing", id="words stand alone"),
        pytest.param("frozen", "max_tokens", 600, "at most 512 tokens", id="beyond the encoder"),
        pytest.param("full", "layer_decay", 0, "0.1", id="no rate"),
        pytest.param("full", "precision", "fp8", "fp8", id="unknown arithmetic"),
    ],
)
def test_what_means_nothing_is_refused_beside_its_field(
    tier: str, field: str, value: Any, words: str, owner: User, signed_in: Browser, api: Api
) -> None:
    page = signed_in(owner).post(PAGE, {"tier": tier, field: value})
    answer = api(owner).post(API, {"tier": tier, field: value}, format="json")

    form = page.context["form"]
    assert page.status_code == 400
    assert words in form.errors[field][0]
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert (error["field"], words in error["message"]) == (field, True)
    assert not TrainingRun.objects.exists()


def test_steps_are_refused_where_no_question_has_any(
    owner: User, signed_in: Browser, api: Api
) -> None:
    asked = {"tier": "frozen", "ordinal": "cumulative", "questions": ["sentiment"]}

    page = signed_in(owner).post(PAGE, asked)
    answer = api(owner).post(API, asked, format="json")

    assert "at most 100 steps apart" in page.context["form"].errors["ordinal"][0]
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "ordinal")


def test_the_advanced_part_is_closed_until_something_in_it_is_used(
    owner: User, signed_in: Browser, labelled: list[Review]
) -> None:
    browser = signed_in(owner)

    plain = browser.get(PAGE, {"tier": "frozen"}).content.decode()
    used = browser.get(PAGE, {"tier": "frozen", "dropout": "0.2"}).content.decode()

    assert '<details class="section" >' in plain
    assert '<details class="section" open>' in used


OWN: dict[str, dict[str, Any]] = {
    "rating": {"weight": 0.5, "hidden": 128},
    "sentiment": {"dropout": 0.2},
    "aspect_spans": {"hidden": 32},
}


def assert_own(config: TrainConfig) -> None:
    heads = {head.question: head for head in config.heads}
    assert (heads["rating"].weight, heads["rating"].hidden, heads["rating"].dropout) == (
        *(0.5, 128, 0.1),
    )
    assert (heads["sentiment"].hidden, heads["sentiment"].dropout) == (256, 0.2)
    assert heads["aspects"].weight == 1
    assert heads["aspect_spans"].hidden == 32


def test_the_form_takes_settings_of_single_questions(owner: User, signed_in: Browser) -> None:
    browser = signed_in(owner)
    own = {f"heads.{key}.{name}": v for key, each in OWN.items() for name, v in each.items()}
    page = browser.get(PAGE, {"tier": "full", "dropout": "0.1"} | own)

    browser.post(PAGE, {"tier": "full", "dropout": "0.1"} | own)

    assert 'name="heads.rating.weight" value="0.5"' in page.content.decode()
    assert_own(config_of_last())


def test_rest_takes_settings_of_single_questions(owner: User, api: Api) -> None:
    answer = api(owner).post(API, {"tier": "full", "dropout": 0.1, "heads": OWN}, format="json")

    assert answer.status_code == 202
    assert_own(config_of_last())
    facts = dict(config_facts(TrainingRun.objects.latest("id")))
    assert facts["Weight in the joint loss, rating"] == 0.5
    assert facts["Width of the hidden layer, aspect_spans"] == 32


@pytest.mark.parametrize(
    ("tier", "key", "name", "value", "words"),
    [
        pytest.param("full", "rating", "weight", 0, "0.001", id="no weight"),
        pytest.param("full", "rating", "dropout", 2, "0.95", id="all left out"),
        pytest.param("frozen", "rating", "weight", 2, "a weight changes nothing", id="nothing"),
        pytest.param("tfidf", "rating", "hidden", 8, "Words (TF-IDF)", id="words"),
    ],
)
def test_what_one_question_cannot_heed_is_refused_beside_its_field(
    tier: str, key: str, name: str, value: Any, words: str,
    owner: User, signed_in: Browser, api: Api,
) -> None:  # fmt: skip
    field = f"heads.{key}.{name}"

    page = signed_in(owner).post(PAGE, {"tier": tier, field: value})
    answer = api(owner).post(API, {"tier": tier, "heads": {key: {name: value}}}, format="json")

    assert words in page.context["form"].errors[field][0]
    assert f'id="id_{field}_error"' in page.content.decode()
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["field"], words in error["message"]) == (400, field, True)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        pytest.param({"heads": {"mood": {"weight": 2}}}, "heads", id="unknown question"),
        pytest.param({"beside": ["single_task"], "questions": ["rating"]}, "beside", id="alone"),
    ],
)
def test_what_fits_no_question_is_refused(
    asked: dict[str, Any], field: str, owner: User, api: Api
) -> None:
    answer = api(owner).post(API, {"tier": "full"} | asked, format="json")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


def test_an_encoder_reads_as_much_as_most_reviews_are_long_and_the_plan_says_it(
    owner: User, signed_in: Browser, api: Api
) -> None:
    browser = signed_in(owner)

    open_ = browser.get(PAGE, {"tier": "frozen"}).content.decode()
    given = browser.get(PAGE, {"tier": "frozen", "max_tokens": "16"})
    words = browser.get(PAGE, {"tier": "tfidf"}).content.decode()
    api(owner).post(API, {"tier": "frozen"}, format="json")

    assert "<dd>128 tokens</dd><dd>chosen by how long they are; 100 % of 36 training" in open_
    assert (given.context["reach"].tokens, given.context["reach"].percent < 100) == (16, True)
    assert "Reads of a review" not in words
    assert config_of_last().max_tokens == 0


def test_a_damaged_encoder_is_planned_without_what_it_reads(
    owner: User, signed_in: Browser, tmp_path: Path
) -> None:
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (tmp_path / name).write_text("{")

    asked = {"tier": "frozen", "other_encoder": str(tmp_path), "max_tokens": "999"}
    page = signed_in(owner).get(PAGE, asked)

    assert (page.status_code, page.context["reach"]) == (200, None)


def test_no_more_than_two_thousand_texts_are_looked_at_for_a_plan(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "SAMPLE", 10)

    assert 1 < len(reach._sample(project)) <= 10


def test_the_rate_of_a_frozen_encoder_is_that_of_its_heads(owner: User, api: Api) -> None:
    api(owner).post(API, {"tier": "frozen", "learning_rate": 0.01}, format="json")

    config = config_of_last()
    assert (config.learning_rate, config.head_learning_rate) == (0.0, 0.01)


@pytest.mark.parametrize("field", ["pretraining_steps", "pretraining_minutes"])
def test_how_long_to_read_needs_texts_to_be_read(field: str, owner: User, api: Api) -> None:
    answer = api(owner).post(API, {"tier": "full", field: 5}, format="json")

    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["field"]) == (400, "pretraining_texts")


def test_the_plan_counts_the_time_of_reading_up_to_its_bounds(
    project: Project, dataset: Dataset
) -> None:
    Dataset.objects.filter(pk=dataset.pk).update(review_count=2000)

    plain, read, bounded, few = (
        plan_training(project, Wishes(tier="full", **more))
        for more in (
            {},
            {"pretraining_texts": 1200},
            {"pretraining_texts": 1200, "pretraining_minutes": 2.0},
            {"pretraining_texts": 5000},
        )
    )

    assert read.seconds - plain.seconds == pytest.approx(360)
    assert bounded.seconds - plain.seconds == pytest.approx(120)
    assert few.seconds - plain.seconds == pytest.approx(600)
    assert "texts read before take 2 min" in bounded.basis


def test_a_project_hands_over_texts_of_all_but_its_test_split(
    project: Project,
    owner: User,
    labelled: list[Review],
    waiting: list[Review],
    tmp_path: Path,
) -> None:
    path = tmp_path / "texts.jsonl"
    factories.review(factories.project(owner=owner, slug="elsewhere"), "Not ours.")
    splitting.freeze(project)
    factories.review(project, "Imported since, and perhaps of the test split once it is drawn.")

    count = write_texts(path, project, count=1000, seed=1)

    texts = [json.loads(line) for line in path.read_text().splitlines()]
    ours = [review.text for review in (*labelled, *waiting) if review.split != "test"]
    assert (count, sorted(texts)) == (len(ours), sorted(ours))
    assert write_texts(path, project, count=7, seed=1) == 7
    drawn = path.read_text()
    write_texts(path, project, count=7, seed=1)
    assert path.read_text() == drawn


def test_a_training_reads_texts_before_and_its_pages_say_so(
    project: Project,
    owner: User,
    labelled: list[Review],
    waiting: list[Review],
    signed_in: Browser,
    tmp_path: Path,
) -> None:
    texts = [review.text for review in (*labelled, *waiting)]
    encoder = str(tiny.make_encoder(tmp_path / "tiny", texts=texts, has_mask=True))
    wishes = Wishes(
        tier="full",
        encoder=encoder,
        questions=("sentiment",),
        epochs=1,
        max_tokens=32,
        pretraining_texts=1000,
        pretraining_steps=3,
    )
    run = start_training(project=project, plan=plan_training(project, wishes), actor=owner)
    assert run.job is not None

    finish(run.job)

    count = sum(review.split != "test" for review in (*labelled, *waiting))
    log = "\n".join(run.job.log_lines.values_list("text", flat=True))
    assert f"{count} texts to read without labels, none of the test split" in log
    assert f"Reading {count} texts without labels" in log
    assert "Read for 3 of 3 steps" in log
    page = signed_in(owner).get("/projects/shop/models/versions/1/").content.decode()
    assert f"{count} texts without labels, guessing masked words in 3 steps" in page
