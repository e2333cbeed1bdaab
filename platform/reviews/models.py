"""Collections of reviews, the uploads they came from and the rows that were refused."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class Dataset(models.Model):
    """A named collection of reviews in a project.

    Imported and cleaned data sets own their reviews; a selection points to reviews of others.
    """

    class Kind(models.TextChoices):
        """Where a data set's reviews come from."""

        IMPORTED = "imported", "Imported"
        SELECTION = "selection", "Selected from others"
        CLEANED = "cleaned", "Cleaned copies of others"

    project = models.ForeignKey(
        "projects.Project", on_delete=models.CASCADE, related_name="datasets"
    )
    name = models.CharField(max_length=100)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    #: Set once an import has ended well; until then its reviews are shown nowhere.
    is_ready = models.BooleanField(default=False)
    review_count = models.PositiveIntegerField(default=0)
    #: Reviews by split, and those of the control slice; counted whenever splits are drawn.
    split_counts = models.JSONField(default=dict)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.IMPORTED)
    #: What a derived data set was made of and how: filters, sample, cleaning steps, seed.
    parent = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, related_name="derived_datasets"
    )
    recipe = models.JSONField(default=dict)
    #: What derives it; an imported data set has an ImportJob instead.
    job = models.OneToOneField(
        "jobs.Job", on_delete=models.SET_NULL, null=True, related_name="derived_dataset"
    )
    #: Reviews up to this id are in the index of the full-text search.
    searched_to = models.BigIntegerField(default=0)
    #: How the splits were drawn, and when they stopped changing.
    split_plan = models.JSONField(default=dict)
    splits_frozen_at = models.DateTimeField(null=True)
    #: When near duplicates were last looked for, and how many reviews are one.
    compared_at = models.DateTimeField(null=True)
    near_duplicate_count = models.PositiveIntegerField(default=0)
    #: Somebody undid the import; a job takes the rows away.
    removed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="one_dataset_per_name"),
        ]

    def __str__(self) -> str:
        return self.name


