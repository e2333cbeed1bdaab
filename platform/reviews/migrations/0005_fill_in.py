"""Carry over what the columns that go away say: how a file was read, and the key of a text."""

import hashlib
from typing import Any

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

_SLICE = 2_000


def fill_in(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:  # noqa: ARG001
    """Fill read_as of imports, and text_key and fingerprints of reviews."""
    imports: Any = apps.get_model("reviews", "ImportJob").objects
    for work in imports.iterator():
        work.read_as = {
            "kind": "csv",
            "encoding": work.encoding,
            "delimiter": work.delimiter,
            "has_header": work.has_header,
        }
        work.save(update_fields=["read_as"])
    datasets: Any = apps.get_model("reviews", "Dataset").objects
    for dataset in datasets.iterator():
        _fingerprint(apps, dataset)


def _fingerprint(apps: Apps, dataset: Any) -> None:
    reviews: Any = apps.get_model("reviews", "Review").objects
    fingerprints: Any = apps.get_model("reviews", "Fingerprints").objects
    after, first_row = 0, 1
    while True:
        found = list(reviews.filter(dataset=dataset, pk__gt=after).order_by("pk")[:_SLICE])
        if not found:
            return
        for review in found:
            digest = hashlib.sha256(review.text.encode()).digest()
            review.text_key = int.from_bytes(digest[:8], "big") >> 1
        reviews.bulk_update(found, ["text_key"], batch_size=200)
        fingerprints.create(
            dataset=dataset,
            first_row=first_row,
            count=len(found),
            keys=b"".join(each.text_key.to_bytes(8, "little") for each in found),
            ids=b"".join(each.pk.to_bytes(8, "little") for each in found),
        )
        after, first_row = found[-1].pk, first_row + len(found)


class Migration(migrations.Migration):
    dependencies = [("reviews", "0004_data_in_and_out")]

    operations = [migrations.RunPython(fill_in, migrations.RunPython.noop)]
