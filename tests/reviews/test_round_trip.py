"""Out and in again: what an export holds, an import into a fresh project makes of it.

Each format is held to what it can carry; the table below says what that is.
"""

import io
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.files.base import ContentFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from jobs import worker
from jobs.models import Job
from labelling.imported import store_said
from projects.models import Project
from reviews import export_services, labels, services
from reviews.answers import ImportedSpan
from reviews.files import path_of
from reviews.formats import FORMATS, Exported
from reviews.formats.tokenising import without_overlaps
from reviews.mapping import ColumnMapping
from reviews.models import ImportJob, Review, Upload
from reviews.selectors import visible_reviews
from reviews.sources import guess_format, open_table
from reviews.wanted import Wanted
from tests import factories
from tests.reviews import exported

pytestmark = pytest.mark.django_db
_numbers = itertools.count(1)
_KEYS = tuple(question.key for question in exported.QUESTIONS)


@dataclass(frozen=True)
class Carries:
    """What comes back of a format."""

    labels: str = "annotators"
    keys: tuple[str, ...] = _KEYS
    #: The question of formats that are about one.
    question: str = ""
    #: Field of the file to the question that it answers, where they differ.
    fields: Mapping[str, str] | None = None
    has_polarity: bool = True
    has_overlaps: bool = True
    #: Whether a list of nothing is told from no answer.
    has_nothing: bool = True
    has_metadata: bool = True
    tokens: str = "words"


CARRIES = {
    "csv": Carries(),
    "xlsx": Carries(),
    "parquet": Carries(),
    "huggingface": Carries(),
    "jsonl": Carries(),
    "label-studio": Carries(has_nothing=False),
    "doccano": Carries(
        keys=("aspect_spans",),
        question="aspect_spans",
        fields={"label": "aspect_spans"},
        has_polarity=False,
    ),
    "spacy": Carries(
        labels="gold",
        keys=("sentiment", "aspects", "aspect_spans"),
        question="aspect_spans",
        fields={"entities": "aspect_spans"},
        has_polarity=False,
        has_overlaps=False,
        has_nothing=False,
        has_metadata=False,
    ),
}
#: CoNLL holds tokens and no text: see the last test, and test_export_formats.
assert {*CARRIES, "conll"} == set(FORMATS)

State = dict[str, tuple[dict[str, str], dict[str, dict[str, Any]]]]


def state(project: Project, carried: Carries) -> State:
    """Return text to facts and labels, as far as the format is held to them."""
    source = labels.source_of(project, carried.labels)
    rows = list(visible_reviews(project).order_by("pk"))
    said = source.load(project, [row.pk for row in rows])
    return {
        row.text: (
            _facts(row) if carried.has_metadata else {},
            {
                each.annotator: kept
                for each in said.get(row.pk, ())
                if (kept := _kept(each.answers, carried))
            },
        )
        for row in rows
    }


def _facts(row: Review) -> dict[str, str]:
    day = row.reviewed_at.isoformat() if row.reviewed_at else ""
    facts = {"product": row.product, "author": row.author, "date": day}
    return {name: value for name, value in (facts | row.metadata).items() if value}


def _kept(answers: Mapping[str, Any], carried: Carries) -> dict[str, Any]:
    found = {}
    for key, value in answers.items():
        if key not in carried.keys or (value == [] and not carried.has_nothing):
            continue
        found[key] = _spans(value, carried) if key == "aspect_spans" else value
    return found


def _spans(value: list[dict[str, Any]], carried: Carries) -> list[dict[str, Any]]:
    kept = value if carried.has_overlaps else without_overlaps(value)[0]
    names = ("start", "end", "text", "option", "polarity")
    wanted = names if carried.has_polarity else names[:-1]
    return [{name: span.get(name) or "" for name in wanted} for span in kept]


# --- Out and in -------------------------------------------------------------------------------


