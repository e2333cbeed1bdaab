"""The queue's policies, reservations, quotas and quality checks over REST."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.repeats import answered_once
from common.api import IDEMPOTENCY, MAX_ID, valid
from labelling import checks, reservations, selectors, services
from labelling.api import NextOut, next_out
from labelling.policies import MAX_MINUTES, MAX_OVERLAP, policies_of, set_policies
from projects.api_base import ProjectAPIView
from projects.models import GoldPolicy, Role


class PoliciesData(serializers.Serializer[Any]):
    """How a project's work is shared; shares go from 0 to 1."""

    overlap_count = serializers.IntegerField(min_value=1, max_value=MAX_OVERLAP, required=False)
    overlap_share = serializers.FloatField(min_value=0, max_value=1, required=False)
    check_share = serializers.FloatField(min_value=0, max_value=1, required=False)
    control_share = serializers.FloatField(min_value=0, max_value=1, required=False)
    lease_minutes = serializers.IntegerField(min_value=1, max_value=MAX_MINUTES, required=False)
    is_blind = serializers.BooleanField(required=False)
    gold_policy = serializers.ChoiceField(choices=GoldPolicy.choices, required=False)


class PoliciesApi(ProjectAPIView):
    """How the work is shared."""

    roles = {"GET": Role.REVIEWER, "PATCH": Role.OWNER}

    @extend_schema(responses=PoliciesData)
    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Return what holds."""
        return Response(asdict(policies_of(self.project)))

    @extend_schema(request=PoliciesData, responses=PoliciesData)
    def patch(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Change some of it, for what is served and answered from now on."""
        data = valid(PoliciesData(data=request.data))
        return Response(asdict(set_policies(project=self.project, actor=self.user, **data)))


class AheadOut(serializers.Serializer[Any]):
    """What to label next, in order."""

    results = NextOut(many=True)


