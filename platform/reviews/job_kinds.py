"""The kinds of job that this package has."""

from jobs.kinds import Kind
from reviews import bulk, search_index, snapshots, splitting

KINDS = (
    Kind(
        name="import",
        label="Import",
        queue="default",
        runner="reviews.imports.run",
        on_end="reviews.imports.tidy",
        outcome="reviews.selectors.outcome_of_import",
        remains="Nothing was imported. The file is kept, and can be imported again.",
    ),
    Kind(
        name="check",
        label="Check of a file",
        queue="default",
        runner="reviews.checks.run",
        outcome="reviews.drafts.outcome_of_check",
    ),
    Kind(
        name="undo-import",
        label="Removal of a data set",
        queue="default",
        runner="reviews.undo.run",
        max_attempts=10,
    ),
    Kind(
        name=search_index.KIND,
        label="Search index",
        queue="default",
        runner="reviews.search_index.run",
    ),
    Kind(
        name=splitting.KIND,
        label="Draw of splits",
        queue="default",
        runner="reviews.drawing.run",
        outcome="reviews.splitting.outcome",
    ),
    Kind(
        name=snapshots.KIND,
        label="Version of a data set",
        queue="default",
        runner="reviews.snapshotting.run",
        on_end="reviews.snapshotting.tidy",
        outcome="reviews.snapshots.outcome",
    ),
    Kind(
        name="derive",
        label="Data set made of others",
        queue="default",
        runner="reviews.derive.run",
        on_end="reviews.derive.tidy",
        outcome="reviews.deriving.outcome_of",
    ),
    Kind(
        name=bulk.KIND,
        label="Bulk action",
        queue="default",
        runner="reviews.bulk.run",
        on_end="reviews.bulk.tidy",
    ),
    Kind(name=bulk.UNDO_KIND, label="Undoing", queue="default", runner="reviews.bulk.run_undo"),
    Kind(
        name="export",
        label="Export",
        queue="default",
        runner="reviews.exports.run",
        on_end="reviews.exports.tidy",
        outcome="reviews.export_services.outcome_of_export",
    ),
)