class Upload(models.Model):
    """A file that a person sent, before it becomes an import: kept under a name of ours."""

    project = models.ForeignKey(
        "projects.Project", on_delete=models.CASCADE, related_name="uploads"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    original_name = models.CharField(max_length=255)
    file = models.FileField(upload_to="uploads/", max_length=200)
    byte_count = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    #: False while chunks are still coming; `received_count` bytes of `byte_count` are here.
    is_complete = models.BooleanField(default=True)
    received_count = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return self.original_name


class ImportJob(models.Model):
    """One upload on its way into a data set: how to read it and what became of its rows."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="imports")
    upload = models.ForeignKey(Upload, on_delete=models.RESTRICT, related_name="imports")
    job = models.OneToOneField(
        "jobs.Job", on_delete=models.SET_NULL, null=True, related_name="import_job"
    )
    #: A reviews.tables.Format as JSON.
    read_as = models.JSONField(default=dict)
    mapping = models.JSONField(default=dict)
    columns = models.JSONField(default=list)
    read_count = models.PositiveIntegerField(default=0)
    accepted_count = models.PositiveIntegerField(default=0)
    rejected_count = models.PositiveIntegerField(default=0)
    duplicate_count = models.PositiveIntegerField(default=0)
    #: Of the duplicates, how many brought something new to the review that was there.
    updated_count = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    read_count=models.F("accepted_count")
                    + models.F("rejected_count")
                    + models.F("duplicate_count")
                ),
                name="every_row_read_is_accounted_for",
            ),
        ]

    def __str__(self) -> str:
        return f"import of {self.upload} into {self.dataset}"


class Review(models.Model):
    """One immutable text with what is known about it.

    Its foreign keys are checked once a batch and not once a row, which is what an import of a
    million rows pays for: reviews.writing locks the data set that it writes to, and a trigger of
    the database (reviews.triggers) takes the reviews along when a data set goes. That no row of a
    file becomes two reviews is held by the batch as well: see Fingerprints.
    """

    class Split(models.TextChoices):
        """What a review is for; fixed before any active learning."""

        TRAIN = "train", "Train"
        VALIDATION = "validation", "Validation"
        TEST = "test", "Test"

    project = models.ForeignKey(
        "projects.Project",
        on_delete=models.CASCADE,
        related_name="reviews",
        db_index=False,
        db_constraint=False,
    )
    dataset = models.ForeignKey(
        Dataset,
        on_delete=models.CASCADE,
        related_name="reviews",
        db_index=False,
        db_constraint=False,
    )
    import_job = models.ForeignKey(
        ImportJob,
        on_delete=models.CASCADE,
        null=True,
        related_name="reviews",
        db_index=False,
        db_constraint=False,
    )
    row_number = models.PositiveIntegerField(help_text="Which record of the file, from 1.")
    text = models.TextField()
    #: The first 63 bits of the SHA-256 of the text; see Fingerprints.
    text_key = models.BigIntegerField(default=0)
    #: SHA-256 of the text as the file had it, where it was normalised or cleaned; else empty.
    original_hash = models.CharField(max_length=64, blank=True, default="")
    metadata = models.JSONField(default=dict)
    product = models.CharField(max_length=200, blank=True, default="")
    author = models.CharField(max_length=200, blank=True, default="")
    reviewed_at = models.DateField(null=True)
    split = models.CharField(max_length=10, choices=Split.choices)
    #: Part of the random slice that is labelled whatever a model thinks of it.
    is_control = models.BooleanField(default=False)
    #: What to label next, highest first, once a model has ranked it or a person has sent it.
    priority = models.FloatField(default=0.0)
    #: Number of the model version that ranked it; 0: a person sent it to the queue.
    ranked_by = models.PositiveIntegerField(null=True)
    ranked_at = models.DateTimeField(null=True)
    #: Whether somebody's labels (or imported answers) are there; kept by labelling.
    is_labelled = models.BooleanField(default=False)
    #: Reviews that say nearly the same share a group, the smallest id among them; null: alone.
    group_key = models.BigIntegerField(null=True)
    #: The review that a cleaned copy was made of.
    derived_from = models.ForeignKey(
        "self",
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(split__in=["train", "validation", "test"]),
                name="review_split_is_known",
            ),
        ]
        indexes = [
            # The table of reviews: newest first within a project, by keyset. Walked backwards: rows
            # that come in with rising ids are added at its end, which fills pages well.
            models.Index(fields=["project", "id"], name="review_by_project"),
            # The same for one data set.
            models.Index(fields=["dataset", "id"], name="review_by_dataset"),
            # The queue: unlabelled reviews that were ranked, most informative first.
            models.Index(
                fields=["project", "-priority", "id"],
                condition=models.Q(is_labelled=False, ranked_by__isnull=False),
                name="review_queue",
            ),
            # The queue before any ranking, walked from a random place.
            models.Index(
                fields=["project", "id"],
                condition=models.Q(is_labelled=False, ranked_by__isnull=True),
                name="review_unranked_queue",
            ),
            # The random slice of the queue.
            models.Index(
                fields=["project", "id"],
                condition=models.Q(is_labelled=False, is_control=True),
                name="review_control_queue",
            ),
            # Near duplicates.
            models.Index(
                fields=["group_key"],
                condition=models.Q(group_key__isnull=False),
                name="review_by_group",
            ),
        ]

    def __str__(self) -> str:
        return f"review {self.pk}"


class Fingerprints(models.Model):
    """The text keys of some reviews of a data set, and their ids: how duplicates are found.

    One row for a batch of reviews, instead of an index entry for each. Written with the reviews in
    one transaction and unique by the first row, so no batch of a file can be written twice.
    """

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="fingerprints")
    #: The first row of the file (or the first review) that the batch holds.
    first_row = models.PositiveIntegerField()
    count = models.PositiveIntegerField()
    #: Little-endian 64-bit integers: text keys, and the ids of their reviews in the same order.
    keys = models.BinaryField()
    ids = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "first_row"], name="one_batch_of_fingerprints_per_row"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.count} fingerprints of {self.dataset}"


class SelectedReview(models.Model):
    """A review that a selection points to."""

    dataset = models.ForeignKey(
        Dataset, on_delete=models.CASCADE, related_name="selected_reviews", db_index=False
    )
    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="selections")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dataset", "review"], name="review_selected_once"),
        ]

    def __str__(self) -> str:
        return f"review {self.review_id} in {self.dataset}"


class ReviewChange(models.Model):
    """What an import changed in a review that was there before it: how the change is undone."""

    import_job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="changes")
    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="changes")
    #: Metadata, product, author, reviewed_at as they were, and the answers by question key.
    before = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["import_job", "review"], name="one_change_per_import_and_review"
            ),
        ]

    def __str__(self) -> str:
        return f"change of review {self.review_id}"


class RejectedRow(models.Model):
    """A row that an import could not take: where, why, and what it said."""

    import_job = models.ForeignKey(
        ImportJob, on_delete=models.CASCADE, related_name="rejected_rows", db_index=False
    )
    row_number = models.PositiveIntegerField()
    line = models.PositiveIntegerField(help_text="Line of the file on which the record starts.")
    column = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=500)
    value = models.CharField(max_length=500, blank=True)
    cells = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["import_job", "row_number"], name="one_rejection_per_imported_row"
            ),
        ]

    def __str__(self) -> str:
        return self.sentence

    @property
    def sentence(self) -> str:
        """Say where and why: line 12, column Rating: "five" is not a number from 1 to 5."""
        where = f", column {self.column}" if self.column else ""
        return f"line {self.line}{where}: {self.reason}"


REJECTED_COLUMNS = (
    "import_job_id",
    "row_number",
    "line",
    "column",
    "reason",
    "value",
    "cells",
)


class ImportCheck(models.Model):
    """A dry run over an upload: what an import with this mapping would do."""

    project = models.ForeignKey(
        "projects.Project", on_delete=models.CASCADE, related_name="import_checks"
    )
    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="checks")
    job = models.OneToOneField(
        "jobs.Job", on_delete=models.SET_NULL, null=True, related_name="import_check"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    dataset_name = models.CharField(max_length=100, blank=True)
    read_as = models.JSONField(default=dict)
    mapping = models.JSONField(default=dict)
    result = models.JSONField(null=True)

    def __str__(self) -> str:
        return f"check of {self.upload}"


class RememberedMapping(models.Model):
    """How files with this header were mapped the last time."""

    project = models.ForeignKey(
        "projects.Project", on_delete=models.CASCADE, related_name="remembered_mappings"
    )
    header_hash = models.CharField(max_length=64)
    mapping = models.JSONField(default=dict)
    used_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "header_hash"], name="one_remembered_mapping_per_header"
            ),
        ]

    def __str__(self) -> str:
        return f"mapping of {self.header_hash[:8]}"


class DatasetVersion(models.Model):
    """An immutable snapshot of a data set: a file of its reviews, splits and gold, and its hash."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    job = models.OneToOneField(
        "jobs.Job", on_delete=models.SET_NULL, null=True, related_name="dataset_version"
    )
    note = models.CharField(max_length=300, blank=True)
    #: Empty until the job has ended well.
    file = models.CharField(max_length=200, blank=True)
    #: Of the content (reviews.canonical), whatever file it is in; and of the file.
    sha256 = models.CharField(max_length=64, blank=True)
    file_sha256 = models.CharField(max_length=64, blank=True, default="")
    review_count = models.PositiveIntegerField(default=0)
    byte_count = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "number"], name="one_dataset_version_per_number"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dataset} version {self.number}"


