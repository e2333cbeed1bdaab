"""Statements that are compiled once and run with other values."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model, QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common import compiled
from projects.models import Project
from reviews.models import Dataset
from tests import factories

pytestmark = pytest.mark.django_db


def _names(is_ready: int, *, project: int) -> "QuerySet[Dataset, Any]":
    rows = Dataset.objects.filter(project=project, is_ready=bool(is_ready))
    return rows.order_by("pk").values_list("pk", "name")


def test_the_same_statement_answers_for_other_values() -> None:
    owner = factories.user("ada")
    one = factories.project(owner=owner, slug="one")
    other = factories.project(owner=owner, slug="other")
    first, second = factories.dataset(one, name="A"), factories.dataset(other, name="B")

    assert compiled.rows(_names, 1, project=one.pk) == [(first.pk, "A")]
    assert compiled.rows(_names, 1, project=other.pk) == [(second.pk, "B")]
    assert compiled.rows(_names, 0, project=one.pk) == []


def _made_between(*, start: Any, end: Any) -> "QuerySet[Project, Any]":
    return Project.objects.filter(created_at__gte=start, created_at__lt=end).values_list("pk")


def test_times_are_compared_as_the_database_keeps_them() -> None:
    project = factories.project(owner=factories.user("ada"))
    now, hour = timezone.now(), timedelta(hours=1)

    assert compiled.numbers(_made_between, start=now - hour, end=now + hour) == [project.pk]
    assert compiled.numbers(_made_between, start=now + hour, end=now + 2 * hour) == []
    assert compiled.numbers(_made_between, start=now - 2 * hour, end=now - hour) == []


def _forgetful(*, project: int, person: int) -> "QuerySet[Dataset, Any]":
    return Dataset.objects.filter(project=project).values_list("pk")


def test_a_value_that_is_compared_with_nothing_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="person"):
        compiled.rows(_forgetful, project=1, person=1)


def _ready(*, project: int, name: str) -> "QuerySet[Dataset]":
    return Dataset.objects.filter(project=project, name=name, is_ready=True).order_by("pk")


def test_a_row_comes_as_the_orm_would_give_it_with_what_it_points_to() -> None:
    project = factories.project(owner=factories.user("ada"), slug="one")
    for name in ("A", "B"):
        factories.dataset(project, name=name)

    with CaptureQueriesContext(connection) as queries:
        found = compiled.first(_ready, related=("project",), project=project.pk, name="A")
        assert found is not None
        assert found.project.name == project.name
    wanted = Dataset.objects.select_related("project").get(name="A")

    assert len(queries) == 1
    assert _values(found) == _values(wanted)
    assert _values(found.project) == _values(wanted.project)
    found.name = "C"
    found.save()
    assert set(project.datasets.values_list("name", flat=True)) == {"B", "C"}


def test_no_row_is_none_and_words_are_compared() -> None:
    project = factories.project(owner=factories.user("ada"))
    dataset = factories.dataset(project, name="100 % \ufffe")

    assert compiled.first(_ready, project=project.pk, name="A") is None
    assert compiled.first(_ready, project=project.pk, name="100 % \ufffe") == dataset


def _values(row: Model) -> dict[str, Any]:
    return {each.attname: getattr(row, each.attname) for each in row._meta.concrete_fields}
