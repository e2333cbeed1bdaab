"""Reviews over REST: the table and one review, bulk actions, views under a name."""

from dataclasses import replace
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.repeats import answered_once
from common.api import IDEMPOTENCY, MAX_ID, CursorPagination, idempotency_key, valid
from common.errors import Invalid
from jobs.api import job_link
from projects.api_base import ProjectAPIView
from projects.models import Membership, Role
from reviews import bulk, filters, paging, saved, selectors
from reviews.models import BulkAction, Review, SavedView
from reviews.patience import patience
from reviews.place import Place


class ReviewOut(serializers.Serializer[Review]):
    """A review as programs see it."""

    id = serializers.IntegerField()
    dataset = serializers.IntegerField(source="dataset_id")
    text = serializers.CharField()
    metadata = serializers.DictField()
    product = serializers.CharField()
    author = serializers.CharField()
    reviewed_at = serializers.DateField(allow_null=True)
    split = serializers.ChoiceField(choices=Review.Split.values)
    is_control = serializers.BooleanField(
        allow_null=True, help_text="Null for annotators, whom the control slice measures."
    )
    is_labelled = serializers.BooleanField(allow_null=True, help_text="Null for annotators.")
    priority = serializers.FloatField()


def _out(membership: Membership, review: Review) -> dict[str, Any]:
    """Return a review as this member may see it."""
    out: dict[str, Any] = ReviewOut(review).data
    return out | {"is_control": None, "is_labelled": None} if membership.is_only_labeller else out


