"""Photos over HTTP: a file comes in before the move that attaches it, and goes out only to who may see its ticket."""

import uuid
from functools import partial
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from community.authentication import caller_of
from tickets import photos
from tickets.access import shows_photo
from tickets.imaging import MAX_BYTES, Busy, PhotoRefused
from tickets.models import Photo, Ticket
from tickets.models.photo import PhotoKind
from tickets.queries import visible_ticket
from tickets.reading import document
from web import identifiers as identifiers  # registers <id:…>
from web.bodies import valid
from web.idempotency import write_once
from web.limits import Limit
from web.problems import Problem, not_found
from web.schema import IDEMPOTENCY_KEY
from web.stored import stored
from web.words import bilingual
from workflow.actor import Actor

# The file, and room for the other field and the borders between the parts.
MAX_BODY = MAX_BYTES + 64 * 1024

STATUSES = {"too_large": 413, "not_a_picture": 415, "too_many_pixels": 422, "too_costly": 422, "broken": 422}
_BUSY = bilingual("正在处理的照片较多，请稍后再传。", "Many photos are being read; send it again in a moment.")

HEADERS = {"Content-Type": "image/jpeg", "Content-Disposition": "inline"}


class UploadLimit(Limit):
    """Drawing a picture anew takes a processor for half a second."""

    scope = "photos"
    requests = 30
    seconds = 60


@extend_schema_field(OpenApiTypes.BINARY)
class UploadedFile(serializers.FileField):
    """A file as it comes in; answers would give its address instead."""


class UploadSerializer(serializers.Serializer[object]):
    """One file and what it shows."""

    file = UploadedFile(allow_empty_file=True, help_text="JPEG, PNG, WebP or HEIC; at most 15 MB.")
    kind = serializers.ChoiceField(
        choices=PhotoKind.choices,
        default=PhotoKind.REPORT,
        help_text="What it is meant to show; the move that attaches it says so for good.",
    )


class PhotoSerializer(serializers.Serializer[object]):
    """A photo as it is kept; width and height are those of the picture at `url`."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=PhotoKind.choices)
    url = serializers.CharField()
    thumb = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()


class PhotoUpload(APIView):
    """Take one photo; moves then name it by its id. What no move names within 24 hours is deleted."""

    parser_classes = [MultiPartParser]
    throttle_classes = [UploadLimit]

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        """Refuse a body that is too large before anything reads it, the CSRF check included."""
        try:
            length = int(request.META.get("CONTENT_LENGTH") or 0)
        except ValueError:
            length = 0
        if length > MAX_BODY:
            raise refused(PhotoRefused.too_large())
        super().initial(request, *args, **kwargs)

    @extend_schema(
        operation_id="photos_create",
        parameters=[IDEMPOTENCY_KEY],
        request={"multipart/form-data": UploadSerializer},
        responses={201: PhotoSerializer},
    )
    def post(self, request: Request) -> HttpResponse:
        """Keep the file and say where it can be seen."""
        given = valid(UploadSerializer, request.data)
        try:
            photo = photos.take(given["file"], kind=given["kind"], uploader=caller_of(request).person.pk)
        except PhotoRefused as refusal:
            raise refused(refusal) from refusal
        except Busy as busy:
            raise Problem("busy", 503, detail=_BUSY, headers={"Retry-After": "5"}) from busy
        # A repeated request is answered with the first one's photo, and this one is purged unseen.
        return write_once(request, lambda: Response(_document(photo), status=201), partial(_of_before, request))


OCTETS = "application/octet-stream"


class PictureNegotiation(DefaultContentNegotiation):
    """A picture is answered to whatever `Accept` says, and a problem is a document."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> tuple[Any, str]:
        """The first renderer, which writes the problems."""
        return renderers[0], renderers[0].media_type


class PhotoFile(APIView):
    """One of a photo's two pictures."""

    content_negotiation_class = PictureNegotiation
    thumb = False

    @extend_schema(responses={(200, "image/jpeg"): bytes, (200, OCTETS): bytes})
    def get(self, request: Request, photo_id: uuid.UUID) -> HttpResponseBase:
        """The JPEG; the same 404 for a photo that is absent and for one the caller may not see."""
        photo = Photo.objects.filter(pk=photo_id).first()
        if photo is None or not may_see(photo, caller_of(request).actor):
            raise not_found()
        picture = _picture(photo.thumb if self.thumb else photo.full)
        if request.headers.get("Accept") == OCTETS:
            # What a program asks for that knows bytes and no pictures.
            picture["Content-Type"] = OCTETS
        return picture


def may_see(photo: Photo, actor: Actor) -> bool:
    """Whether the actor may see it: the uploader until it is attached, then those to whom the ticket shows it."""
    if photo.ticket_id is None:
        return actor.person_id is not None and photo.uploader_id == actor.person_id
    try:
        ticket = visible_ticket(photo.ticket_id, actor)
    except Ticket.DoesNotExist:
        return False
    return shows_photo(photo, ticket, actor)


def _of_before(request: Request, kept: dict[str, Any]) -> dict[str, object]:
    """The answer to an earlier upload, as long as the caller may see the photo."""
    photo = Photo.objects.filter(pk=kept["id"]).first()
    if photo is None or not may_see(photo, caller_of(request).actor):
        raise not_found()
    return kept


def refused(refusal: PhotoRefused) -> Problem:
    """The refusal as a problem: 413 too large, 415 not a picture, 422 broken, too costly to read or with too many pixels."""
    return Problem(refusal.code, STATUSES[refusal.code], detail=refusal.reason)


def _document(photo: Photo) -> dict[str, object]:
    return document.photo(photo) | {"width": photo.width, "height": photo.height}


def _picture(name: str) -> HttpResponseBase:
    try:
        return stored(name, HEADERS)
    except FileNotFoundError:
        raise not_found() from None


urlpatterns = [
    path("photos", PhotoUpload.as_view(), name="photos"),
    path("photos/<id:photo_id>", PhotoFile.as_view(), name="photo"),
    path("photos/<id:photo_id>/thumb", PhotoFile.as_view(thumb=True), name="photo-thumb"),
]
