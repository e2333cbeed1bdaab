"""Agreement over REST: the figures of the page."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.errors import Invalid
from labelling import agreement_table as table
from labelling.agreement_filters import NAMES, Asked, asked_of
from labelling.agreement_kept import Agreement
from labelling.agreement_report import KINDS, Named
from labelling.bootstrap import Figure
from labelling.selectors import current_schema
from labelling.snapshot import QuestionSnapshot
from projects.api_base import ProjectAPIView
from projects.models import Role


class FigureOut(serializers.Serializer[Any]):
    """A value with its 95 % interval, or the reason why it is not defined."""

    measure = serializers.CharField()
    value = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    n = serializers.IntegerField(help_text="Reviews that it rests on.")
    reason = serializers.CharField(help_text="Why there is no value; empty where there is one.")


class AgreementPersonOut(serializers.Serializer[Any]):
    """Somebody who answered."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    is_external = serializers.BooleanField()


class OptionAgreementOut(serializers.Serializer[Any]):
    """Agreement on one option."""

    option = serializers.CharField()
    figures = FigureOut(many=True)


class PairOut(FigureOut):
    """Agreement of two people, by their ids."""

    one = serializers.IntegerField()
    other = serializers.IntegerField()


class QuestionAgreementOut(serializers.Serializer[Any]):
    """Agreement on one question."""

    question = serializers.CharField()
    kind = serializers.CharField()
    figures = FigureOut(many=True)
    options = OptionAgreementOut(many=True)
    pairs = PairOut(many=True)


class AgreementOut(serializers.Serializer[Any]):
    """How far people agree on the reviews that several of them answered."""

    review_count = serializers.IntegerField()
    is_cut = serializers.BooleanField(help_text="Whether older reviews were left out.")
    people = AgreementPersonOut(many=True)
    questions = QuestionAgreementOut(many=True)


class AgreementApi(ProjectAPIView):
    """How far people agree."""

    roles = {"GET": Role.REVIEWER}

    @extend_schema(
        responses=AgreementOut,
        parameters=[
            OpenApiParameter("question", str, many=True, description="Only these questions."),
            OpenApiParameter("dataset", int),
            OpenApiParameter("person", int, many=True, description="Only these people."),
            OpenApiParameter("since", str, description="Answers since that day, 2026-01-31."),
            OpenApiParameter("measure", str, description="For pairs, where it fits the question."),
        ],
    )
    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Return figures by question, option and pair of people."""
        unknown = set(request.query_params) - NAMES
        if unknown:
            known = ", ".join(sorted(NAMES))
            raise Invalid.of(min(unknown), f"There is no filter {min(unknown)!r}. Known: {known}.")
        schema = current_schema(self.project)
        asked = asked_of(self.project, schema, request.query_params)
        found = Agreement(self.project, schema, asked.chosen)
        body = {
            "review_count": found.review_count,
            "is_cut": found.is_cut,
            "people": found.people,
            "questions": [_question(found, asked, each) for each in asked.questions],
        }
        return Response(AgreementOut(body).data)


def _question(found: Agreement, asked: Asked, question: QuestionSnapshot) -> dict[str, Any]:
    (row,) = found.rows([question])
    measure = asked.measure_of(question)
    pairs = found.pairs(question, measure, limit=table.PEOPLE_IN_FILE)
    return {
        "question": question.key,
        "kind": question.kind,
        "figures": [_named(each) for each in row.figures],
        "options": [
            {"option": each.key, "figures": [_named(named) for named in each.figures]}
            for each in found.options(question)
        ],
        "pairs": [
            {"one": pair.one.id, "other": pair.other.id} | _figure(KINDS[measure].key, pair.figure)
            for pair in pairs
        ],
    }


def _named(named: Named) -> dict[str, Any]:
    return _figure(named.key, named.figure)


def _figure(measure: str, figure: Figure) -> dict[str, Any]:
    return {
        "measure": measure,
        "value": figure.value,
        "low": figure.low,
        "high": figure.high,
        "n": figure.item_count,
        "reason": figure.reason,
    }
