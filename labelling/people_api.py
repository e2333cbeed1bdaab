"""Comments, mentions, flags, histories and acceptable suggestions over REST."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.repeats import answered_once
from common.api import IDEMPOTENCY, MAX_ID, CursorPagination, valid
from common.errors import Invalid
from labelling import accept, comments, flags, history, open_flags, timeline
from labelling.models import Comment, Flag, Mention
from projects.api_base import ProjectAPIView
from projects.models import Role
from reviews.selectors import review_of


class _NewestFirst(CursorPagination):
    ordering = "-id"


class _OldestFirst(CursorPagination):
    ordering = "id"


# --- Comments -------------------------------------------------------------------------------------


class CommentOut(serializers.Serializer[Comment]):
    """What a member said about a review; plain text."""

    id = serializers.IntegerField()
    review = serializers.IntegerField(source="review_id")
    author = serializers.CharField(source="author.shown_name")
    body = serializers.CharField()
    mentions = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()

    def get_mentions(self, comment: Comment) -> list[str]:
        """Name those who were called."""
        return sorted(mention.person.username for mention in comment.mentions.all())


class CommentIn(serializers.Serializer[Comment]):
    """What to say; @name calls a member who may read it."""

    body = serializers.CharField(max_length=comments.MAX_BODY)


class CommentPageOut(serializers.Serializer[Any]):
    """Some comments, and where the next ones are."""

    results = CommentOut(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class CommentsApi(ProjectAPIView):
    """The comments on one review."""

    roles = {"GET": Role.ANNOTATOR, "POST": Role.ANNOTATOR}

    @extend_schema(operation_id="comments_list", responses=CommentPageOut)
    def get(self, request: Request, slug: str, review_id: int) -> Response:  # noqa: ARG002
        """List them, oldest first; in a blind project annotators see theirs and those to them."""
        rows = comments.comments_for(self.membership, review_of(self.project, review_id))
        pages = _OldestFirst()
        page: Any = pages.paginate_queryset(rows, request, view=self)
        return pages.get_paginated_response(CommentOut(page, many=True).data)

    @extend_schema(request=CommentIn, responses={201: CommentOut}, parameters=[IDEMPOTENCY])
    def post(self, request: Request, slug: str, review_id: int) -> Response:  # noqa: ARG002
        """Write one."""
        review = review_of(self.project, review_id)
        return answered_once(request, lambda: self._say(request, review))

    def _say(self, request: Request, review: Any) -> Response:
        data = valid(CommentIn(data=request.data))
        said = comments.say(membership=self.membership, review=review, body=data["body"])
        return Response(CommentOut(said).data, status=status.HTTP_201_CREATED)


class CommentApi(ProjectAPIView):
    """One comment."""

    roles = {"GET": Role.ANNOTATOR, "DELETE": Role.ANNOTATOR}

    @extend_schema(operation_id="comments_retrieve", responses=CommentOut)
    def get(self, request: Request, slug: str, comment_id: int) -> Response:  # noqa: ARG002
        """Return it."""
        return Response(CommentOut(comments.comment_of(self.membership, comment_id)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, slug: str, comment_id: int) -> Response:  # noqa: ARG002
        """Take one's own back."""
        comment = comments.comment_of(self.membership, comment_id)
        comments.remove(membership=self.membership, comment=comment)
        return Response(status=status.HTTP_204_NO_CONTENT)


class MentionOut(serializers.Serializer[Mention]):
    """A comment that calls this person by name."""

    id = serializers.IntegerField()
    seen_at = serializers.DateTimeField(allow_null=True)
    comment = CommentOut()


