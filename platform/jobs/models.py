"""The durable row behind every import, training, prediction, export and statistic."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone


class Job(models.Model):
    """One piece of background work. The row is the job; a message is only a doorbell."""

    class State(models.TextChoices):
        """Where a job stands; the last three never change again."""

        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    TERMINAL = (State.SUCCEEDED, State.FAILED, State.CANCELLED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="jobs")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="jobs"
    )
    kind = models.CharField(max_length=32)
    queue = models.CharField(max_length=32)
    params = models.JSONField(default=dict)
    state = models.CharField(max_length=16, choices=State.choices, default=State.QUEUED)
    reason = models.TextField(blank=True, help_text="Why it failed or waits, in a sentence.")
    result = models.JSONField(default=dict)

    attempt = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=3)
    fence = models.PositiveBigIntegerField(default=0, help_text="Grows with every claim.")
    worker = models.CharField(max_length=100, blank=True)
    lease_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField(default=timezone.now)
    deadline_at = models.DateTimeField(null=True)
    is_cancel_requested = models.BooleanField(default=False)

    step = models.PositiveBigIntegerField(default=0, help_text="The last checkpoint taken.")
    done_count = models.PositiveBigIntegerField(default=0)
    total_count = models.PositiveBigIntegerField(default=0)
    message = models.CharField(max_length=300, blank=True)

    # Null and not empty: null values do not collide in the unique constraint.
    idempotency_key = models.CharField(max_length=128, null=True)  # noqa: DJ001
    #: At most one queued or running job carries a given key: "one training at a time".
    single_key = models.CharField(max_length=128, blank=True)

    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["created_by", "idempotency_key"], name="one_job_per_idempotency_key"
            ),
            models.UniqueConstraint(
                fields=["project", "single_key"],
                condition=models.Q(state__in=["queued", "running"]) & ~models.Q(single_key=""),
                name="one_active_job_per_single_key",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    state__in=["queued", "running", "succeeded", "failed", "cancelled"]
                ),
                name="job_state_is_known",
            ),
        ]
        indexes = [
            # The claim: the oldest queued job of a queue that may start.
            models.Index(
                fields=["queue", "created_at"],
                condition=models.Q(state="queued"),
                name="job_next",
            ),
            # The reaper: running jobs whose lease has run out.
            models.Index(
                fields=["lease_until"], condition=models.Q(state="running"), name="job_leases"
            ),
            # The list of a project's jobs, newest first.
            models.Index(fields=["project", "-created_at"], name="job_by_project"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def is_finished(self) -> bool:
        """Tell whether the state is terminal."""
        return self.state in self.TERMINAL


class JobLogLine(models.Model):
    """One line of a job's log, as a person reads it."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="log_lines")
    at = models.DateTimeField(default=timezone.now)
    text = models.CharField(max_length=1000)

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S} {self.text}"


class WorkerHeartbeat(models.Model):
    """A worker process and one queue it listens to; fresh rows mean somebody is there."""

    name = models.CharField(max_length=100)
    queue = models.CharField(max_length=32)
    started_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    #: The GPU that its jobs can use; empty without one.
    gpu = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "queue"], name="one_heartbeat_per_queue"),
        ]

    def __str__(self) -> str:
        return f"{self.name} listens to {self.queue}"