def fill(project: Project, made: list[Exported]) -> None:
    """Make the reviews, and have people known from a file say what they say."""
    dataset = factories.dataset(project)
    upload = Upload.objects.create(project=project, original_name="x.csv")
    work = ImportJob.objects.create(dataset=dataset, upload=upload)
    for each in made:
        review = factories.review(
            project,
            each.text,
            dataset=dataset,
            metadata=dict(each.metadata),
            product=each.product,
            author=each.author,
            reviewed_at=each.date or None,
            split=each.split,
        )
        said = [(review.pk, one.annotator, _parsed(one.answers)) for one in each.labels]
        store_said(project=project, rows=said, import_job_id=work.pk)


def _parsed(answers: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(answers)
    if "aspects" in found:
        found["aspects"] = frozenset(found["aspects"])
    if "aspect_spans" in found:
        found["aspect_spans"] = tuple(
            ImportedSpan(span["start"], span["end"], span["option"], span.get("polarity", ""))
            for span in found["aspect_spans"]
        )
    return found


def taken_out(project: Project, key: str, carried: Carries) -> bytes:
    wish = Wanted(
        format=key, labels=carried.labels, question=carried.question, tokens=carried.tokens
    )
    export = export_services.request_export(project=project, wish=wish, actor=None)
    assert export.job is not None
    job = worker.run_here(export.job)
    assert job.state == Job.State.SUCCEEDED, job.reason
    export.refresh_from_db()
    return path_of(export.file).read_bytes()


def brought_in(project: Project, raw: bytes, name: str, carried: Carries, owner: User) -> None:
    binary = io.BytesIO(raw)
    table = open_table(binary, guess_format(binary, name=name))
    names = [*table.columns, *table.fields]
    fields = {key: key for key in carried.keys} | dict(carried.fields or {})
    mapping = ColumnMapping(
        text=("text",),
        answers={name: key for name, key in fields.items() if name in names},
        annotator="annotator" if "annotator" in table.columns else "",
        product="product" if "product" in table.columns else "",
        author="author" if "author" in table.columns else "",
        date="date" if "date" in table.columns else "",
        metadata=tuple(each for each in table.columns if each in exported.KEYS),
    )
    upload = services.receive_upload(project=project, file=ContentFile(raw, name=name), actor=owner)
    started = services.start_import(
        project=project, dataset_name="back", upload=upload, mapping=mapping, actor=owner
    )
    job = worker.run_here(started.job)
    assert job.state == Job.State.SUCCEEDED, job.reason
    assert job.result["rejected"] == 0


def there_and_back(made: list[Exported], key: str, carried: Carries) -> tuple[State, State]:
    number = next(_numbers)
    owner = factories.user(f"owner{number}")
    here = factories.project(owner=owner, slug=f"here-{number}")
    there = factories.project(owner=owner, slug=f"there-{number}")
    fill(here, made)
    raw = taken_out(here, key, carried)
    brought_in(there, raw, f"x.{FORMATS[key].ending}", carried, owner)
    return state(here, carried), state(there, carried)


_QUIET = settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.parametrize("key", CARRIES)
@_QUIET
@given(made=exported.reviews(annotators=("anna", "bo")))
def test_what_goes_out_comes_back(key: str, made: list[Exported]) -> None:
    before, after = there_and_back(made, key, CARRIES[key])

    assert after == before


@pytest.mark.parametrize("key", ["csv", "xlsx", "parquet", "huggingface", "jsonl", "label-studio"])
@_QUIET
@given(made=exported.reviews())
def test_gold_comes_back_as_gold(key: str, made: list[Exported]) -> None:
    carried = Carries(labels="gold", has_nothing=key != "label-studio")

    before, after = there_and_back(made, key, carried)

    assert after == before


@_QUIET
@given(made=st.lists(exported.sentences(), min_size=1, max_size=4, unique_by=lambda r: r.text))
def test_what_came_as_tokens_comes_back_from_conll(made: list[Exported]) -> None:
    carried = Carries(
        labels="gold",
        keys=("aspect_spans",),
        question="aspect_spans",
        fields={"entities": "aspect_spans"},
        has_polarity=False,
        has_overlaps=False,
        has_nothing=False,
        has_metadata=False,
        tokens="spaces",
    )

    before, after = there_and_back(made, "conll", carried)

    assert after == before
