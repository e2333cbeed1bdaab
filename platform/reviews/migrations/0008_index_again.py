"""Have every data set indexed again: the job now also notes which product and author it is about.

It passes over the words that are in the index, so searches find all the time what they found.
"""

from typing import Any

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

_KIND = "search-index"


def index_again(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:  # noqa: ARG001
    """Leave a job for every data set that shows reviews of its own, unless one is waiting."""
    datasets: Any = apps.get_model("reviews", "Dataset").objects
    jobs: Any = apps.get_model("jobs", "Job").objects
    for dataset in datasets.filter(is_ready=True).exclude(kind="selection"):
        datasets.filter(pk=dataset.pk).update(searched_to=0)
        key = f"{_KIND}:{dataset.pk}"
        if jobs.filter(single_key=key, state__in=["queued", "running"]).exists():
            continue
        jobs.create(
            project_id=dataset.project_id,
            kind=_KIND,
            queue="default",
            params={"dataset": dataset.pk},
            total_count=dataset.review_count,
            single_key=key,
        )


class Migration(migrations.Migration):
    dependencies = [
        ("reviews", "0007_hash_of_a_versions_file"),
        ("jobs", "0001_initial"),
        ("projects", "0001_initial"),
    ]

    operations = [migrations.RunPython(index_again, migrations.RunPython.noop)]
