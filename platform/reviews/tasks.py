"""What the scheduler has done for the package."""

from celery import shared_task

from reviews import resumable


@shared_task(name="reviews.tidy_uploads")
def tidy_uploads() -> None:
    """Remove uploads that were begun and forgotten."""
    resumable.discard_stale()
