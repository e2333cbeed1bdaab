"""Explanations over REST: which words of a review speak for a version's answer."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import IDEMPOTENCY, idempotency_key, valid
from common.errors import Conflict, Invalid
from jobs.api import job_link
from jobs.models import Job
from ml import explaining, selectors
from ml.api import MAX_NUMBER, numbered
from projects.api_base import ProjectAPIView
from projects.models import Role
from reviews.api import JobLinkOut
from reviews.selectors import review_of


class ExplanationIn(serializers.Serializer[Any]):
    """Which answer about the review to explain; of the champion unless a version is named."""

    question = serializers.CharField(max_length=50)
    model_version = serializers.IntegerField(min_value=1, max_value=MAX_NUMBER, required=False)


class ExplanationAsked(ExplanationIn):
    """Which explanation to read; of several answers the likeliest unless an option is named."""

    option = serializers.CharField(max_length=50, required=False)


class ExplanationAcceptedOut(serializers.Serializer[Any]):
    """An explanation that waits for its worker."""

    job = JobLinkOut()


class WordShareOut(serializers.Serializer[Any]):
    """A run of the text (code points, end-exclusive), what it adds, and the attention it gets."""

    start = serializers.IntegerField()
    end = serializers.IntegerField()
    score = serializers.FloatField()
    attention = serializers.FloatField(allow_null=True)


class ExplanationOut(serializers.Serializer[Any]):
    """What every word adds to an answer, from `base` (the empty text) to `value`.

    `option` is null for a number; `options` are those that are explained. `terms_share` is how much
    a model of words counts that is mixed in and not explained.
    """

    model_version = serializers.IntegerField()
    review = serializers.IntegerField()
    question = serializers.CharField()
    option = serializers.CharField(allow_null=True)
    options = serializers.ListField(child=serializers.CharField())
    method = serializers.CharField()
    base = serializers.FloatField()
    value = serializers.FloatField()
    gap = serializers.FloatField()
    terms_share = serializers.FloatField()
    words = WordShareOut(many=True)
    finished_at = serializers.DateTimeField()


class ExplanationApi(ProjectAPIView):
    """Why a version answers as it does about one review."""

    roles = {"GET": Role.ANALYST, "POST": Role.ANALYST}

    @extend_schema(
        responses=ExplanationOut,
        parameters=[
            OpenApiParameter("question", str, required=True),
            OpenApiParameter("option", str),
            OpenApiParameter("model_version", int),
        ],
    )
    def get(self, request: Request, slug: str, review_id: int) -> Response:  # noqa: ARG002
        """Return the newest explanation of an answer; 409 while there is none."""
        asked = valid(ExplanationAsked(data=request.query_params))
        review = review_of(self.project, numbered(review_id))
        version = selectors.version_to_ask(self.project, asked.get("model_version"))
        done = explaining.jobs_of(version, review).filter(
            params__question=asked["question"], state=Job.State.SUCCEEDED
        )
        job = done.first()
        if job is None:
            raise Conflict("Nobody has asked for this explanation yet. POST the question first.")
        return Response(_shown(job, asked.get("option")))

    @extend_schema(
        request=ExplanationIn, responses={202: ExplanationAcceptedOut}, parameters=[IDEMPOTENCY]
    )
    def post(self, request: Request, slug: str, review_id: int) -> Response:  # noqa: ARG002
        """Explain an answer in a job; GET reads what it finds."""
        data = valid(ExplanationIn(data=request.data))
        job = explaining.start(
            version=selectors.version_to_ask(self.project, data.get("model_version")),
            review=review_of(self.project, numbered(review_id)),
            question=data["question"],
            actor=self.user,
            idempotency_key=idempotency_key(request),
        )
        return Response({"job": job_link(job)}, status=status.HTTP_202_ACCEPTED)


def _shown(job: Job, option: str | None) -> dict[str, Any]:
    answers = {each["target"]: each for each in explaining.answers_in(job.result)}
    if option is not None and option not in answers:
        known = ", ".join(filter(None, answers)) or "none"
        raise Invalid.of("option", f"{option!r} is not explained. Options: {known}.")
    found = answers[option] if option is not None else job.result
    return {
        **{name: job.params[name] for name in ("model_version", "review", "question")},
        "option": found["target"] or None,
        "options": [each for each in answers if each],
        **{name: found[name] for name in ("method", "base", "value", "gap")},
        # Explanations of earlier releases do not say.
        "terms_share": found.get("terms_share", 0.0),
        "words": [
            dict(zip(("start", "end", "score", "attention"), word, strict=True))
            for word in found["words"]
        ],
        "finished_at": job.finished_at,
    }