class QueueAheadApi(ProjectAPIView):
    """Several reviews at once, so that the next is there when one has been answered."""

    roles = {"POST": Role.ANNOTATOR}

    @extend_schema(request=None, responses=AheadOut)
    def post(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Lease up to six reviews in all; the first is the one that queue/next/ returns."""
        held = services.fetch_ahead(project=self.project, annotator=self.user)
        version = selectors.current_schema(self.project).version
        return Response({"results": [next_out(each, version) for each in held]})


class DeskOut(serializers.Serializer[Any]):
    """What lies before a member."""

    username = serializers.CharField()
    daily_quota = serializers.IntegerField(allow_null=True)
    reserved_count = serializers.IntegerField()
    held_count = serializers.IntegerField()


class DesksOut(serializers.Serializer[Any]):
    """Everybody who labels."""

    results = DeskOut(many=True)


class ReserveIn(serializers.Serializer[Any]):
    """Either `username` and `reviews`, or `count` and `weights` (username to whole number)."""

    username = serializers.CharField(max_length=150, required=False)
    reviews = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=MAX_ID),
        required=False,
        max_length=reservations.MOST,
    )
    count = serializers.IntegerField(min_value=1, required=False)
    weights = serializers.DictField(child=serializers.IntegerField(min_value=0), required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take one of the two."""
        if set(attrs) not in ({"username", "reviews"}, {"count", "weights"}):
            raise serializers.ValidationError("Give username and reviews, or count and weights.")
        return attrs


class ReservedOut(serializers.Serializer[Any]):
    """What came of it for one member."""

    username = serializers.CharField()
    reserved_count = serializers.IntegerField()
    left_out_count = serializers.IntegerField()


class ReservedListOut(serializers.Serializer[Any]):
    """What came of it."""

    results = ReservedOut(many=True)


class ReservationsApi(ProjectAPIView):
    """Reviews that wait for one member."""

    roles = {"GET": Role.REVIEWER, "POST": Role.REVIEWER}

    @extend_schema(operation_id="reservations_list", responses=DesksOut)
    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Say for everybody who labels how many reviews wait and are held."""
        rows = [asdict(each) for each in reservations.desks(self.project)]
        return Response({"results": rows})

    @extend_schema(request=ReserveIn, responses={201: ReservedListOut}, parameters=[IDEMPOTENCY])
    def post(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Reserve chosen reviews for a member, or distribute fresh ones by weights."""
        return answered_once(request, lambda: self._reserve(request))

    def _reserve(self, request: Request) -> Response:
        data = valid(ReserveIn(data=request.data))
        if "username" in data:
            name = data["username"]
            done = {
                name: reservations.reserve(
                    project=self.project,
                    username=name,
                    review_ids=data["reviews"],
                    actor=self.user,
                )
            }
        else:
            done = reservations.distribute(project=self.project, actor=self.user, **data)
        rows = [{"username": name} | asdict(each) for name, each in done.items()]
        return Response({"results": rows}, status=status.HTTP_201_CREATED)


class MemberDeskIn(serializers.Serializer[Any]):
    """What to change about a member's share of the work."""

    username = serializers.CharField(max_length=150)
    daily_quota = serializers.IntegerField(
        min_value=0, max_value=100_000, allow_null=True, required=False
    )
    take_back = serializers.BooleanField(
        default=False, help_text="Give what waits for this member back to everybody."
    )


class DeskApi(ProjectAPIView):
    """One member's share of the work."""

    roles = {"PATCH": Role.REVIEWER}

    @extend_schema(request=MemberDeskIn, responses=DeskOut)
    def patch(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Set a quota a day (null: none), take reservations back."""
        data = valid(MemberDeskIn(data=request.data))
        name = data["username"]
        asked: dict[str, Any] = {"project": self.project, "username": name, "actor": self.user}
        if "daily_quota" in data:
            reservations.set_quota(quota=data["daily_quota"], **asked)
        if data["take_back"]:
            reservations.take_back(**asked)
        found = [each for each in reservations.desks(self.project) if each.username == name]
        return Response(asdict(found[0]) if found else {}, status=200 if found else 400)


class OutcomeOut(serializers.Serializer[Any]):
    """How somebody did; `interval` is the share's, at 95 %."""

    username = serializers.CharField()
    right_count = serializers.IntegerField()
    count = serializers.IntegerField()
    share = serializers.FloatField()
    interval = serializers.ListField(child=serializers.FloatField())
    is_few = serializers.BooleanField(help_text="So few answers that the share says nothing yet.")


class OutcomesOut(serializers.Serializer[Any]):
    """How people did."""

    results = OutcomeOut(many=True)


class ChecksIn(serializers.Serializer[Any]):
    """Adjudicated reviews by number, or how many to draw of them."""

    reviews = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=MAX_ID),
        required=False,
        max_length=checks.MOST,
    )
    count = serializers.IntegerField(min_value=1, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take one of the two."""
        if len(attrs) != 1:
            raise serializers.ValidationError("Give reviews or count.")
        return attrs


class AddedOut(serializers.Serializer[Any]):
    """How many are new."""

    added_count = serializers.IntegerField()


class ChecksApi(ProjectAPIView):
    """Quality checks: reviews whose answer is known, served unmarked."""

    roles = {"GET": Role.REVIEWER, "POST": Role.REVIEWER}

    @extend_schema(operation_id="quality_checks_list", responses=OutcomesOut)
    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Say how people did."""
        return Response({"results": OutcomeOut(checks.outcomes(self.project), many=True).data})

    @extend_schema(request=ChecksIn, responses={201: AddedOut}, parameters=[IDEMPOTENCY])
    def post(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Make adjudicated reviews quality checks."""
        return answered_once(request, lambda: self._add(request))

    def _add(self, request: Request) -> Response:
        data = valid(ChecksIn(data=request.data))
        if "reviews" in data:
            made = checks.add_checks(
                project=self.project, actor=self.user, review_ids=data["reviews"]
            )
        else:
            made = checks.draw_checks(project=self.project, actor=self.user, count=data["count"])
        return Response({"added_count": made}, status=status.HTTP_201_CREATED)
