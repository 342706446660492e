"""A person's notification settings: topics by channels, quiet hours, digests."""

import uuid
from functools import reduce
from operator import or_
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from notifications.api.person import person_of
from notifications.channels import channels
from notifications.models import Message, Preference, Profile
from notifications.models.preferences import CHOSEN, INBOX
from notifications.preferences import ALWAYS, URGENT_DEFAULTS, Preferences, save
from notifications.topics import Digest, Topic
from web.bodies import Body, valid
from web.problems import Fault, invalid
from web.words import bilingual

_MUST_BE_TOLD = bilingual(
    "需要您办理的事项会一直出现在站内信中，不能关闭。", "What you have to act on always comes to your inbox."
)
_NAMED_TWICE = bilingual("同一项出现了两次。", "The same one is named twice.")


@extend_schema_field({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"})
class TimeOfDay(serializers.TimeField):
    """An hour and a minute of the server's time zone, as 22:00."""

    def __init__(self, **options: Any):
        super().__init__(format="%H:%M", input_formats=["%H:%M"], **options)


class ReachedBySerializer(serializers.Serializer[object]):
    """A channel, and whether this server has it."""

    channel = serializers.ChoiceField(choices=CHOSEN)
    channel_label = serializers.CharField()
    available = serializers.BooleanField(help_text="Whether this server sends anything by it.")


class PreferenceSerializer(serializers.Serializer[object]):
    """Whether I hear of a topic by a channel."""

    topic = serializers.ChoiceField(choices=Topic.choices)
    topic_label = serializers.CharField()
    channel = serializers.ChoiceField(choices=CHOSEN)
    wanted = serializers.BooleanField()
    default = serializers.BooleanField(help_text="Whether that is so by default: I have said neither yes nor no.")
    urgent_too = serializers.BooleanField(
        help_text="Not wanted by default, and yet what is urgent comes by it until I say no."
    )
    fixed = serializers.BooleanField(help_text="It cannot be declined.")


class SettingsSerializer(serializers.Serializer[object]):
    """How I am reached."""

    email = serializers.CharField(allow_blank=True, help_text="My confirmed e-mail address; empty where I have none.")
    quiet_from = TimeOfDay(help_text="From then on only what is urgent leaves the house.")
    quiet_until = TimeOfDay(help_text="Until then; the same as `quiet_from` for no quiet hours.")
    digest = serializers.ChoiceField(choices=Digest.choices)
    channels = ReachedBySerializer(many=True)
    preferences = PreferenceSerializer(many=True)


class WishSerializer(Body):
    """One thing that I change."""

    topic = serializers.ChoiceField(choices=Topic.choices)
    channel = serializers.ChoiceField(choices=CHOSEN)
    wanted = serializers.BooleanField(allow_null=True, help_text="Null goes back to the default.")


class SettingsPatchSerializer(Body):
    """What I change; the rest stays as it is."""

    quiet_from = TimeOfDay(required=False)
    quiet_until = TimeOfDay(required=False)
    digest = serializers.ChoiceField(choices=Digest.choices, required=False)
    preferences = WishSerializer(many=True, required=False, max_length=len(Topic) * len(CHOSEN))  # type: ignore[call-arg]

    def validate_preferences(self, choices: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Each once, and nothing that cannot be declined."""
        named = set()
        for position, choice in enumerate(choices):
            cell = Topic(choice["topic"]), choice["channel"]
            if cell in named:
                raise invalid(Fault(f"preferences.{position}", "named_twice", _NAMED_TWICE))
            if cell in ALWAYS and choice["wanted"] is False:
                raise invalid(Fault(f"preferences.{position}.wanted", "must_be_told", _MUST_BE_TOLD))
            named.add(cell)
        return choices


def settings_of(person: uuid.UUID) -> dict[str, object]:
    """How the person is reached, as the API says it."""
    preferences = Preferences([person])
    profile = preferences.profile(person)
    return {
        "email": profile.email if profile.email_confirmed_at else "",
        "quiet_from": f"{profile.quiet_from:%H:%M}",
        "quiet_until": f"{profile.quiet_until:%H:%M}",
        "digest": profile.digest,
        "channels": [
            {"channel": name, "channel_label": label, "available": name == INBOX or name in channels()}
            for name, label in CHOSEN
        ],
        "preferences": [
            {
                "topic": topic,
                "topic_label": topic.label,
                "channel": channel,
                "wanted": preferences.wants(person, topic, channel),
                "default": not preferences.has_chosen(person, topic, channel),
                "urgent_too": not preferences.has_chosen(person, topic, channel)
                and channel in URGENT_DEFAULTS.get(topic, ()),
                "fixed": (topic, channel) in ALWAYS,
            }
            for topic in Topic
            for channel, _ in CHOSEN
        ],
    }


class Settings(APIView):
    """How the caller is reached."""

    @extend_schema(operation_id="read_notification_settings", responses={200: SettingsSerializer})
    def get(self, request: Request) -> Response:
        """How I am reached: by which channels I hear of what, when, and how often. The language is in `me`."""
        return Response(settings_of(person_of(request)))

    @extend_schema(
        operation_id="change_notification_settings",
        request=SettingsPatchSerializer,
        responses={200: SettingsSerializer},
    )
    def patch(self, request: Request) -> Response:
        """Change how I am reached; what is not named stays as it is."""
        _change(person_of(request), valid(SettingsPatchSerializer, request.data))
        return Response(settings_of(person_of(request)))


def _change(person: uuid.UUID, asked: dict[str, Any]) -> None:
    choices = asked.get("preferences", [])
    profile: dict[str, object] = {
        name: asked[name] for name in ("quiet_from", "quiet_until", "digest") if name in asked
    }
    with transaction.atomic():
        if profile:
            Profile.objects.update_or_create(person_id=person, defaults=profile)
        if "digest" in profile:
            # What was held the old way is gathered at once, rather than tomorrow morning.
            Message.objects.held().filter(person_id=person).update(held_until=timezone.now())
        if taken_back := [Q(topic=one["topic"], channel=one["channel"]) for one in choices if one["wanted"] is None]:
            Preference.objects.filter(reduce(or_, taken_back), person_id=person).delete()
        said = (one for one in choices if one["wanted"] is not None)
        save(person, ((one["topic"], one["channel"], one["wanted"]) for one in said))
