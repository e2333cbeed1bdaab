"""Files in pieces over the tus protocol, version 1.0: begin, ask how far, go on, give up.

Browsers use it with their session and programs with a token. Extensions: creation, termination,
checksum, expiration.
"""

import base64
from typing import Any

from django.conf import settings
from django.utils.http import http_date
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.repeats import answered_once
from common.api import IDEMPOTENCY
from common.errors import Conflict, GlossError, Invalid
from projects.api_base import ProjectAPIView
from projects.models import Role
from reviews import drafts, resumable
from reviews.models import Upload

VERSION = "1.0.0"
EXTENSIONS = "creation,termination,checksum,expiration"
_PIECE = "application/offset+octet-stream"
_MAX_NAME = 4_000


class OtherVersion(GlossError):
    """The client speaks another version of the protocol."""

    status = 412
    title = "Precondition failed"


class NotAPiece(GlossError):
    """The body is of a type that is no piece of a file."""

    status = 415
    title = "Unsupported media type"


class UploadOut(serializers.Serializer[Upload]):
    """A file on its way, or one that has arrived."""

    id = serializers.IntegerField()
    name = serializers.CharField(source="original_name")
    byte_count = serializers.IntegerField()
    received_count = serializers.IntegerField()
    is_complete = serializers.BooleanField()
    sha256 = serializers.CharField()
    created_at = serializers.DateTimeField()


class UploadApiView(ProjectAPIView):
    """What the requests of the protocol share."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Open the door, then refuse a version that is not spoken here."""
        super().initial(request, *args, **kwargs)
        asked = request.headers.get("Tus-Resumable", VERSION)
        if asked != VERSION and request.method != "OPTIONS":
            raise OtherVersion(f"The version of tus spoken here is {VERSION}, not {asked[:20]!r}.")

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Say which version was spoken."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer["Tus-Resumable"] = VERSION
        answer["Cache-Control"] = "no-store"
        if answer.status_code == OtherVersion.status:
            answer["Tus-Version"] = VERSION
        return answer

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:  # noqa: ARG002
        """Say what is understood."""
        return Response(
            status=status.HTTP_204_NO_CONTENT,
            headers={
                "Tus-Version": VERSION,
                "Tus-Extension": EXTENSIONS,
                "Tus-Max-Size": str(settings.GLOSS_UPLOAD_MAX_BYTES),
                "Tus-Checksum-Algorithm": ",".join(resumable.ALGORITHMS),
            },
        )


class UploadListApi(UploadApiView):
    """Where uploads begin."""

    roles = {"POST": Role.ANALYST}

    @extend_schema(
        request=None,
        responses={201: UploadOut},
        parameters=[
            OpenApiParameter("Upload-Length", int, OpenApiParameter.HEADER, required=True),
            OpenApiParameter(
                "Upload-Metadata",
                str,
                OpenApiParameter.HEADER,
                description="`filename` and its value in base64.",
            ),
            IDEMPOTENCY,
        ],
    )
    def post(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Begin an upload (tus creation); its pieces go to the Location that is answered."""
        return answered_once(request, lambda: self._begin(request))

    def _begin(self, request: Request) -> Response:
        if "Upload-Defer-Length" in request.headers:
            raise Invalid.of("Upload-Length", "Say how long the file is; it cannot be deferred.")
        upload = resumable.begin_upload(
            project=self.project,
            name=_name(request.headers.get("Upload-Metadata", "")),
            byte_count=_number(request, "Upload-Length"),
            actor=self.user,
        )
        location = request.build_absolute_uri(f"{request.path}{upload.pk}/")
        headers = {"Location": location, **_progress(upload)}
        return Response(UploadOut(upload).data, status=status.HTTP_201_CREATED, headers=headers)


class UploadApi(UploadApiView):
    """One upload."""

    roles = {
        "GET": Role.ANALYST,
        "HEAD": Role.ANALYST,
        "PATCH": Role.ANALYST,
        "DELETE": Role.ANALYST,
    }

    @extend_schema(operation_id="uploads_retrieve", responses=UploadOut)
    def get(self, request: Request, slug: str, upload_id: int) -> Response:  # noqa: ARG002
        """Return what has arrived."""
        upload = drafts.upload_of(self.project, self.user, upload_id)
        return Response(UploadOut(upload).data, headers=_progress(upload))

    def head(self, request: Request, slug: str, upload_id: int) -> Response:  # noqa: ARG002
        """Say how far the upload is (tus)."""
        upload = drafts.own_upload_of(self.project, self.user, upload_id)
        headers = {**_progress(upload), "Upload-Length": str(upload.byte_count)}
        return Response(status=status.HTTP_200_OK, headers=headers)

    @extend_schema(
        request={_PIECE: OpenApiTypes.BINARY},
        responses={204: None},
        parameters=[
            OpenApiParameter("Upload-Offset", int, OpenApiParameter.HEADER, required=True),
            OpenApiParameter("Upload-Checksum", str, OpenApiParameter.HEADER),
        ],
    )
    def patch(self, request: Request, slug: str, upload_id: int) -> Response:  # noqa: ARG002
        """Add bytes at the offset where the upload stands (tus)."""
        upload = drafts.own_upload_of(self.project, self.user, upload_id)
        if (request.content_type or "").partition(";")[0].strip() != _PIECE:
            raise NotAPiece(f"A piece of a file is sent as {_PIECE}.")
        upload = resumable.append(
            upload=upload,
            offset=_number(request, "Upload-Offset"),
            # Straight from the connection: a parser would want to see all of it.
            read=request._request.read,  # noqa: SLF001
            size=_number(request, "Content-Length"),
            checksum=_checksum(request.headers.get("Upload-Checksum", "")),
        )
        return Response(status=status.HTTP_204_NO_CONTENT, headers=_progress(upload))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, slug: str, upload_id: int) -> Response:  # noqa: ARG002
        """Remove an upload that nothing uses (tus termination)."""
        upload = drafts.own_upload_of(self.project, self.user, upload_id)
        if not resumable.discard_unused(upload_ids=[upload.pk]):
            raise Conflict("A data set or a prediction was made of this file; it stays with it.")
        return Response(status=status.HTTP_204_NO_CONTENT)


def _progress(upload: Upload) -> dict[str, str]:
    headers = {"Upload-Offset": str(upload.received_count)}
    if not upload.is_complete:
        headers["Upload-Expires"] = http_date(resumable.expires_at(upload).timestamp())
    return headers


def _number(request: Request, name: str) -> int:
    raw = request.headers.get(name, "")
    # Databases hold numbers in 63 bits.
    if not (raw.isascii() and raw.isdigit() and len(raw) < 19):
        raise Invalid.of(name, f"{name} is a number of bytes, not {raw[:30]!r}.")
    return int(raw)


def _name(metadata: str) -> str:
    """Return the file's name from a list of `key base64` pairs."""
    for pair in metadata[:_MAX_NAME].split(","):
        key, _, value = pair.strip().partition(" ")
        if key in {"filename", "name"}:
            try:
                return base64.b64decode(value, validate=True).decode("utf-8", "replace")
            except ValueError as error:  # binascii.Error is one, and letters beyond ASCII another
                raise Invalid.of("Upload-Metadata", f"The value of {key} is no base64.") from error
    return ""


def _checksum(raw: str) -> resumable.Checksum | None:
    if not raw:
        return None
    algorithm, _, digest = raw.partition(" ")
    return resumable.Checksum(algorithm, digest.strip())
