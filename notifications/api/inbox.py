"""The inbox: a person's messages, and which of them they have read."""

import uuid
from typing import Any

from django.db import transaction
from django.db.models import Count, IntegerField, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Now
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from notifications.api.person import reader_of
from notifications.models import Message
from notifications.models.message import Reader
from notifications.topics import Topic
from web.bodies import Body, valid
from web.documents import document
from web.paging import page
from web.problems import not_found
from web.schema import PAGING, paged

SHOWN_PARTS = 20
"""How many parts of a digest a list shows."""


class PartSerializer(serializers.Serializer[object]):
    """A message that a digest gathers."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    title = serializers.CharField()
    subject_id = serializers.UUIDField(allow_null=True)
    code = serializers.CharField(allow_blank=True)
    about = serializers.CharField(allow_blank=True)
    seq = serializers.IntegerField(allow_null=True)
    at = serializers.DateTimeField()


class NotificationSerializer(serializers.Serializer[object]):
    """A message in the inbox, in the language in which it was written."""

    id = serializers.UUIDField()
    kind = serializers.CharField(help_text="What happened, for programs; `digest` for a summary of several messages.")
    topic = serializers.ChoiceField(choices=Topic.choices)
    topic_label = serializers.CharField()
    title = serializers.CharField()
    body = serializers.CharField(allow_blank=True)
    language = serializers.CharField()
    urgent = serializers.BooleanField()
    at = serializers.DateTimeField(help_text="When it happened.")
    read_at = serializers.DateTimeField(allow_null=True)
    subject_id = serializers.UUIDField(allow_null=True, help_text="The subject that it is about, such as a ticket.")
    code = serializers.CharField(allow_blank=True, help_text="Its number, for people; empty where there is none.")
    about = serializers.CharField(
        allow_blank=True, help_text="Where and what that is, in a few words, such as a compound and a category."
    )
    seq = serializers.IntegerField(allow_null=True, help_text="The number of the event in that subject's timeline.")
    parts_count = serializers.IntegerField(
        help_text="How many messages a digest gathers; 0 for a message that is none."
    )
    parts = PartSerializer(many=True, help_text="Those, the newest first.")


class UnreadSerializer(serializers.Serializer[object]):
    """How much is unread."""

    count = serializers.IntegerField()
    urgent = serializers.IntegerField(help_text="How many of these are urgent.")


class InboxQuerySerializer(serializers.Serializer[object]):
    """What of the inbox is wanted."""

    unread = serializers.ChoiceField(choices=["true", "false"], default="false", help_text="Only what is unread.")
    topic = serializers.ChoiceField(choices=Topic.choices, required=False)


class ReadAllSerializer(Body):
    """How far I have read."""

    up_to = serializers.UUIDField(
        required=False, allow_null=True, default=None, help_text="The newest message I have seen; else all of them."
    )


def _with_parts(messages: QuerySet[Message], most: int | None) -> QuerySet[Message]:
    parts = Message.objects.order_by("-id")
    count = Message.objects.filter(gathered_into=OuterRef("pk")).order_by().values("gathered_into")
    return messages.annotate(
        parts_count=Coalesce(
            Subquery(count.annotate(count=Count("pk")).values("count"), output_field=IntegerField()), 0
        )
    ).prefetch_related(Prefetch("gathered", parts if most is None else parts[:most], to_attr="parts"))


def _unread(reader: Reader) -> dict[str, int]:
    unread = Message.objects.inbox(reader).filter(read_at=None)
    return unread.aggregate(count=Count("pk"), urgent=Count("pk", filter=Q(urgent=True)))


def _message(one: Any) -> dict[str, object]:
    parts = [document(PartSerializer, part) for part in one.parts]
    return document(NotificationSerializer, one, topic_label=one.get_topic_display(), parts=parts)


class Inbox(APIView):
    """The caller's inbox."""

    @extend_schema(
        operation_id="list_notifications",
        parameters=[InboxQuerySerializer, *PAGING],
        responses={200: paged(NotificationSerializer)},
    )
    def get(self, request: Request) -> Response:
        """What I was told, the newest first; of a digest's parts the first twenty."""
        wanted = valid(InboxQuerySerializer, request.query_params.dict())
        messages = Message.objects.inbox(reader_of(request))
        if wanted["unread"] == "true":
            messages = messages.filter(read_at=None)
        if topic := wanted.get("topic"):
            messages = messages.filter(topic=topic)
        rows = page(request, _with_parts(messages, SHOWN_PARTS), "-id")
        return Response(rows.envelope([_message(one) for one in rows.rows]))


class Unread(APIView):
    """How much the caller has not read."""

    @extend_schema(operation_id="count_unread_notifications", responses={200: UnreadSerializer})
    def get(self, request: Request) -> Response:
        """How many messages I have not read, and how many of them are urgent."""
        return Response(_unread(reader_of(request)))


class Notification(APIView):
    """One message."""

    @extend_schema(operation_id="read_notification", responses={200: NotificationSerializer})
    def get(self, request: Request, id: uuid.UUID) -> Response:
        """One message of mine, a digest with all of its parts; it stays unread until it is marked as read."""
        message = _with_parts(Message.objects.readable(reader_of(request)).filter(pk=id), None).first()
        if message is None:
            raise not_found()
        return Response(_message(message))


class Read(APIView):
    """That a message was read."""

    @extend_schema(operation_id="mark_notification_read", request=None, responses={200: UnreadSerializer})
    def post(self, request: Request, id: uuid.UUID) -> Response:
        """Mark a message of mine as read, a digest with its parts; again does no harm. Answers what is still unread."""
        reader = reader_of(request)
        if not Message.objects.readable(reader).filter(pk=id).exists():
            raise not_found()
        with_parts = Q(pk=id) | Q(gathered_into=id)
        Message.objects.filter(with_parts, person_id=reader.person, read_at=None).update(read_at=Now())
        return Response(_unread(reader))


class ReadAll(APIView):
    """That everything was read."""

    @extend_schema(
        operation_id="mark_all_notifications_read", request=ReadAllSerializer, responses={200: UnreadSerializer}
    )
    def post(self, request: Request) -> Response:
        """Mark all that I have seen as read, and leave what came after `up_to`. Answers what is still unread."""
        asked = valid(ReadAllSerializer, request.data)
        seen = Message.objects.inbox(reader_of(request)).filter(read_at=None)
        if up_to := asked["up_to"]:
            seen = seen.filter(pk__lte=up_to)
        with transaction.atomic():
            Message.objects.filter(gathered_into__in=seen.values("pk"), read_at=None).update(read_at=Now())
            seen.update(read_at=Now())
        return Response(_unread(reader_of(request)))