class SavedView(models.Model):
    """Filters and columns of the review table under a name."""

    project = models.ForeignKey(
        "projects.Project", on_delete=models.CASCADE, related_name="saved_views"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views"
    )
    created_at = models.DateTimeField(default=timezone.now)
    name = models.CharField(max_length=100)
    #: The query string of the table, filters and columns alike.
    query = models.CharField(max_length=2000, blank=True)
    #: Whether the other members see it too.
    is_shared = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "created_by", "name"], name="one_saved_view_per_name"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class BulkAction(models.Model):
    """Something done to many reviews at once, and how to undo it."""

    class Kind(models.TextChoices):
        """What was done."""

        DATASET = "dataset", "Added to a data set"
        QUEUE = "queue", "Sent to the queue"
        LABEL = "label", "Labelled"

    project = models.ForeignKey(
        "projects.Project", on_delete=models.CASCADE, related_name="bulk_actions"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    #: What was asked: ids or filters, and the answers or the data set.
    params = models.JSONField(default=dict)
    job = models.OneToOneField(
        "jobs.Job", on_delete=models.SET_NULL, null=True, related_name="bulk_action"
    )
    changed_count = models.PositiveIntegerField(default=0)
    skipped_count = models.PositiveIntegerField(default=0)
    undone_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.changed_count}"


class BulkChange(models.Model):
    """One review that a bulk action changed, and what it was before."""

    action = models.ForeignKey(BulkAction, on_delete=models.CASCADE, related_name="changes")
    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="+")
    before = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["action", "review"], name="one_change_per_action_and_review"
            ),
        ]

    def __str__(self) -> str:
        return f"change of review {self.review_id}"


class Export(models.Model):
    """Reviews and labels written to a file for somebody to take away."""

    project = models.ForeignKey(
        "projects.Project", on_delete=models.CASCADE, related_name="exports"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    job = models.OneToOneField(
        "jobs.Job", on_delete=models.SET_NULL, null=True, related_name="export"
    )
    format = models.CharField(max_length=20)
    #: Which reviews (filters) and whose labels.
    params = models.JSONField(default=dict)
    #: Empty until the job has ended well.
    file = models.CharField(max_length=200, blank=True)
    file_name = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    review_count = models.PositiveIntegerField(default=0)
    byte_count = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"export {self.pk} as {self.format}"