class MentionPageOut(serializers.Serializer[Any]):
    """Some mentions, and where the next ones are."""

    results = MentionOut(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class MentionsApi(ProjectAPIView):
    """The mentions of whoever asks."""

    roles = {"GET": Role.ANNOTATOR}

    @extend_schema(operation_id="mentions_list", responses=MentionPageOut)
    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """List them, newest first."""
        rows = comments.mentions_of(self.membership).prefetch_related("comment__mentions__person")
        pages = _NewestFirst()
        page: Any = pages.paginate_queryset(rows, request, view=self)
        return pages.get_paginated_response(MentionOut(page, many=True).data)


class SeenIn(serializers.Serializer[Any]):
    """Which mentions were seen; all of them when left out."""

    mentions = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=MAX_ID),
        max_length=1000,
        required=False,
    )


class SeenOut(serializers.Serializer[Any]):
    """How many were new, and how many still are."""

    seen = serializers.IntegerField()
    unseen = serializers.IntegerField()


class MentionsSeenApi(ProjectAPIView):
    """What was seen."""

    roles = {"POST": Role.ANNOTATOR}

    @extend_schema(request=SeenIn, responses=SeenOut)
    def post(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Note that mentions of oneself were seen."""
        data = valid(SeenIn(data=request.data))
        seen = comments.see(membership=self.membership, mention_ids=data.get("mentions"))
        unseen = comments.unseen_count(self.membership)
        return Response(SeenOut({"seen": seen, "unseen": unseen}).data)


# --- Flags ----------------------------------------------------------------------------------------


class FlagOut(serializers.Serializer[Flag]):
    """Somebody asks for a reviewer's eye."""

    id = serializers.IntegerField()
    review = serializers.IntegerField(source="review_id")
    person = serializers.CharField(source="person.shown_name")
    note = serializers.CharField()
    created_at = serializers.DateTimeField()
    resolved_at = serializers.DateTimeField(allow_null=True)
    resolved_by = serializers.CharField(
        source="resolved_by.shown_name", allow_null=True, default=None
    )


class FlagIn(serializers.Serializer[Flag]):
    """Which review, and what to look at."""

    review = serializers.IntegerField(min_value=1)
    note = serializers.CharField(max_length=flags.MAX_NOTE)


class FlagPageOut(serializers.Serializer[Any]):
    """Some flags, and where the next ones are."""

    results = FlagOut(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class FlagsApi(ProjectAPIView):
    """The flags of a project."""

    roles = {"GET": Role.ANNOTATOR, "POST": Role.ANNOTATOR}

    @extend_schema(
        operation_id="flags_list",
        parameters=[OpenApiParameter("open", str, enum=["yes", "no"])],
        responses=FlagPageOut,
    )
    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """List them, newest first: all for reviewers, one's own for annotators."""
        asked = request.query_params.get("open", "")
        if asked not in {"", "yes", "no"}:
            raise Invalid.of("open", f"open is yes or no, not {asked[:50]!r}.")
        is_open = asked == "yes" if asked else None
        pages = _NewestFirst()
        rows = open_flags.flags_for(self.membership, is_open=is_open)
        page: Any = pages.paginate_queryset(rows, request, view=self)
        return pages.get_paginated_response(FlagOut(page, many=True).data)

    @extend_schema(request=FlagIn, responses={201: FlagOut}, parameters=[IDEMPOTENCY])
    def post(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Flag a review; one's open flag on it gets the new note."""
        return answered_once(request, lambda: self._raise(request))

    def _raise(self, request: Request) -> Response:
        data = valid(FlagIn(data=request.data))
        review = review_of(self.project, data["review"])
        flag = flags.flag_review(
            project=self.project, review=review, person=self.user, note=data["note"]
        )
        return Response(FlagOut(flag).data, status=status.HTTP_201_CREATED)


class FlagResolveApi(ProjectAPIView):
    """Settling a flag."""

    roles = {"POST": Role.REVIEWER}

    @extend_schema(request=None, responses=FlagOut)
    def post(self, request: Request, slug: str, flag_id: int) -> Response:  # noqa: ARG002
        """Settle it; twice changes nothing."""
        flag = open_flags.flag_of(self.membership, flag_id)
        return Response(FlagOut(open_flags.resolve(membership=self.membership, flag=flag)).data)


# --- History --------------------------------------------------------------------------------------


class RestorableOut(serializers.Serializer[Any]):
    """What to send to restore it: the revision, and the present one that was seen."""

    annotation = serializers.IntegerField(source="annotation_id")
    number = serializers.IntegerField()
    present = serializers.IntegerField()


class EventOut(serializers.Serializer[Any]):
    """One thing that was done."""

    at = serializers.DateTimeField()
    kind = serializers.CharField()
    who = serializers.CharField(help_text="Empty for what nobody in particular did.")
    words = serializers.CharField()
    note = serializers.CharField()
    answers = serializers.DictField()
    schema_version = serializers.IntegerField(
        source="schema.version", allow_null=True, default=None
    )
    restorable = RestorableOut(allow_null=True)


class HistoryOut(serializers.Serializer[Any]):
    """Everything that was done about a review, oldest first."""

    results = EventOut(many=True)


class HistoryApi(ProjectAPIView):
    """What has happened to one review."""

    roles = {"GET": Role.REVIEWER}

    @extend_schema(operation_id="review_history_retrieve", responses=HistoryOut)
    def get(self, request: Request, slug: str, review_id: int) -> Response:  # noqa: ARG002
        """List it in the order of time."""
        events = timeline.of_review(self.project, review_of(self.project, review_id))
        return Response({"results": EventOut(events, many=True).data})


class RestoreIn(serializers.Serializer[Any]):
    """Which revision to bring back, and which one was seen as the present."""

    number = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    present = serializers.IntegerField(min_value=1, max_value=2**31 - 1)


class RestoreOut(serializers.Serializer[Any]):
    """The annotation after it: `revision` is its present one."""

    id = serializers.IntegerField()
    review = serializers.IntegerField(source="review_id")
    revision = serializers.IntegerField()


class RestoreApi(ProjectAPIView):
    """Bringing back what an annotation said before."""

    roles = {"POST": Role.REVIEWER}

    @extend_schema(request=RestoreIn, responses=RestoreOut)
    def post(self, request: Request, slug: str, annotation_id: int) -> Response:  # noqa: ARG002
        """Restore; what stood there becomes an earlier revision itself."""
        annotation = history.annotation_of(self.project, annotation_id)
        data = valid(RestoreIn(data=request.data))
        restored = history.restore(
            membership=self.membership,
            annotation=annotation,
            number=data["number"],
            seen=data["present"],
        )
        return Response(RestoreOut(restored).data)


# --- Suggestions ----------------------------------------------------------------------------------


class AcceptableOut(serializers.Serializer[Any]):
    """What the bulk action `accept` would do now."""

    reviews = serializers.IntegerField(source="review_count")
    by_question = serializers.DictField(child=serializers.IntegerField())


class AcceptableApi(ProjectAPIView):
    """Suggestions that could be accepted in bulk."""

    roles = {"GET": Role.REVIEWER}

    @extend_schema(
        operation_id="suggestions_acceptable_retrieve",
        parameters=[
            OpenApiParameter("question", str, many=True, required=True),
            OpenApiParameter("threshold", float, required=True, description="0 to 1."),
            OpenApiParameter("dataset", int),
        ],
        responses=AcceptableOut,
    )
    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Count them without changing anything; POST bulk-actions/ of kind accept does it."""
        query = request.query_params
        unknown = set(query) - {"question", "threshold", "dataset"}
        if unknown:
            raise Invalid.of(min(unknown), f"There is no parameter {min(unknown)[:50]!r} here.")
        wish = accept.wish_from(
            self.project, questions=query.getlist("question"), threshold=query.get("threshold")
        )
        dataset = accept.dataset_named(self.project, query.get("dataset", ""))
        found = accept.dry_run(project=self.project, actor=self.user, wish=wish, dataset=dataset)
        return Response(AcceptableOut(found).data)
