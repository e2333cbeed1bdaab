"""Make the demo project: its reviews come in and are labelled by the same ways as anybody's."""

import csv
import io
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.files.base import ContentFile, File
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from demo.annotators import DemoAnnotation, annotate
from demo.grammar import DemoReview, generate
from jobs.models import Job
from jobs.worker import run_here
from labelling.services import record_annotation
from ml.models import TrainingRun
from ml.planning import plan_training
from ml.services import start_training
from projects.models import Project, Role
from projects.services import create_project, set_role
from reviews import splitting
from reviews.mapping import ColumnMapping
from reviews.models import Dataset, Review
from reviews.services import receive_upload, start_import

SLUG = "demo"
DATASET = "Demo reviews"
SEED = 7
LABELLED_OVER = timedelta(days=9)
_COLUMNS = ("title", "text", "product", "category", "date", "author")


def load_demo(*, owner: User, count: int = 600) -> bool:
    """Make the demo project with reviews and labels; False when it is there already.

    What an earlier start left half done is finished.
    """
    project = Project.objects.filter(slug=SLUG).first()
    if project is not None and project.annotations.exists():
        return False
    reviews = generate(count, seed=SEED, end=timezone.localdate())
    annotations = annotate(reviews, seed=SEED)
    if project is None:
        project = create_project(slug=SLUG, name="Demo shop", preset="product-reviews", owner=owner)
    people = _annotators(project, annotations, owner)
    _label(_rows(project, reviews, owner), reviews, annotations, people)
    _draw_splits(project)
    return True


def demo_training(*, owner: User) -> Job | None:
    """Return the job that trains the demo's first model: a new one, or the one under way.

    None when the demo has a model or is not there.
    """
    project = Project.objects.filter(slug=SLUG).first()
    if project is None or project.model_versions.exists():
        return None
    run = TrainingRun.objects.filter(project=project).order_by("-number").first()
    if run is not None and run.job is not None and not run.job.is_finished:
        return run.job
    return start_training(project=project, plan=plan_training(project), actor=owner).job


def _annotators(
    project: Project, annotations: Sequence[DemoAnnotation], owner: User
) -> dict[str, User]:
    """Make the three who label; they have no password and cannot sign in."""
    people = {}
    for name in sorted({each.annotator for each in annotations}):
        person, is_new = User.objects.get_or_create(username=name)
        if is_new:
            person.set_unusable_password()
            person.save(update_fields=["password"])
        set_role(project=project, username=name, role=Role.ANNOTATOR, actor=owner)
        people[name] = person
    return people


def _rows(project: Project, reviews: Sequence[DemoReview], owner: User) -> list[Review]:
    """Return the demo's reviews in order, sent through the import that everybody uses."""
    dataset = project.datasets.filter(name=DATASET, is_ready=True).first()
    if dataset is None:
        dataset = _import(project, reviews, owner)
    return list(dataset.reviews.select_related("project").order_by("row_number"))


def _import(project: Project, reviews: Sequence[DemoReview], owner: User) -> Dataset:
    project.datasets.filter(name=DATASET).delete()
    file: File[bytes] = ContentFile(_csv(reviews), name="demo-reviews.csv")
    started = start_import(
        project=project,
        dataset_name=DATASET,
        upload=receive_upload(project=project, file=file, actor=owner),
        mapping=ColumnMapping(
            text=("title", "text"),
            separator="\n",
            metadata=("category",),
            date="date",
            product="product",
            author="author",
        ),
        actor=owner,
    )
    job = run_here(started.job)
    if job.state != Job.State.SUCCEEDED:
        raise RuntimeError(f"The demo's reviews could not be imported: {job.reason}")
    return started.dataset


def _draw_splits(project: Project) -> None:
    """Draw by the labels that are there now, whenever a worker has drawn without them."""
    dataset = project.datasets.get(name=DATASET)
    waiting = Job.objects.filter(project=project, kind=splitting.KIND).exclude(
        state__in=Job.TERMINAL
    )
    for job in waiting:
        run_here(job)
    job = run_here(splitting.redraw(dataset=dataset, wishes=splitting.Wishes(), actor=None))
    if job.state != Job.State.SUCCEEDED:
        raise RuntimeError(f"The demo's splits could not be drawn: {job.reason}")


def _csv(reviews: Sequence[DemoReview]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for each in reviews:
        date = each.reviewed_at.isoformat()
        writer.writerow([each.title, each.text, each.product, each.category, date, each.author])
    return out.getvalue().encode()


@transaction.atomic
def _label(
    rows: Sequence[Review],
    reviews: Sequence[DemoReview],
    annotations: Sequence[DemoAnnotation],
    people: dict[str, User],
) -> None:
    moments = _moments(len(annotations))
    by_row = {review.row_number - 1: review for review in rows}
    for each, moment in zip(annotations, moments, strict=True):
        review = by_row[each.review_index]
        record_annotation(
            review=review,
            annotator=people[each.annotator],
            answers=_answers(review, each, shift=_shift(review, reviews[each.review_index])),
            created_at=moment,
        )


def _shift(review: Review, written: DemoReview) -> int:
    """Return by how much the title in front moves the offsets of the spans."""
    if not review.text.endswith(written.text):
        raise RuntimeError(f"{review} does not end in the text that was written for it")
    return len(review.text) - len(written.text)


def _answers(review: Review, annotation: DemoAnnotation, *, shift: int) -> dict[str, Any]:
    spans = [
        {
            "start": span.start + shift,
            "end": span.end + shift,
            "text": review.text[span.start + shift : span.end + shift],
            "option": span.aspect,
            "polarity": span.polarity,
        }
        for span in annotation.spans
    ]
    return {
        "sentiment": annotation.sentiment,
        "rating": annotation.rating,
        "aspects": sorted(annotation.aspects),
        "aspect_spans": spans,
    }


def _moments(count: int) -> list[datetime]:
    """Spread the labels over the last days, so that pace and forecast show something."""
    rng = random.Random(SEED)  # noqa: S311  (a story, not a secret)
    now = timezone.now()
    return sorted(now - LABELLED_OVER * rng.random() for _ in range(count))
