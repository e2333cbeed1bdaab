"""A data set that is removed while another one is being made of it."""

import pytest

from accounts.models import User
from jobs.lease import claim_one
from jobs.models import Job
from jobs.worker import run, run_here, worker_name
from projects.models import Project
from reviews import derive, deriving, undo
from reviews.models import Dataset, Review
from reviews.recipes import Recipe
from tests import factories

pytestmark = pytest.mark.django_db


def test_no_copy_is_made_of_what_is_being_removed(project: Project, owner: User) -> None:
    source = factories.dataset(project, "source")
    factories.review(project, "<b>fine</b>", dataset=source)
    derived = deriving.derive(
        project=project, name="copies", recipe=Recipe(cleaning=("html",)), actor=owner
    )
    lease = claim_one(job_id=derived.job.pk, worker=worker_name())
    assert lease is not None
    dataset = Dataset.objects.select_related("project").get(pk=derived.dataset.pk)
    derive._select(lease, dataset, Recipe(cleaning=("html",)))

    removal = undo.start_undo(project=project, dataset=source, actor=owner)
    run(lease)
    run_here(removal)

    derived.job.refresh_from_db()
    assert (derived.job.state, "removed meanwhile" in derived.job.reason) == (
        Job.State.FAILED,
        True,
    )
    assert not Review.objects.exists()
