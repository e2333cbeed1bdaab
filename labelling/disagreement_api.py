"""Disagreements, reviewers' decisions, what becomes gold by itself, reliability: over REST."""

from collections.abc import Collection
from typing import Any

from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

from accounts.models import User
from accounts.repeats import answered_once
from common.api import IDEMPOTENCY, CursorPagination, valid
from common.errors import Invalid, NotVisible
from jobs.api import job_link
from labelling import adjudication, disagreements, reliability
from labelling.disagreements import Cursor
from labelling.gold_policy import change_gold_policy
from labelling.models import Adjudication
from labelling.shares import Share
from projects.api_base import ProjectAPIView
from projects.models import GoldPolicy, Role
from reviews.selectors import review_of


class PersonOut(serializers.Serializer[Any]):
    """Somebody who has answered."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    is_external = serializers.BooleanField(help_text="Known from an imported file only.")


def _people(ids: Collection[int]) -> dict[int, dict[str, Any]]:
    rows = User.objects.filter(pk__in=ids)
    return {each.pk: _person(each) for each in rows}


def _person(user: User) -> dict[str, Any]:
    return {"id": user.pk, "name": user.shown_name, "is_external": user.is_external}


# --- Disagreements ------------------------------------------------------------------------------


class DisagreementOut(serializers.Serializer[Any]):
    """A review about which people said different things and nobody has decided."""

    review = serializers.IntegerField()
    dataset = serializers.IntegerField()
    excerpt = serializers.CharField()
    difference = serializers.FloatField(help_text="From 0 (all agree) to 1 (nothing is shared).")
    questions = serializers.ListField(child=serializers.CharField())
    people = PersonOut(many=True)
    differing = serializers.ListField(child=serializers.IntegerField(), help_text="Ids of people.")


class DisagreementPageOut(serializers.Serializer[Any]):
    """Some disagreements, most different first within a window of answers, newest window first."""

    results = DisagreementOut(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


_FILTERS = [
    OpenApiParameter("question", str, description="The key of a question whose answers differ."),
    OpenApiParameter("person", int, description="The id of somebody who differs from another."),
    OpenApiParameter("dataset", int),
    OpenApiParameter("source", str, enum=disagreements.SOURCES),
    OpenApiParameter("cursor", str),
    OpenApiParameter("page_size", int),
]
_KNOWN = {each.name for each in _FILTERS}


class DisagreementListApi(ProjectAPIView):
    """What reviewers have to decide."""

    roles = {"GET": Role.REVIEWER}

    @extend_schema(
        operation_id="disagreements_list", parameters=_FILTERS, responses=DisagreementPageOut
    )
    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """List disagreements; a page may be empty and have a next one, with older answers."""
        given = request.query_params.dict()
        unknown = set(given) - _KNOWN
        if unknown:
            raise Invalid.of(min(unknown)[:100], f"There is no filter {min(unknown)[:100]!r} here.")
        page = disagreements.page_of(
            self.project,
            disagreements.read_asked(self.project, given),
            disagreements.read_cursor(given.get("cursor", "")),
            size=CursorPagination().get_page_size(request),
        )
        people = _people({each for row in page.rows for each in row.people})
        results = [
            {
                "review": row.review_id,
                "dataset": row.dataset_id,
                "excerpt": row.excerpt,
                "difference": row.score,
                "questions": row.questions,
                "people": [people[each] for each in row.people],
                "differing": [each for each in row.people if each in row.differing],
            }
            for row in page.rows
        ]
        return Response(
            {
                "results": DisagreementOut(results, many=True).data,
                "next": _at(request, page.next),
                "previous": _at(request, page.previous),
            }
        )


def _at(request: Request, cursor: Cursor | None) -> str | None:
    if cursor is None:
        return None
    here = request.build_absolute_uri()
    if cursor == Cursor():
        return str(remove_query_param(here, "cursor"))
    return str(replace_query_param(here, "cursor", str(cursor)))


# --- Decisions ----------------------------------------------------------------------------------


class AdjudicationIn(serializers.Serializer[Any]):
    """What a reviewer decides; questions that are left out stay with what people say."""

    schema_version = serializers.IntegerField()
    answers = serializers.JSONField()
    reason = serializers.CharField(
        required=False, allow_blank=True, max_length=1000, default="", trim_whitespace=False
    )
    replaces = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        help_text="The id of the decision that the reviewer has seen; null for none.",
    )


class AdjudicationOut(serializers.Serializer[Any]):
    """A decision that holds."""

    id = serializers.IntegerField()
    review = serializers.IntegerField()
    reviewer = serializers.CharField()
    schema_version = serializers.IntegerField()
    answers = serializers.DictField()
    reason = serializers.CharField()
    created_at = serializers.DateTimeField()


def _decision_out(decision: Adjudication) -> dict[str, Any]:
    out = {
        "id": decision.pk,
        "review": decision.review_id,
        "reviewer": decision.reviewer.shown_name,
        "schema_version": decision.schema.version,
        "answers": decision.answers,
        "reason": decision.reason,
        "created_at": decision.created_at,
    }
    return dict(AdjudicationOut(out).data)


class AdjudicationApi(ProjectAPIView):
    """The decision about one review."""

    roles = {"GET": Role.REVIEWER, "POST": Role.REVIEWER, "DELETE": Role.REVIEWER}

    @extend_schema(responses=AdjudicationOut)
    def get(self, request: Request, slug: str, review_id: int) -> Response:  # noqa: ARG002
        """Return the decision that holds; 404 while there is none."""
        review = review_of(self.project, review_id)
        found = adjudication.holding(self.project, review.pk)
        if found is None:
            raise NotVisible("No decision about this review holds.")
        return Response(_decision_out(found))

    @extend_schema(
        request=AdjudicationIn, responses={201: AdjudicationOut}, parameters=[IDEMPOTENCY]
    )
    def post(self, request: Request, slug: str, review_id: int) -> Response:  # noqa: ARG002
        """Decide: the answers become gold, whatever people say about them."""
        return answered_once(request, lambda: self._decide(request, review_id))

    def _decide(self, request: Request, review_id: int) -> Response:
        review = review_of(self.project, review_id)
        data = valid(AdjudicationIn(data=request.data))
        made = adjudication.adjudicate(review=review, reviewer=self.user, **data)
        return Response(_decision_out(made), status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: OpenApiResponse(description="Taken back")})
    def delete(self, request: Request, slug: str, review_id: int) -> Response:  # noqa: ARG002
        """Take the decision back: what people said makes the gold again."""
        review = review_of(self.project, review_id)
        adjudication.take_back(review=review, reviewer=self.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


# --- What becomes gold by itself ------------------------------------------------------------------


class GoldPolicyData(serializers.Serializer[Any]):
    """When answers become gold without a reviewer."""

    policy = serializers.ChoiceField(choices=GoldPolicy.values)


class GoldPolicyStarted(GoldPolicyData):
    """The policy that holds from now on, and the job that goes over what was said before."""

    job = serializers.DictField()


class GoldPolicyApi(ProjectAPIView):
    """When answers become gold."""

    roles = {"GET": Role.VIEWER, "PUT": Role.OWNER}

    @extend_schema(responses=GoldPolicyData)
    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Return the policy."""
        return Response({"policy": self.project.gold_policy})

    @extend_schema(request=GoldPolicyData, responses={202: GoldPolicyStarted})
    def put(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Change it; a job makes the gold that follows."""
        data = valid(GoldPolicyData(data=request.data))
        job = change_gold_policy(project=self.project, policy=data["policy"], actor=self.user)
        body = {"policy": self.project.gold_policy, "job": job_link(job)}
        return Response(body, status=status.HTTP_202_ACCEPTED)


# --- Reliability --------------------------------------------------------------------------------


class ShareOut(serializers.Serializer[Share]):
    """A share with its 95 % interval; null where there is no answer."""

    value = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    n = serializers.IntegerField()
    is_too_few = serializers.BooleanField()


class SaidShareOut(serializers.Serializer[Any]):
    """How often somebody gives one option."""

    option = serializers.CharField()
    share = serializers.FloatField()


class SaysOut(serializers.Serializer[Any]):
    """What somebody says where an option is true."""

    true = serializers.CharField()
    said = SaidShareOut(many=True)


class FiguresOut(serializers.Serializer[Any]):
    """How one person's answers to one question stand."""

    question = serializers.CharField(source="question.key")
    others = ShareOut(help_text="Equal to what the others who answered come to.")
    decided = ShareOut(help_text="Equal to what reviewers decided.")
    checks = ShareOut(help_text="Equal to the known answers of quality checks.")
    one_coin = ShareOut(help_text="Estimated accuracy; for questions with one option.")
    dawid_skene = ShareOut(help_text="By the full model, with model=dawid-skene; else n is 0.")
    says = serializers.SerializerMethodField(
        help_text="By the full model: what the person says where an option is true."
    )

    @extend_schema_field(SaysOut(many=True))
    def get_says(self, figures: reliability.Figures) -> list[dict[str, Any]]:
        """Name options by their keys."""
        return [
            {
                "true": row.true.key,
                "said": [{"option": each.key, "share": share} for each, share in row.shares],
            }
            for row in figures.says
        ]


class ReliabilityOut(serializers.Serializer[Any]):
    """One annotator."""

    person = PersonOut()
    figures = FiguresOut(many=True)


class ReliabilityListOut(serializers.Serializer[Any]):
    """Annotators in the order of their names."""

    results = ReliabilityOut(many=True)


class ReliabilityApi(ProjectAPIView):
    """How far annotators can be relied on."""

    roles = {"GET": Role.ANNOTATOR}

    @extend_schema(
        operation_id="reliability_list",
        responses=ReliabilityListOut,
        parameters=[OpenApiParameter("model", str, enum=list(reliability.MODELS))],
    )
    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """List everybody's figures by name; annotators get their own only.

        `model=dawid-skene` adds the estimate by the full model to the one-coin model's.
        """
        found = reliability.people(
            self.project,
            only=None if self.membership.can_review else self.user,
            model=request.query_params.get("model", "one-coin"),
        )
        rows = [{"person": _person(each.user), "figures": each.figures} for each in found]
        return Response({"results": ReliabilityOut(rows, many=True).data})
