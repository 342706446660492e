"""The channels by which people get each topic: their own choice, otherwise the default."""

import uuid
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from django.contrib.auth import get_user_model

from notifications.models import Preference, Profile
from notifications.models.preferences import INBOX
from notifications.timing import after_quiet
from notifications.topics import ChannelName, Digest, Topic

FREE = frozenset({INBOX, ChannelName.EMAIL, ChannelName.WECHAT})
DEFAULTS: Mapping[Topic, frozenset[str]] = {
    # Each text message costs the street money. By default only a person who is asked for something gets one.
    Topic.ASKED: FREE | {ChannelName.SMS},
    Topic.PROGRESS: FREE,
    Topic.WORK: FREE,
    Topic.REMINDER: FREE,
    Topic.OVERSIGHT: FREE,
}
URGENT_DEFAULTS: Mapping[Topic, frozenset[str]] = {Topic.WORK: frozenset({ChannelName.SMS})}
"""Further channels of a topic's urgent messages, unless the person has switched them off."""
ALWAYS = frozenset({(Topic.ASKED, INBOX), (Topic.WORK, INBOX)})
"""What cannot be switched off: a person who must act gets at least the inbox message."""


class Preferences:
    """The preferences of some people, read in three statements however many they are. Inactive people want nothing."""

    def __init__(self, people: Collection[uuid.UUID]):
        active = get_user_model().objects.filter(pk__in=people, is_active=True).values_list("pk", flat=True)
        self.active: frozenset[uuid.UUID] = frozenset(active)
        self._profiles = Profile.objects.in_bulk(self.active)
        chosen = Preference.objects.filter(person__in=self.active).values_list("person", "topic", "channel", "wanted")
        self._chosen = {(person, topic, channel): wanted for person, topic, channel, wanted in chosen}

    def wants(self, person: uuid.UUID, topic: Topic, channel: str, *, urgent: bool = False) -> bool:
        """Whether the person gets the topic by the channel (or INBOX)."""
        if person not in self.active:
            return False
        if (topic, channel) in ALWAYS:
            return True
        default = channel in DEFAULTS[topic] or (urgent and channel in URGENT_DEFAULTS.get(topic, ()))
        return self._chosen.get((person, str(topic), str(channel)), default)

    def has_chosen(self, person: uuid.UUID, topic: Topic, channel: str) -> bool:
        """Whether the person has chosen for this topic and channel, so that the default is not used."""
        return (topic, channel) not in ALWAYS and (person, str(topic), str(channel)) in self._chosen

    def after_quiet(self, person: uuid.UUID, now: datetime) -> datetime:
        """`now`, or the end of the person's quiet hours."""
        profile = self.profile(person)
        return after_quiet(now, profile.quiet_from, profile.quiet_until)

    def digest(self, person: uuid.UUID) -> Digest:
        """How often the person wants a summary."""
        return Digest(self.profile(person).digest)

    def profile(self, person: uuid.UUID) -> Profile:
        """The person's settings; the defaults where there are none."""
        return self._profiles.get(person) or Profile(person_id=person)


def save(person: uuid.UUID, preferences: Iterable[tuple[Topic, str, bool]]) -> None:
    """Store whether the person wants each topic by its channel, in place of what they chose before."""
    Preference.objects.bulk_create(
        [
            Preference(person_id=person, topic=topic, channel=channel, wanted=wanted)
            for topic, channel, wanted in preferences
        ],
        update_conflicts=True,
        update_fields=["wanted"],
        unique_fields=["person", "topic", "channel"],
    )
