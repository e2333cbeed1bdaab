"""Data sets made of others, over REST."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import IDEMPOTENCY, idempotency_key, valid
from jobs.api import job_link
from projects.api_base import ProjectAPIView
from projects.models import Role
from reviews import deriving, recipes, selectors
from reviews.api import AcceptedOut, DatasetOut
from reviews.cleaning import STEPS

_MAX_NUMBER = 2**63 - 1


class SampleIn(serializers.Serializer[Any]):
    """A share (0.1 is ten percent) or a count, of all or, with `by`, of every class.

    `by` is product, author, split, meta.COLUMN or answer.QUESTION.
    """

    share = serializers.FloatField(required=False)
    count = serializers.IntegerField(required=False)
    by = serializers.CharField(max_length=250, required=False)
    seed = serializers.IntegerField(required=False)


class DeriveIn(serializers.Serializer[Any]):
    """What to call the data set, and what to make it of.

    `filters` are those of the list of reviews; a name that is asked several times has a list.
    `text` names what the text is made of, in order: text, product, author, meta.COLUMN.
    """

    name = serializers.CharField(max_length=deriving.MAX_NAME)
    datasets = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=_MAX_NUMBER), required=False
    )
    filters = serializers.DictField(required=False)
    sample = SampleIn(required=False, allow_null=True)
    cleaning = serializers.ListField(
        child=serializers.ChoiceField(choices=list(STEPS)), required=False
    )
    text = serializers.ListField(child=serializers.CharField(max_length=250), required=False)
    separator = serializers.CharField(
        required=False, allow_blank=True, trim_whitespace=False, max_length=40
    )


class DeriveApi(ProjectAPIView):
    """Makes a data set of others: filtered, sampled, cleaned, joined of columns."""

    roles = {"POST": Role.ANALYST}

    @extend_schema(
        operation_id="datasets_derive",
        request=DeriveIn,
        responses={202: AcceptedOut},
        parameters=[IDEMPOTENCY],
    )
    def post(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Start the job; repeating a request with its key changes nothing."""
        key = idempotency_key(request)
        before = deriving.derived_before(project=self.project, actor=self.user, key=key)
        derived = before or self._start(request, key)
        dataset = selectors.dataset_of(self.project, derived.dataset.pk)
        body = {"dataset": DatasetOut(dataset).data, "job": job_link(derived.job)}
        return Response(body, status=status.HTTP_202_ACCEPTED)

    def _start(self, request: Request, key: str | None) -> deriving.Derived:
        data = valid(DeriveIn(data=request.data))
        sample = data.get("sample")
        recipe = recipes.from_json(data | {"sample": dict(sample) if sample is not None else None})
        return deriving.derive(
            project=self.project,
            name=data["name"],
            recipe=recipe,
            actor=self.user,
            idempotency_key=key,
        )
