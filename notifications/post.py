"""The letterbox: `post` turns letters into messages and deliveries, in the caller's transaction, and sends nothing."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from notifications.channels import channels
from notifications.models import Delivery, Endpoint, Message, Preference, Profile, Robot
from notifications.models.choices import INBOX
from notifications.models.wording import TEXT
from notifications.timing import after_quiet
from notifications.topics import ChannelName, Topic
from notifications.wording import Catalogue, Writer


@dataclass(frozen=True, slots=True)
class Addressee:
    """A person whom a letter is for, and the language that they read."""

    person_id: uuid.UUID
    language: str = "zh-hans"


@dataclass(frozen=True, slots=True)
class Letter:
    """News of one event for everybody to whom it is told in the same words.

    `key` is the event, `facts` what the wording's placeholders stand for (lazy words are said in each reader's language),
    `organisations` those whose robots hear it. `urgent` passes quiet hours and digests. Of two letters about one event to the
    same recipient the first counts.
    """

    key: uuid.UUID
    street_id: uuid.UUID
    kind: str
    topic: Topic
    at: datetime
    facts: Mapping[str, Any]
    people: Sequence[Addressee] = ()
    organisations: Sequence[uuid.UUID] = ()
    subject_id: uuid.UUID | None = None
    seq: int | None = None
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Signal:
    """That an event happened, for the systems of the `organisations` concerned: its `type`, and `data` without words or names."""

    key: uuid.UUID
    street_id: uuid.UUID
    type: str
    at: datetime
    organisations: Sequence[uuid.UUID]
    data: Mapping[str, Any]
    subject_id: uuid.UUID
    seq: int


@dataclass(slots=True)
class Posted:
    """What was written: how many messages, and the channels that have something to send now."""

    messages: int = 0
    channels: set[ChannelName] = field(default_factory=set)


# By which channels a topic reaches people who have not said otherwise, besides the inbox. A fallback follows where one is not wanted.
DEFAULTS: Mapping[Topic, frozenset[str]] = {
    Topic.ASKED: frozenset({INBOX, ChannelName.EMAIL, ChannelName.WECHAT, ChannelName.SMS}),
    Topic.PROGRESS: frozenset({INBOX, ChannelName.EMAIL, ChannelName.WECHAT}),
    Topic.WORK: frozenset({INBOX, ChannelName.EMAIL, ChannelName.WECHAT}),
    Topic.REMINDER: frozenset({INBOX, ChannelName.EMAIL, ChannelName.WECHAT}),
    Topic.OVERSIGHT: frozenset({INBOX, ChannelName.EMAIL, ChannelName.WECHAT}),
}


def post(letters: Sequence[Letter], signals: Sequence[Signal], catalogue: Catalogue) -> Posted:
    """Write what `letters` and `signals` say to everybody concerned; an event that was posted before is not posted again.

    Call it in the transaction that takes the event out of its outbox.
    """
    return _Posting(letters, signals, catalogue).write()


class _Posting:
    """One call of `post`, with what it read of everybody concerned."""

    def __init__(self, letters: Sequence[Letter], signals: Sequence[Signal], catalogue: Catalogue):
        self.letters, self.signals = letters, signals
        self.now = timezone.now()
        told: list[Letter | Signal] = [*letters, *signals]
        streets = {one.street_id for one in told}
        people = {one.person_id for letter in letters for one in letter.people}
        self.writer = Writer(catalogue, streets)
        self.profiles = Profile.objects.in_bulk(people) if people else {}
        chosen = Preference.objects.filter(person__in=people).values_list("person", "topic", "channel", "wanted")
        self.chosen = {(person, topic, channel): wanted for person, topic, channel, wanted in chosen} if people else {}
        keys = {one.key for one in told}
        self.there = set(Message.objects.filter(key__in=keys).values_list("key", "recipient"))
        self.messages: list[Message] = []
        self.deliveries: list[Delivery] = []

    def write(self) -> Posted:
        self._letters()
        self._robots()
        self._signals()
        ids = iter(_ids(len(self.messages) + len(self.deliveries)))
        for row in (*self.messages, *self.deliveries):
            row.id = next(ids)
        Message.objects.bulk_create(self.messages)
        for delivery in self.deliveries:
            delivery.message_id = delivery.message.id
        Delivery.objects.bulk_create(self.deliveries)
        due = {ChannelName(one.channel) for one in self.deliveries if one.available_at <= self.now}
        return Posted(len(self.messages), due)

    def _letters(self) -> None:
        for letter in self.letters:
            for language in dict.fromkeys(one.language for one in letter.people):
                readers = [one.person_id for one in letter.people if one.language == language]
                self._tell(letter, language, [one for one in readers if self._first(letter.key, one)])

    def _first(self, key: uuid.UUID, recipient: uuid.UUID) -> bool:
        known = (key, recipient) in self.there
        self.there.add((key, recipient))
        return not known

    def _tell(self, letter: Letter, language: str, people: Iterable[uuid.UUID]) -> None:
        people = list(people)
        if not people:
            return
        text = self.writer.content(letter.street_id, letter.kind, TEXT, language, letter.facts)
        assert text is not None
        ways = self._ways(letter, language, people)
        for person in people:
            message = self._message(letter, person, text, person=person, inbox=self._wants(person, letter.topic, INBOX))
            open_ways = [
                (name, content)
                for name, (content, reachable) in ways.items()
                if person in reachable and self._wants(person, letter.topic, name)
            ]
            self._send_to_person(message, letter, open_ways)

    def _send_to_person(
        self, message: Message, letter: Letter, ways: Sequence[tuple[ChannelName, dict[str, Any]]]
    ) -> None:
        """One delivery by e-mail; one by WeChat, else by SMS, which is what follows where WeChat is not wanted."""
        profile = self.profiles.get(message.person_id)
        at = self.now
        if not letter.urgent:
            quiet = profile or Profile()
            at = after_quiet(self.now, quiet.quiet_from, quiet.quiet_until)
        chain = [(name, content) for name, content in ways if name != ChannelName.EMAIL]
        for name, content in ways:
            if name == ChannelName.EMAIL:
                self._deliver(message, name, content, at)
        if chain:
            (name, content), *rest = chain
            following = [{"channel": str(channel), "content": words} for channel, words in rest]
            self._deliver(message, name, content, at, following)

    def _ways(
        self, letter: Letter, language: str, people: Sequence[uuid.UUID]
    ) -> dict[ChannelName, tuple[dict[str, Any], set[uuid.UUID]]]:
        """The channels of people in the order in which they are tried, each with its content and whom it reaches."""
        found = {}
        for name in (ChannelName.EMAIL, ChannelName.WECHAT, ChannelName.SMS):
            channel = channels().get(name)
            if channel is None or not any(self._wants(person, letter.topic, name) for person in people):
                continue
            content = self.writer.content(letter.street_id, letter.kind, channel.shape, language, letter.facts)
            if content is not None:
                found[name] = content, channel.reachable(people, content)
        return found

    def _wants(self, person: uuid.UUID, topic: Topic, channel: str) -> bool:
        return self.chosen.get((person, str(topic), str(channel)), channel in DEFAULTS[topic])

    def _robots(self) -> None:
        concerned = {one for letter in self.letters for one in letter.organisations}
        if not concerned:
            return
        robots = list(Robot.objects.filter(active=True, organisation_id__in=concerned))
        for letter in self.letters:
            for robot in robots:
                speaks = not robot.topics or letter.topic in robot.topics
                if (
                    robot.street_id != letter.street_id
                    or robot.organisation_id not in letter.organisations
                    or not speaks
                ):
                    continue
                if (channel := channels().get(ChannelName(robot.vendor))) is None or not self._first(
                    letter.key, robot.id
                ):
                    continue
                text = self.writer.content(letter.street_id, letter.kind, TEXT, "zh-hans", letter.facts)
                assert text is not None
                message = self._message(letter, robot.id, text)
                self._deliver(message, channel.name, text, self.now)

    def _signals(self) -> None:
        concerned = {one for signal in self.signals for one in signal.organisations}
        if not concerned or ChannelName.WEBHOOK not in channels():
            return
        endpoints = list(Endpoint.objects.filter(active=True, organisation_id__in=concerned))
        for signal in self.signals:
            for endpoint in endpoints:
                hears = not endpoint.types or signal.type in endpoint.types
                if (
                    endpoint.street_id != signal.street_id
                    or endpoint.organisation_id not in signal.organisations
                    or not hears
                ):
                    continue
                if self._first(signal.key, endpoint.id):
                    self._signal(signal, endpoint)

    def _signal(self, signal: Signal, endpoint: Endpoint) -> None:
        message = Message(
            street_id=signal.street_id,
            key=signal.key,
            recipient=endpoint.id,
            kind=signal.type,
            topic=Topic.PROGRESS,
            subject_id=signal.subject_id,
            seq=signal.seq,
            title=signal.type,
            body="",
            at=signal.at,
            created_at=self.now,
        )
        self.messages.append(message)
        content = {"type": signal.type, "timestamp": signal.at.isoformat(), "data": dict(signal.data)}
        self._deliver(message, ChannelName.WEBHOOK, content, self.now)

    def _message(
        self,
        letter: Letter,
        recipient: uuid.UUID,
        text: Mapping[str, Any],
        *,
        person: uuid.UUID | None = None,
        inbox: bool = False,
    ) -> Message:
        message = Message(
            street_id=letter.street_id,
            key=letter.key,
            recipient=recipient,
            person_id=person,
            kind=letter.kind,
            topic=letter.topic,
            subject_id=letter.subject_id,
            seq=letter.seq,
            title=text["title"],
            body=text["body"],
            urgent=letter.urgent,
            at=letter.at,
            created_at=self.now,
            inbox=inbox,
        )
        self.messages.append(message)
        return message

    def _deliver(
        self,
        message: Message,
        channel: ChannelName,
        content: Mapping[str, Any],
        at: datetime,
        fallback: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self.deliveries.append(
            Delivery(
                street_id=message.street_id,
                message=message,
                channel=channel,
                recipient=message.recipient,
                content=dict(content),
                fallback=list(fallback),
                urgent=message.urgent,
                available_at=at,
                created_at=self.now,
            )
        )


def _ids(count: int) -> list[uuid.UUID]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT uuidv7() FROM generate_series(1, %s)", [count])
        return [row[0] for row in cursor.fetchall()]
