"""A project with gold, and trainings that really run: TF-IDF takes seconds."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from accounts.models import User
from jobs import kinds
from jobs.lease import Lease, claim_one
from jobs.models import Job
from labelling.models import Gold, GoldSource, GoldSpan
from labelling.selectors import current_schema
from ml import checkpoints, serving
from ml.models import ModelVersion, TrainingRun
from ml.planning import plan_training
from ml.services import start_training
from ml.wishes import Wishes
from projects.models import Project
from reviews.models import Dataset, Review
from tests import factories

GOOD = ("lovely", "excellent", "sturdy", "perfect", "a joy")
BAD = ("awful", "broken", "flimsy", "useless", "a letdown")
FIRST_ID = 1_000_000
SPLITS = ("train", "train", "train", "validation", "test")


def gold(review: Review, **answers: Any) -> None:
    """Give a review gold answers, by question key."""
    schema = current_schema(review.project)
    for key, value in answers.items():
        question = schema.question(key)
        assert question is not None
        row: dict[str, Any] = {
            "project": review.project,
            "review": review,
            "question_id": question.id,
            "source": GoldSource.IMPORTED,
        }
        if question.kind == "number":
            Gold.objects.create(number=value, **row)
        elif question.kind == "choice":
            option = question.option(value)
            assert option is not None
            Gold.objects.create(option_id=option.id, **row)
        elif question.kind == "multichoice":
            chosen = [question.option(each) for each in value]
            for option in chosen or [None]:
                Gold.objects.create(option_id=option.id if option else None, **row)
        else:
            Gold.objects.create(**row)
            for start, end, name in value:
                option = question.option(name)
                assert option is not None
                GoldSpan.objects.create(
                    project=review.project,
                    review=review,
                    question_id=question.id,
                    option_id=option.id,
                    start=start,
                    end=end,
                    text=review.text[start:end],
                    polarity="positive",
                )
    Review.objects.filter(pk=review.pk).update(is_labelled=True)


def texts(count: int) -> list[tuple[str, bool]]:
    """Return distinct texts and whether each is good."""
    made = []
    for number in range(count):
        word = (GOOD if number % 2 else BAD)[number // 10 % 5]
        price = "fair" if number % 3 else "high"
        text = f"Order {number}: the quality is {word} and the price is {price}."
        made.append((text, bool(number % 2)))
    return made


def label(project: Project, dataset: Dataset, *, count: int = 60) -> list[Review]:
    """Make labelled reviews of every split, with answers to all four kinds of question."""
    made = []
    for number, (text, is_good) in enumerate(texts(count)):
        review = factories.review(
            project,
            text,
            # The same ids in every test, on any database: what was learned once can be used again.
            pk=FIRST_ID + number,
            dataset=dataset,
            split=SPLITS[(number // 2) % len(SPLITS)],
        )
        start = text.index("quality")
        gold(
            review,
            sentiment="positive" if is_good else "negative",
            rating=5 if is_good else 1,
            aspects=["quality", "price"] if number % 3 else ["quality"],
            aspect_spans=[(start, start + len("quality"), "quality")],
        )
        made.append(review)
    return made


@pytest.fixture(autouse=True)
def _nothing_loaded() -> None:
    """Databases of tests give the same ids again; a cached model would be another test's."""
    serving._loaded.clear()


@pytest.fixture
def dataset(project: Project) -> Dataset:
    return factories.dataset(project, "spring")


@pytest.fixture
def labelled(project: Project, dataset: Dataset) -> list[Review]:
    """Labelled reviews of every split."""
    return label(project, dataset)


@pytest.fixture
def waiting(project: Project, dataset: Dataset) -> list[Review]:
    """Unlabelled reviews: ten to train on, and one of the test split."""
    made = [
        factories.review(project, f"Parcel {n}: {GOOD[n % 5]} yet {BAD[n % 5]}.", dataset=dataset)
        for n in range(10)
    ]
    made.append(factories.review(project, "A test parcel.", dataset=dataset, split="test"))
    return made


def hold(job: Job, worker: str = "here:1") -> Lease:
    """Claim this very job."""
    lease = claim_one(job_id=job.pk, worker=worker)
    assert lease is not None
    return lease


def finish(job: Job) -> Job:
    """Claim a job and run it to its good end; what its runner raises comes out."""
    lease = hold(job)
    assert lease.succeed(kinds.get(job.kind).load()(lease))
    return Job.objects.get(pk=job.pk)


@pytest.fixture
def start(project: Project, owner: User) -> Callable[..., TrainingRun]:
    """Return a maker of queued TF-IDF trainings."""

    def make(**wishes: Any) -> TrainingRun:
        plan = plan_training(project, Wishes(**({"tier": "tfidf"} | wishes)))
        return start_training(project=project, plan=plan, actor=owner)

    return make


@pytest.fixture(scope="session")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoints of real trainings of this session, by what was wished for."""
    return tmp_path_factory.mktemp("learned")


@pytest.fixture
def trained(
    labelled: list[Review], start: Callable[..., TrainingRun], learned: Path
) -> Callable[..., ModelVersion]:
    """Return a maker of model versions.

    The first one of a kind really learns; the others adopt its checkpoint, as a training does
    that was killed after it had learned.
    """

    def make(**wishes: Any) -> ModelVersion:
        run = start(**wishes)
        assert run.job is not None
        kept = learned / "-".join(
            ["tfidf", *(f"{name}-{value}" for name, value in sorted(wishes.items()))]
        )
        if kept.exists():
            shutil.copytree(kept, settings.MODELS_DIR / f"run-{run.pk}-0")
        finish(run.job)
        version = ModelVersion.objects.get(training_run=run)
        if not kept.exists():
            shutil.copytree(checkpoints.directory_of(version), kept)
        return version

    return make


@pytest.fixture(scope="session")
def learned_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a tiny encoder that has learned a little."""
    from tests.ml import encoded

    return encoded.learn(tmp_path_factory.mktemp("encoded"))
