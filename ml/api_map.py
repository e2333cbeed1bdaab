"""Maps and likeness over REST."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import IDEMPOTENCY, CursorPagination, idempotency_key, valid
from common.errors import Invalid, NotVisible
from jobs.api import job_link
from ml import alike, mapping, selectors
from ml.api import MAX_NUMBER, numbered
from ml.core.projecting import METHODS
from ml.groups import GOLD, SOURCES, answers_for
from ml.map_page import questions_to_colour
from ml.models import EmbeddingMap
from projects.api_base import ProjectAPIView
from projects.models import Role
from reviews.api import JobLinkOut
from reviews.selectors import dataset_of, review_of, visible_reviews


class MapIn(serializers.Serializer[Any]):
    """Which data set to draw; by default 2,000 of its reviews by their principal components."""

    dataset = serializers.IntegerField(min_value=1, max_value=MAX_NUMBER)
    method = serializers.ChoiceField(choices=METHODS, default="pca")
    size = serializers.IntegerField(
        min_value=mapping.FEWEST, max_value=mapping.MOST, default=mapping.USUAL
    )
    model_version = serializers.IntegerField(min_value=1, max_value=MAX_NUMBER, required=False)


class MapOut(serializers.Serializer[EmbeddingMap]):
    """A map as lists show it."""

    id = serializers.IntegerField()
    dataset = serializers.IntegerField(source="dataset_id")
    model_version = serializers.IntegerField(source="model_version.number")
    method = serializers.CharField()
    review_count = serializers.IntegerField()
    variance_shares = serializers.ListField(source="shares")
    created_at = serializers.DateTimeField()


class PointOut(serializers.Serializer[Any]):
    """One review on the map, with its answer where a question was named."""

    review = serializers.IntegerField()
    x = serializers.FloatField()
    y = serializers.FloatField()
    answer = serializers.JSONField(allow_null=True)


class MapDetailOut(MapOut):
    """A map with its points; reviews that are gone are left out."""

    points = PointOut(many=True)


class MapPageOut(serializers.Serializer[Any]):
    """Some maps, and where the next ones are."""

    results = MapOut(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class MapAcceptedOut(serializers.Serializer[Any]):
    """A map that waits for its worker."""

    job = JobLinkOut()


class MapListApi(ProjectAPIView):
    """The maps of a project."""

    roles = {"GET": Role.ANALYST, "POST": Role.ANALYST}

    @extend_schema(operation_id="embedding_maps_list", responses=MapPageOut)
    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """List maps, newest first."""
        pages = CursorPagination()
        page: Any = pages.paginate_queryset(mapping.maps_of(self.project), request, view=self)
        return pages.get_paginated_response(MapOut(page, many=True).data)

    @extend_schema(request=MapIn, responses={202: MapAcceptedOut}, parameters=[IDEMPOTENCY])
    def post(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Draw a data set in a job; its result names the map. 409 while another is drawn."""
        data = valid(MapIn(data=request.data))
        job = mapping.start(
            version=selectors.version_to_ask(self.project, data.get("model_version")),
            dataset=dataset_of(self.project, data["dataset"]),
            actor=self.user,
            method=data["method"],
            size=data["size"],
            idempotency_key=idempotency_key(request),
        )
        return Response({"job": job_link(job)}, status=status.HTTP_202_ACCEPTED)


class MapApi(ProjectAPIView):
    """One map."""

    roles = {"GET": Role.ANALYST}

    @extend_schema(
        responses=MapDetailOut,
        parameters=[
            OpenApiParameter("question", str),
            OpenApiParameter("by", str, enum=sorted(SOURCES)),
        ],
    )
    def get(self, request: Request, slug: str, map_id: int) -> Response:  # noqa: ARG002
        """Return the places of the reviews, with gold or predicted answers to a question."""
        drawn = mapping.maps_of(self.project).filter(pk=numbered(map_id)).first()
        if drawn is None:
            raise NotVisible
        ids = [int(pk) for pk, _, _ in drawn.points]
        answers = self._answers(drawn, request, ids)
        there = set(visible_reviews(self.project).filter(pk__in=ids).values_list("pk", flat=True))
        points = [
            {"review": pk, "x": x, "y": y, "answer": answer}
            for (pk, x, y), answer in zip(drawn.points, answers, strict=True)
            if pk in there
        ]
        return Response(dict(MapOut(drawn).data) | {"points": points})

    def _answers(self, drawn: EmbeddingMap, request: Request, ids: list[int]) -> list[Any]:
        key = request.query_params.get("question", "")
        by = request.query_params.get("by", GOLD)
        if by not in SOURCES:
            raise Invalid.of("by", f"{by[:20]!r} is not one of {', '.join(sorted(SOURCES))}.")
        if not key:
            return [None] * len(ids)
        known = {each.key: each for each in questions_to_colour(self.project)}
        if key not in known:
            raise Invalid.of("question", f"{key[:50]!r} is none of {', '.join(known)}.")
        found = answers_for(self.project, drawn.model_version, known[key], by, ids)
        return [sorted(each) if isinstance(each, frozenset) else each for each in found]


class SimilarOut(serializers.Serializer[Any]):
    """One review that is like another."""

    review = serializers.IntegerField()
    cosine = serializers.FloatField()
    text = serializers.CharField()


class SimilarListOut(serializers.Serializer[Any]):
    """The reviews most like one, most alike first, and what they were picked from."""

    model_version = serializers.IntegerField()
    map = serializers.IntegerField()
    compared_count = serializers.IntegerField()
    results = SimilarOut(many=True)


class SimilarApi(ProjectAPIView):
    """The reviews most like one."""

    roles = {"GET": Role.ANALYST}

    @extend_schema(responses=SimilarListOut)
    def get(self, request: Request, slug: str, review_id: int) -> Response:  # noqa: ARG002
        """Return the ten reviews of the newest map most like this one; 409 while there is none."""
        found = alike.alike(self.project, review_of(self.project, numbered(review_id)))
        return Response(
            {
                "model_version": found.version.number,
                "map": found.map.pk,
                "compared_count": found.compared_count,
                "results": [
                    {"review": each.pk, "cosine": round(cosine, 4), "text": each.text}
                    for each, cosine in found.reviews
                ],
            }
        )


class SimilarityOut(serializers.Serializer[Any]):
    """How alike some reviews are: a row and a column a review, in the order given."""

    model_version = serializers.IntegerField()
    reviews = serializers.ListField(child=serializers.IntegerField())
    cosines = serializers.ListField(child=serializers.ListField(child=serializers.FloatField()))


class SimilarityApi(ProjectAPIView):
    """How alike some reviews are."""

    roles = {"GET": Role.ANALYST}

    @extend_schema(
        responses=SimilarityOut, parameters=[OpenApiParameter("reviews", str, required=True)]
    )
    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Return the cosines of 2 to 20 reviews, named as `reviews=1,2,3`."""
        given = request.query_params.get("reviews", "")
        found = alike.together(self.project, alike.numbers_in(given))
        return Response(
            {
                "model_version": found.version.number,
                "reviews": [review.pk for review in found.reviews],
                "cosines": found.cosines.round(4).tolist(),
            }
        )
