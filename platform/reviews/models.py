"""Collections of reviews, the uploads they came from and the rows that were refused."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class Dataset(models.Model):
    """A named collection of reviews in a project."""

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
    #: Reviews by split, and those of the control slice; counted once, since reviews never change.
    split_counts = models.JSONField(default=dict)

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

    def __str__(self) -> str:
        return self.original_name


class ImportJob(models.Model):
    """One upload on its way into a data set: how to read it and what became of its rows."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="imports")
    upload = models.ForeignKey(Upload, on_delete=models.RESTRICT, related_name="imports")
    job = models.OneToOneField(
        "jobs.Job", on_delete=models.SET_NULL, null=True, related_name="import_job"
    )
    encoding = models.CharField(max_length=40)
    delimiter = models.CharField(max_length=4)
    has_header = models.BooleanField(default=True)
    mapping = models.JSONField(default=dict)
    columns = models.JSONField(default=list)
    read_count = models.PositiveIntegerField(default=0)
    accepted_count = models.PositiveIntegerField(default=0)
    rejected_count = models.PositiveIntegerField(default=0)
    duplicate_count = models.PositiveIntegerField(default=0)
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

    Its foreign keys have no index of their own: each leads a composite one below, and an index
    more is what an import of a million rows pays for.
    """

    class Split(models.TextChoices):
        """What a review is for; fixed before any active learning."""

        TRAIN = "train", "Train"
        VALIDATION = "validation", "Validation"
        TEST = "test", "Test"

    project = models.ForeignKey(
        "projects.Project", on_delete=models.CASCADE, related_name="reviews", db_index=False
    )
    dataset = models.ForeignKey(
        Dataset, on_delete=models.CASCADE, related_name="reviews", db_index=False
    )
    import_job = models.ForeignKey(
        ImportJob, on_delete=models.CASCADE, null=True, related_name="reviews", db_index=False
    )
    row_number = models.PositiveIntegerField(help_text="Which record of the file, from 1.")
    text = models.TextField()
    text_hash = models.CharField(max_length=64)
    metadata = models.JSONField(default=dict)
    product = models.CharField(max_length=200, blank=True)
    author = models.CharField(max_length=200, blank=True)
    reviewed_at = models.DateField(null=True)
    split = models.CharField(max_length=10, choices=Split.choices)
    #: Part of the random slice that is labelled whatever a model thinks of it.
    is_control = models.BooleanField(default=False)
    #: What to label next, highest first; a random number until a model has ranked it.
    priority = models.FloatField(default=0.0)
    #: Number of the model version that ranked it, if one did.
    ranked_by = models.PositiveIntegerField(null=True)
    ranked_at = models.DateTimeField(null=True)
    #: Whether somebody's labels (or imported answers) are there; kept by labelling.
    is_labelled = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["import_job", "row_number"], name="one_review_per_imported_row"
            ),
            models.CheckConstraint(
                condition=models.Q(split__in=["train", "validation", "test"]),
                name="review_split_is_known",
            ),
        ]
        indexes = [
            # The table of reviews: newest first within a project, by keyset.
            models.Index(fields=["project", "-id"], name="review_by_project"),
            # The same for one data set.
            models.Index(fields=["dataset", "-id"], name="review_by_dataset"),
            # Duplicates at import.
            models.Index(fields=["project", "text_hash"], name="review_by_text"),
            # The queue: unlabelled reviews of a project, most informative first.
            models.Index(
                fields=["project", "-priority", "id"],
                condition=models.Q(is_labelled=False),
                name="review_queue",
            ),
            # The random slice of the queue.
            models.Index(
                fields=["project", "id"],
                condition=models.Q(is_labelled=False, is_control=True),
                name="review_control_queue",
            ),
        ]

    def __str__(self) -> str:
        return f"review {self.pk}"


#: What an import writes: every column, in the order of writing.Inserts; a test compares them.
REVIEW_COLUMNS = (
    "id",
    "project_id",
    "dataset_id",
    "import_job_id",
    "row_number",
    "text",
    "text_hash",
    "metadata",
    "product",
    "author",
    "reviewed_at",
    "split",
    "is_control",
    "priority",
    "ranked_by",
    "ranked_at",
    "is_labelled",
    "created_at",
)


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