class ReviewPageOut(serializers.Serializer[Any]):
    """Some reviews, and where the next ones are."""

    results = ReviewOut(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class _Pages(CursorPagination):
    """Cursors over a table, of which an index beside the reviews may hand out what matches."""

    def cut(self, wanted: paging.Wanted, request: Request, view: Any) -> Any:
        """Return the page that the request's cursor names."""
        with patience():
            return self.paginate_queryset(self._candidates(wanted, request), request, view=view)

    def place(self, request: Request) -> Place:
        """Return where that page begins."""
        cursor = self.decode_cursor(request)
        if cursor is None or cursor.position is None:
            return Place(before=0) if cursor and cursor.reverse else Place()
        number = int(cursor.position)
        return Place(before=number) if cursor.reverse else Place(after=number)

    def _candidates(self, wanted: paging.Wanted, request: Request) -> QuerySet[Review]:
        if wanted.matches is None:
            return wanted.reviews
        place = self.place(request)
        found = replace(wanted, reviews=wanted.reviews.only("pk")).rows(
            after=place.after, before=place.before, size=self.get_page_size(request) + 1
        )
        return wanted.reviews.filter(pk__in=[review.pk for review in found])


_FILTERS = [
    OpenApiParameter("dataset", int),
    OpenApiParameter(
        "q",
        str,
        description='Words that the text has, in any case: all of them; "a phrase", begin*, -not.',
    ),
    OpenApiParameter("split", str, enum=Review.Split.values),
    OpenApiParameter("min_length", int, description="Characters."),
    OpenApiParameter("max_length", int, description="Characters."),
    OpenApiParameter("control", bool, description="Whether it is of the random slice."),
    OpenApiParameter("labelled", str, enum=["yes", "no"]),
    OpenApiParameter("product", str),
    OpenApiParameter("author", str),
    OpenApiParameter("date_from", str, description="A day, such as 2026-03-31."),
    OpenApiParameter("date_to", str, description="A day, included."),
    OpenApiParameter("group", str, description="`any` near duplicate, or the id of a group."),
    OpenApiParameter("cursor", str),
    OpenApiParameter("page_size", int),
]


class ReviewListApi(ProjectAPIView):
    """The reviews of a project's data sets."""

    roles = {"GET": Role.VIEWER}

    @extend_schema(operation_id="reviews_list", parameters=_FILTERS, responses=ReviewPageOut)
    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """List reviews, newest first, narrowed by filters; an unknown filter is refused.

        Besides those listed there are `meta.COLUMN=value`, `answer.QUESTION=OPTION` (or `none`),
        `answer.QUESTION.min` and `.max`, and the same for `predicted.`, of the champion or `model`.
        """
        filters.check_reader(self.membership, request.query_params)
        pages = _Pages()
        own = {pages.cursor_query_param, pages.page_size_query_param}
        asked = [
            (name, value)
            for name, values in request.query_params.lists()
            if name not in own
            for value in values
        ]
        wanted = paging.wanted(self.project, asked, place=pages.place(request))
        page = pages.cut(wanted, request, self)
        rows = [_out(self.membership, review) for review in page]
        return pages.get_paginated_response(rows)


class ReviewApi(ProjectAPIView):
    """One review."""

    roles = {"GET": Role.VIEWER}

    @extend_schema(operation_id="reviews_retrieve", responses=ReviewOut)
    def get(self, request: Request, slug: str, review_id: int) -> Response:  # noqa: ARG002
        """Return the review."""
        return Response(_out(self.membership, selectors.review_of(self.project, review_id)))


# --- Bulk actions --------------------------------------------------------------------------------


class BulkActionOut(serializers.Serializer[BulkAction]):
    """Something done to many reviews at once."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=bulk.KINDS)
    created_at = serializers.DateTimeField()
    created_by = serializers.SerializerMethodField()
    changed = serializers.IntegerField(source="changed_count")
    skipped = serializers.IntegerField(source="skipped_count")
    undone_at = serializers.DateTimeField(allow_null=True)
    job = serializers.SerializerMethodField()

    def get_created_by(self, action: BulkAction) -> str | None:
        """Name the person."""
        return action.created_by.get_username() if action.created_by else None

    def get_job(self, action: BulkAction) -> dict[str, Any] | None:
        """Say where to ask how far it is; None for what was done at once."""
        return job_link(action.job) if action.job else None


class BulkActionIn(serializers.Serializer[BulkAction]):
    """What to do, and to which reviews: ids, or the filters that all of them fit."""

    kind = serializers.ChoiceField(choices=bulk.KINDS)
    reviews = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=MAX_ID), required=False
    )
    filters = serializers.DictField(child=serializers.CharField(), required=False)
    dataset = serializers.IntegerField(required=False, help_text="Of kind dataset: add to this.")
    name = serializers.CharField(required=False, help_text="Of kind dataset: make this one.")
    answers = serializers.DictField(required=False, help_text="Of kind label: question to answer.")
    questions = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Of kind accept: question keys."
    )
    threshold = serializers.FloatField(
        required=False, help_text="Of kind accept: suggestions at least so confident, 0 to 1."
    )


class BulkActionListOut(serializers.Serializer[Any]):
    """The newest bulk actions."""

    results = BulkActionOut(many=True)


class BulkActionListApi(ProjectAPIView):
    """What was done to many reviews at once."""

    roles = {"GET": Role.REVIEWER, "POST": Role.REVIEWER}

    @extend_schema(operation_id="bulk_actions_list", responses=BulkActionListOut)
    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """List the newest actions."""
        actions = bulk.recent(self.project, limit=50)
        return Response({"results": [BulkActionOut(each).data for each in actions]})

    @extend_schema(
        request=BulkActionIn,
        responses={201: BulkActionOut, 202: BulkActionOut},
        parameters=[IDEMPOTENCY],
    )
    def post(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Do it: at once for up to 500 reviews (201), else by a job (202)."""
        key = idempotency_key(request) or ""
        data = valid(BulkActionIn(data=request.data))
        action = bulk.start(
            project=self.project,
            membership=self.membership,
            kind=data["kind"],
            given=data,
            chosen=_chosen(data),
            key=key,
        )
        code = status.HTTP_202_ACCEPTED if action.job else status.HTTP_201_CREATED
        return Response(BulkActionOut(action).data, status=code)


def _chosen(data: dict[str, Any]) -> bulk.Chosen:
    if ("reviews" in data) == ("filters" in data):
        raise Invalid.of("reviews", "Name reviews, or filters ({} means every review); not both.")
    if "filters" in data:
        return bulk.Chosen(filters=list(data["filters"].items()), is_all=True)
    return bulk.chosen_from(ids=[str(each) for each in data["reviews"]], query=None)


class BulkActionApi(ProjectAPIView):
    """One bulk action."""

    roles = {"GET": Role.REVIEWER}

    @extend_schema(operation_id="bulk_actions_retrieve", responses=BulkActionOut)
    def get(self, request: Request, slug: str, action_id: int) -> Response:  # noqa: ARG002
        """Return what was done so far."""
        return Response(BulkActionOut(bulk.action_of(self.project, action_id)).data)


class BulkUndoApi(ProjectAPIView):
    """Taking a bulk action back."""

    roles = {"POST": Role.REVIEWER}

    @extend_schema(request=None, responses={200: BulkActionOut, 202: BulkActionOut})
    def post(self, request: Request, slug: str, action_id: int) -> Response:  # noqa: ARG002
        """Put back what it changed: at once (200), or by a job where it was much (202)."""
        action = bulk.undo(
            membership=self.membership, action=bulk.action_of(self.project, action_id)
        )
        code = status.HTTP_200_OK if action.undone_at else status.HTTP_202_ACCEPTED
        return Response(BulkActionOut(action).data, status=code)


# --- Views under a name --------------------------------------------------------------------------


class SavedViewOut(serializers.Serializer[SavedView]):
    """Filters and columns of the table under a name."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    query = serializers.CharField()
    is_shared = serializers.BooleanField()
    created_by = serializers.CharField(source="created_by.username")


class SavedViewIn(serializers.Serializer[SavedView]):
    """What to keep, as in the address of the table: q=zip&columns=product."""

    name = serializers.CharField()
    query = serializers.CharField(required=False, allow_blank=True, default="")
    is_shared = serializers.BooleanField(required=False, default=False)


class SavedViewChange(serializers.Serializer[SavedView]):
    """What can be changed of a view."""

    name = serializers.CharField(required=False)
    is_shared = serializers.BooleanField(required=False)


class SavedViewListOut(serializers.Serializer[Any]):
    """One's own views and those that others share."""

    results = SavedViewOut(many=True)


class SavedViewListApi(ProjectAPIView):
    """The views of the table that this person sees."""

    roles = {"GET": Role.VIEWER, "POST": Role.VIEWER}

    @extend_schema(operation_id="saved_views_list", responses=SavedViewListOut)
    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """List them by name."""
        views = saved.views_for(self.project, self.user)
        return Response({"results": [SavedViewOut(each).data for each in views]})

    @extend_schema(request=SavedViewIn, responses={201: SavedViewOut}, parameters=[IDEMPOTENCY])
    def post(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Save one."""
        return answered_once(request, lambda: self._save(request))

    def _save(self, request: Request) -> Response:
        data = valid(SavedViewIn(data=request.data))
        view = saved.save(membership=self.membership, **data)
        return Response(SavedViewOut(view).data, status=status.HTTP_201_CREATED)


class SavedViewApi(ProjectAPIView):
    """One view."""

    roles = {"GET": Role.VIEWER, "PATCH": Role.VIEWER, "DELETE": Role.VIEWER}

    @extend_schema(operation_id="saved_views_retrieve", responses=SavedViewOut)
    def get(self, request: Request, slug: str, view_id: int) -> Response:  # noqa: ARG002
        """Return the view."""
        return Response(SavedViewOut(saved.view_of(self.membership, view_id)).data)

    @extend_schema(request=SavedViewChange, responses=SavedViewOut)
    def patch(self, request: Request, slug: str, view_id: int) -> Response:  # noqa: ARG002
        """Rename it, or share it or not."""
        view = saved.view_of(self.membership, view_id)
        data = valid(SavedViewChange(data=request.data))
        return Response(
            SavedViewOut(saved.change(membership=self.membership, view=view, **data)).data
        )

    @extend_schema(responses={204: None})
    def delete(self, request: Request, slug: str, view_id: int) -> Response:  # noqa: ARG002
        """Delete it."""
        saved.remove(membership=self.membership, view=saved.view_of(self.membership, view_id))
        return Response(status=status.HTTP_204_NO_CONTENT)
