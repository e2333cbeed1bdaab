"""Trainings, the versions they leave, how good those are, and what they answer."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Tier(models.TextChoices):
    """How much is learned, from seconds to hours."""

    TFIDF = "tfidf", "Words (TF-IDF)"
    FROZEN = "frozen", "Frozen encoder"
    FULL = "full", "Fine-tuned encoder"


class TrainingRun(models.Model):
    """One training: a configuration and a frozen snapshot of gold."""

    project = models.ForeignKey(
        "projects.Project", on_delete=models.CASCADE, related_name="training_runs"
    )
    number = models.PositiveIntegerField()
    job = models.OneToOneField(
        "jobs.Job", on_delete=models.SET_NULL, null=True, related_name="training_run"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    tier = models.CharField(max_length=16, choices=Tier.choices)
    encoder = models.CharField(max_length=200)
    config = models.JSONField(default=dict)
    schema_version = models.PositiveIntegerField(default=1)
    snapshot_hash = models.CharField(max_length=64, blank=True)
    counts = models.JSONField(default=dict)
    #: One entry an epoch: epoch, train_loss, validation_loss.
    curve = models.JSONField(default=list)
    seconds = models.FloatField(null=True)
    #: Somebody wants it to end now and keep the best weights so far.
    is_stop_requested = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="one_run_per_number"),
        ]

    def __str__(self) -> str:
        return f"training run {self.number}"


class ModelVersion(models.Model):
    """A kept result of a training; at most one of a project is the champion."""

    class State(models.TextChoices):
        """Whether its files can be trusted."""

        READY = "ready", "Ready"
        QUARANTINED = "quarantined", "Quarantined"

    project = models.ForeignKey(
        "projects.Project", on_delete=models.CASCADE, related_name="model_versions"
    )
    number = models.PositiveIntegerField()
    training_run = models.OneToOneField(
        TrainingRun, on_delete=models.RESTRICT, related_name="model_version"
    )
    tier = models.CharField(max_length=16, choices=Tier.choices)
    encoder = models.CharField(max_length=200)
    state = models.CharField(max_length=16, choices=State.choices, default=State.READY)
    quarantine_reason = models.CharField(max_length=500, blank=True)
    directory = models.CharField(max_length=300, help_text="Below the models folder.")
    manifest_sha256 = models.CharField(max_length=64)
    is_champion = models.BooleanField(default=False)
    promoted_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="one_version_per_number"),
            models.UniqueConstraint(
                fields=["project"], condition=Q(is_champion=True), name="one_champion"
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.number}"


class Promotion(models.Model):
    """One change of the champion: who made it, when, on what grounds."""

    class Kind(models.TextChoices):
        """How it came about."""

        FIRST = "first", "First version"
        GATE = "gate", "Promoted"
        OVERRIDE = "override", "Promoted against the gate"
        ROLLBACK = "rollback", "Rolled back"

    project = models.ForeignKey(
        "projects.Project", on_delete=models.CASCADE, related_name="promotions"
    )
    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.CASCADE, related_name="promotions"
    )
    #: The champion until then.
    before = models.ForeignKey(ModelVersion, on_delete=models.SET_NULL, null=True, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    #: What the gate said at that moment, and what the person did about it.
    gate = models.TextField(blank=True)
    reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            # The champions of a project so far, newest first.
            models.Index(fields=["project", "-id"], name="promotions_newest_first"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind="override") | ~Q(reason=""), name="override_has_a_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"promotion {self.pk}"


class Evaluation(models.Model):
    """Metrics of one version for one question on the frozen test split."""

    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.CASCADE, related_name="evaluations"
    )
    question_key = models.SlugField(max_length=50)
    kind = models.CharField(max_length=16)
    example_count = models.PositiveIntegerField()
    #: As ml.core.metrics writes them: model, baselines, confusion, note.
    metrics = models.JSONField()
    #: As ml.core.diagnostics writes them: curves, reliability, slices; empty in older versions.
    details = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["model_version", "question_key"], name="one_evaluation_per_question"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_version}: {self.question_key}"


class Prediction(models.Model):
    """What one version answers to one question about one review."""

    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.CASCADE, related_name="predictions"
    )
    review = models.ForeignKey(
        "reviews.Review", on_delete=models.CASCADE, related_name="predictions"
    )
    question_key = models.SlugField(max_length=50)
    #: The chosen option of a choice; for a whole number its rounded value; for filters.
    option = models.CharField(max_length=100, blank=True)
    number = models.FloatField(null=True)
    confidence = models.FloatField(null=True)
    #: In the contract's shape of a prediction.
    value = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["model_version", "review", "question_key"],
                name="one_prediction_per_question",
            ),
        ]
        indexes = [
            # Cells of a confusion matrix: which reviews were predicted as this option.
            models.Index(
                fields=["model_version", "question_key", "option", "review"],
                name="prediction_by_option",
            ),
        ]

    def __str__(self) -> str:
        return f"prediction {self.pk}"


class PredictionJob(models.Model):
    """A version applied to a data set or to a file."""

    project = models.ForeignKey(
        "projects.Project", on_delete=models.CASCADE, related_name="prediction_jobs"
    )
    job = models.OneToOneField(
        "jobs.Job", on_delete=models.SET_NULL, null=True, related_name="prediction_job"
    )
    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.RESTRICT, related_name="prediction_jobs"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    dataset = models.ForeignKey(
        "reviews.Dataset", on_delete=models.CASCADE, null=True, related_name="+"
    )
    upload = models.ForeignKey(
        "reviews.Upload", on_delete=models.CASCADE, null=True, related_name="+"
    )
    text_column = models.CharField(max_length=200, blank=True)
    row_count = models.PositiveIntegerField(default=0)
    #: Below the storage root: finished parts, one JSON object a line, in input order.
    result_file = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(dataset=None, upload__isnull=False)
                | Q(dataset__isnull=False, upload=None),
                name="predicts_a_dataset_or_a_file",
            ),
        ]

    def __str__(self) -> str:
        return f"prediction job {self.pk}"


class EmbeddingMap(models.Model):
    """A sample of a data set as a version's encoder sees it: vectors, and their places in a plane.

    What is binary here is read by numpy, row by row in the order of `points`.
    """

    class Method(models.TextChoices):
        """How the plane is found."""

        PCA = "pca", "Principal components: at once, far apart means unlike"
        TSNE = "tsne", "t-SNE: shows groups, distances between them mean little"

    project = models.ForeignKey(
        "projects.Project", on_delete=models.CASCADE, related_name="embedding_maps"
    )
    job = models.OneToOneField(
        "jobs.Job", on_delete=models.SET_NULL, null=True, related_name="embedding_map"
    )
    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.CASCADE, related_name="embedding_maps"
    )
    dataset = models.ForeignKey("reviews.Dataset", on_delete=models.CASCADE, related_name="+")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    method = models.CharField(max_length=8, choices=Method.choices)
    #: Reviews of the data set when it was sampled.
    review_count = models.PositiveIntegerField()
    #: One entry a review: its id and its place, [id, x, y].
    points = models.JSONField(default=list)
    #: Which part of the variance each axis shows; empty for t-SNE.
    shares = models.JSONField(default=list)
    #: float16 [points, width], every row of length 1.
    vectors = models.BinaryField()
    #: int32 [points, neighbours]: for every point the rows that are most like it, nearest first.
    neighbours = models.BinaryField()

    def __str__(self) -> str:
        return f"map {self.pk}"
