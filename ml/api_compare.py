"""Compare, promote and roll back model versions over REST."""

import math
from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import valid
from common.errors import Conflict, Invalid
from ml import champion, selectors
from ml.api import MAX_NUMBER, ModelVersionDetailOut, numbered
from ml.comparing import Together, together
from ml.core.comparison import PairedMeasure
from ml.gate import Judged
from ml.models import ModelVersion
from projects.api_base import ProjectAPIView
from projects.models import Role


class CompareIn(serializers.Serializer[Any]):
    """Two versions; by default the champion, and the newest other one."""

    before = serializers.IntegerField(min_value=1, max_value=MAX_NUMBER, required=False)
    after = serializers.IntegerField(min_value=1, max_value=MAX_NUMBER, required=False)


class MeasureOut(serializers.Serializer[Any]):
    """One figure of both versions; the difference is after minus before."""

    name = serializers.CharField()
    is_lower_better = serializers.BooleanField()
    before = serializers.FloatField(allow_null=True)
    after = serializers.FloatField(allow_null=True)
    difference = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    p = serializers.FloatField(allow_null=True)
    test = serializers.CharField()
    smallest_detectable = serializers.FloatField(allow_null=True)
    n = serializers.IntegerField()


class ComparedQuestionOut(serializers.Serializer[Any]):
    """One question: the verdict in a word and in a sentence, and the figures behind it."""

    question = serializers.CharField()
    verdict = serializers.CharField()
    words = serializers.CharField()
    n = serializers.IntegerField()
    measures = MeasureOut(many=True)
    outcomes = serializers.DictField(allow_null=True)


class GateOut(serializers.Serializer[Any]):
    """Whether a promotion needs no override, and why."""

    is_open = serializers.BooleanField()
    words = serializers.CharField()


class ComparisonOut(serializers.Serializer[Any]):
    """Two versions on the same test reviews."""

    before = serializers.IntegerField()
    after = serializers.IntegerField()
    gate = GateOut()
    questions = ComparedQuestionOut(many=True)


class CompareApi(ProjectAPIView):
    """Two versions on the same rows."""

    roles = {"GET": Role.ANALYST}

    @extend_schema(
        responses=ComparisonOut,
        parameters=[OpenApiParameter("before", int), OpenApiParameter("after", int)],
    )
    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Compare two versions: differences with intervals, paired tests, what could be seen."""
        asked = valid(CompareIn(data=request.query_params))
        before = selectors.version_to_ask(self.project, asked.get("before"))
        after = self._other(before, asked.get("after"))
        return Response(_shown(together(self.project, before, after)))

    def _other(self, before: ModelVersion, number: int | None) -> ModelVersion:
        if number == before.number:
            raise Invalid.of("after", "Name two different versions.")
        if number is not None:
            return selectors.version_of(self.project, number)
        other = selectors.versions_of(self.project).exclude(pk=before.pk).first()
        if other is None:
            raise Conflict("This project has only one model version. Train another to compare.")
        return other


def _shown(both: Together) -> dict[str, Any]:
    return {
        "before": both.before.number,
        "after": both.after.number,
        "gate": {"is_open": both.gate.is_open, "words": both.gate.words},
        "questions": [_question(each) for each in both.gate.questions],
    }


def _question(judged: Judged) -> dict[str, Any]:
    found = judged.comparison
    outcomes = found.outcomes if found else None
    return {
        "question": judged.key,
        "verdict": judged.verdict.value,
        "words": judged.words,
        "n": found.n if found else 0,
        "measures": [_measure(each) for each in found.measures] if found else [],
        "outcomes": asdict(outcomes) if outcomes else None,
    }


def _measure(measure: PairedMeasure) -> dict[str, Any]:
    found = measure.difference
    figures = {
        "before": measure.before,
        "after": measure.after,
        "difference": found.value,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "smallest_detectable": found.smallest,
    }
    known = {k: v if v is None or math.isfinite(v) else None for k, v in figures.items()}
    own = {"name": measure.name, "is_lower_better": measure.is_lower_better}
    return {**own, **known, "test": found.test, "n": found.n}


class PromoteIn(serializers.Serializer[Any]):
    """Why the version is promoted against the gate; not needed while the gate is open."""

    override = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class PromoteApi(ProjectAPIView):
    """Make a version the champion."""

    roles = {"POST": Role.OWNER}

    @extend_schema(request=PromoteIn, responses=ModelVersionDetailOut)
    def post(self, request: Request, slug: str, number: int) -> Response:  # noqa: ARG002
        """Promote the version; repeating it changes nothing.

        409 with the gate's words when it got worse and no override says why.
        """
        version = selectors.version_of(self.project, numbered(number))
        override = valid(PromoteIn(data=request.data))["override"]
        champion.promote(version=version, actor=self.user, override=override)
        return Response(
            ModelVersionDetailOut(selectors.version_of(self.project, version.number)).data
        )


class RollbackIn(serializers.Serializer[Any]):
    """Why, for the record."""

    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class RollbackApi(ProjectAPIView):
    """Give an earlier champion its place back."""

    roles = {"POST": Role.OWNER}

    @extend_schema(request=RollbackIn, responses=ModelVersionDetailOut)
    def post(self, request: Request, slug: str, number: int) -> Response:  # noqa: ARG002
        """Make a version that was champion before the champion again, without asking the gate."""
        version = selectors.version_of(self.project, numbered(number))
        reason = valid(RollbackIn(data=request.data))["reason"]
        champion.roll_back(version=version, actor=self.user, reason=reason)
        return Response(
            ModelVersionDetailOut(selectors.version_of(self.project, version.number)).data
        )
