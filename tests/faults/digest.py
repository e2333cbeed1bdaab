"""All that a project has, told without ids and times: equal for two that went the same way."""

import base64
import datetime as dt
import re
from pathlib import Path
from typing import Any

import numpy as np
from django.apps import apps
from django.core.files.storage import default_storage
from django.db import connection
from django.db.models import Model
from pyarrow import parquet

from accounts.models import User
from jobs.models import Job, JobLogLine
from labelling.models import Gold
from projects.models import Project
from reviews.models import DatasetVersion, Export, Fingerprints, Review

Rows = list[dict[str, Any]]

#: Who holds a job how often differs, and so do ids, times and hashes over ids within JSON.
_OF_NO_MATTER = {
    Job: {
        "attempt", "fence", "worker", "lease_until", "not_before", "started_at", "reason",
        "single_key", "idempotency_key", "message", "step",
    },
    Export: {"sha256", "byte_count"},
    Gold: {"slot"},  # the id of its option, which is compared
    DatasetVersion: {"sha256", "file_sha256", "byte_count"},
}  # fmt: skip
_KEYS_OF_NO_MATTER = {
    "seconds", "bytes", "sha256", "file_sha256", "at", "ranked_at", "job", "key", "below", "last",
    "dataset", "datasets", "export", "action", "upload", "uploads",
    "annotation",
}  # fmt: skip
_IDS = re.compile(
    r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}|removed \d+|review \d+|shop-\d+|^\d+$"
)
_FOLDERS = ("exports", "versions")


def digest(project: Project) -> dict[str, Any]:
    """Return every row that belongs to a project, its files, and what its search finds."""
    ranks: dict[type[Model], dict[Any, int]] = {}
    found: dict[str, Any] = {}
    paths = _paths()
    for model, path in paths.items():
        by = "created_at" if model is Job else "pk"
        keys = model._base_manager.filter(**{path: project.pk}).order_by(by)
        ranks[model] = {pk: at for at, pk in enumerate(keys.values_list("pk", flat=True))}
    for model, path in paths.items():
        if model not in {Project, JobLogLine}:
            rows = model._base_manager.filter(**{path: project.pk}).order_by("pk")
            told = [_told(row, ranks) for row in rows]
            found[model.__name__] = sorted(told, key=repr)
    found["files"] = _files(project)
    found["searched"] = _searched(ranks[Review])
    return found


def _paths() -> dict[type[Model], str]:
    """Return how each table leads to its project, by the shortest way that is always there."""
    found: dict[type[Model], str] = {Project: "pk"}
    before = 0
    while before != len(found):
        before = len(found)
        for model in apps.get_models():
            for field in model._meta.concrete_fields:
                target: Any = field.related_model
                is_sure = target is Project or not field.null
                if model not in found and target in found and target is not model and is_sure:
                    end = "" if target is Project else f"__{found[target]}"
                    found[model] = f"{field.name}{end}"
    return found


def _told(row: Any, ranks: dict[type[Model], dict[Any, int]]) -> dict[str, Any]:
    model = type(row)
    told = {}
    for field in model._meta.concrete_fields:
        if field.primary_key or field.name in _OF_NO_MATTER.get(model, ()):
            continue
        value = getattr(row, field.attname)
        target: Any = field.related_model
        if model is Fingerprints and field.name == "ids":
            value = [ranks[Review].get(each) for each in np.frombuffer(value, "<i8").tolist()]
        elif model is Review and field.name == "group_key":
            value = ranks[Review].get(value)
        elif target is User:
            value = value and User.objects.get(pk=value).shown_name
        elif target in ranks:
            value = None if value is None else ranks[target].get(value, "gone")
        told[field.name] = _plain(value)
    if "searched_to" in told:
        told["searched_to"] = ranks[Review].get(row.searched_to)
    return told


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return "some time"
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in sorted(value.items()) if k not in _KEYS_OF_NO_MATTER}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    is_number = value is None or isinstance(value, bool | int | float)
    return value if is_number else _IDS.sub("ID", str(value))


def _files(project: Project) -> list[Any]:
    """Return what lies in our folders for the project's jobs: names without ids, and contents."""
    jobs = {str(pk) for pk in Job.objects.filter(project=project).values_list("pk", flat=True)}
    found = []
    for folder in _FOLDERS:
        place = Path(default_storage.path(folder))
        found += [
            (folder, _IDS.sub("ID", path.name), _content(path))
            for path in (place.glob("*") if place.is_dir() else ())
            if any(job in path.name for job in jobs)
        ]
    return sorted(found, key=repr)


def _content(path: Path) -> Any:
    if path.suffix == ".parquet":
        table = parquet.read_table(path)
        kept = [name for name in table.column_names if name not in {"id", "row_hash", "group"}]
        return table.select(kept).to_pylist()
    if path.suffix == ".jsonl":
        return re.sub(r'"id":\d+', "", path.read_text(encoding="utf-8"))
    return "some file"


def _searched(ranks: dict[Any, int]) -> list[int]:
    """Return which reviews are in the index of words."""
    column, table = (
        ("review_id", "reviews_search")
        if connection.vendor == "postgresql"
        else ("id", "reviews_search_docsize")
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table}")  # noqa: S608  (our own names)
        return sorted(ranks[pk] for (pk,) in cursor.fetchall() if pk in ranks)
