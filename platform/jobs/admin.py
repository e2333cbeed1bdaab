"""Site staff see every job and every worker."""

from django.contrib import admin

from accounts.admin import ReadOnlyAdmin
from jobs.models import Job, WorkerHeartbeat


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ("kind", "project", "state", "attempt", "worker", "created_at", "finished_at")
    list_filter = ("state", "kind")


@admin.register(WorkerHeartbeat)
class WorkerHeartbeatAdmin(ReadOnlyAdmin):
    list_display = ("name", "queue", "started_at", "seen_at")
