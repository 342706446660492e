"""Writing messages and their deliveries for events, in the caller's transaction. Nothing is sent here."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, F, Min, Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import override

from notifications.channels import channels
from notifications.models import Delivery, Endpoint, Message, Robot
from notifications.models.message import ABOUT_LENGTH
from notifications.models.preferences import INBOX, QUIET_FROM, QUIET_UNTIL
from notifications.models.wording import GROUP_LANGUAGE, TEXT
from notifications.preferences import Preferences
from notifications.timing import LATELY, OLD, after_quiet, held_until
from notifications.topics import ChannelName, Digest, Topic
from notifications.wordings.digest import KIND
from notifications.wordings.facts import MessageFacts
from notifications.wordings.writer import Catalogue, Content, Writer
from web.models import new_ids

type Way = tuple[ChannelName, Content]
"""A channel, and the content that it would send."""

PERSONAL_ORDER = (ChannelName.EMAIL, ChannelName.WECHAT, ChannelName.SMS)
"""The channels to people, in the order in which they are tried."""
FEW = 3
"""Messages that a person gets one by one within LATELY. Urgent messages do not count; later ones wait for a digest."""
_AT_ONCE = 10_000
"""Rows that one statement inserts, at most: few enough to stay far below the statement timeout."""


@dataclass(frozen=True, slots=True)
class Addressee:
    """A person who gets a letter, and the language that they read."""

    person_id: uuid.UUID
    language: str = "zh-hans"


@dataclass(frozen=True, slots=True)
class Letter:
    """A message about one event, for all people and robots that get it in the same words.

    `key` is the event's id. `facts` fill the wording's placeholders; `code` among them is the number of the subject.
    `about` says where and what it is in a few words. Lazy strings are translated for each reader. The robots of
    `organisations` get it, too. An `urgent` letter ignores quiet hours and digests. Of two letters about one event to
    the same recipient the first is used.
    """

    key: uuid.UUID
    street_id: uuid.UUID
    kind: str
    topic: Topic
    at: datetime
    facts: MessageFacts
    people: Sequence[Addressee] = ()
    organisations: Sequence[uuid.UUID] = ()
    subject_type: str = ""
    subject_id: uuid.UUID | None = None
    seq: int | None = None
    urgent: bool = False
    about: str | Promise = ""


@dataclass(frozen=True, slots=True)
class Signal:
    """An event for the webhooks of `organisations`: its `type`, and `data` without words or names."""

    key: uuid.UUID
    street_id: uuid.UUID
    type: str
    at: datetime
    organisations: Sequence[uuid.UUID]
    data: Mapping[str, object]
    subject_type: str
    subject_id: uuid.UUID
    seq: int


@dataclass(slots=True)
class Posted:
    """How many messages were written, and the channels that have something to send now."""

    messages: int = 0
    channels: set[ChannelName] = field(default_factory=set)


def post(
    letters: Sequence[Letter], signals: Sequence[Signal], catalogue: Catalogue, *, now: datetime | None = None
) -> Posted:
    """Write the messages and deliveries of `letters` and `signals`. Events that were posted before are not posted again.

    `now` is the moment for quiet hours and digests; None means the present. A letter that is older than OLD goes to
    inboxes only; signals are sent whatever their age. Call it in the transaction that removes the event from its
    outbox. Where two callers post one event at the same time, the second transaction fails (IntegrityError), and a
    retry finds everything written. The number of statements does not grow with letters and people.
    """
    return _Posting(letters, signals, catalogue, now or timezone.now()).write()


def reach(message: Message, ways: Sequence[Way], at: datetime) -> list[Delivery]:
    """The deliveries of a person's message, due at `at`: one by e-mail, and one push.

    The push uses the first of the other `ways`. The rest are its fallbacks, for a person who does not want that
    channel.
    """
    email = [(name, {**content, **_subject(message, content)}) for name, content in ways if name == ChannelName.EMAIL]
    push = [(name, content) for name, content in ways if name != ChannelName.EMAIL]
    made = [_delivery(message, name, content, at) for name, content in email]
    if push:
        (name, content), *rest = push
        following = [{"channel": str(channel), "content": words} for channel, words in rest]
        made.append(_delivery(message, name, content, at, following))
    return made


def _subject(message: Message, content: Content) -> Content:
    """A mail's subject: the title with the code, the place and the matter, so that mails in a list differ."""
    title = content.get("title", "")
    more = " ".join(one for one in (message.code, message.about) if one and one not in title)
    return {"subject": f"{title} · {more}"} if more else {}


def write(messages: Sequence[Message], deliveries: Sequence[Delivery]) -> None:
    """Insert messages and deliveries, with ids that rise in their order."""
    rows = [*messages, *deliveries]
    for row, id in zip(rows, new_ids(len(rows)), strict=True):
        row.id = id
    Message.objects.bulk_create(messages, batch_size=_AT_ONCE)
    for delivery in deliveries:
        delivery.message_id = delivery.message.id
    Delivery.objects.bulk_create(deliveries, batch_size=_AT_ONCE)


def _delivery(
    message: Message,
    channel: ChannelName,
    content: Mapping[str, object],
    at: datetime,
    fallback: Sequence[Mapping[str, object]] = (),
) -> Delivery:
    return Delivery(
        street_id=message.street_id,
        message=message,
        channel=channel,
        recipient=message.recipient,
        content=dict(content),
        fallback=list(fallback),
        urgent=message.urgent,
        available_at=at,
        created_at=message.created_at,
    )


class Reach:
    """Who can be reached by a channel. It is queried once per channel and template for all people of a batch."""

    def __init__(self, people: Collection[uuid.UUID]):
        self._people = people
        self._known: dict[tuple[ChannelName, str], set[uuid.UUID]] = {}

    def __call__(self, name: ChannelName, content: Content) -> set[uuid.UUID]:
        """The people to whom the channel can deliver the content."""
        asked = name, content.get("template", "")
        if asked not in self._known:
            self._known[asked] = channels()[name].reachable(self._people, content)
        return self._known[asked]


def _about(letter: Letter, language: str) -> str:
    with override(language):
        return str(letter.about)[:ABOUT_LENGTH]


class _Posting:
    """One call of `post`, with everything that it has read."""

    def __init__(self, letters: Sequence[Letter], signals: Sequence[Signal], catalogue: Catalogue, now: datetime):
        self.letters, self.signals, self.now = letters, signals, now
        told: list[Letter | Signal] = [*letters, *signals]
        self.writer = Writer(catalogue, {one.street_id for one in told})
        self.preferences = Preferences({one.person_id for letter in letters for one in letter.people})
        self.reach = Reach(self.preferences.active)
        self.there = set(Message.objects.filter(key__in={one.key for one in told}).values_list("key", "recipient"))
        self._look_back()
        self.messages: list[Message] = []
        self.deliveries: list[Delivery] = []

    def _look_back(self) -> None:
        """Count each person's recent messages, and read until when their held messages wait.

        A message that was already old when it was written went to the inbox only, and is not counted.
        """
        lately = Message.objects.filter(
            person__in=self.preferences.active,
            created_at__gt=self.now - LATELY,
            at__gte=F("created_at") - OLD,
            urgent=False,
        ).exclude(kind=KIND)
        waiting = Q(held_until__gt=self.now, gathered_into=None)
        self.had: dict[uuid.UUID, int] = defaultdict(int)
        self.held: dict[uuid.UUID, datetime] = {}
        counted = lately.values_list("person").annotate(had=Count("pk"), held=Min("held_until", filter=waiting))
        for person, had, held in counted:
            self.had[person] = had
            if held:
                self.held[person] = held

    def write(self) -> Posted:
        self._letters()
        self._robots()
        self._signals()
        if self.messages:
            write(self.messages, self.deliveries)
        due = {ChannelName(one.channel) for one in self.deliveries if one.available_at <= self.now}
        return Posted(len(self.messages), due)

    def _letters(self) -> None:
        for letter in self.letters:
            for language in dict.fromkeys(one.language for one in letter.people):
                readers = {one.person_id: None for one in letter.people if one.language == language}
                people = [one for one in readers if one in self.preferences.active and self._first(letter.key, one)]
                if people:
                    self._tell(letter, language, people)

    def _first(self, key: uuid.UUID, recipient: uuid.UUID) -> bool:
        known = (key, recipient) in self.there
        self.there.add((key, recipient))
        return not known

    def _tell(self, letter: Letter, language: str, people: Sequence[uuid.UUID]) -> None:
        text = self.writer.content(letter.street_id, letter.kind, TEXT, language, letter.facts)
        assert text is not None
        about = _about(letter, language)
        ways = [] if self._is_old(letter) else self._ways(letter, language, people)
        for person in people:
            message = self._message(letter, person, text, about)
            message.person_id = person
            wanted = [
                (name, content)
                for name, content in ways
                if self.preferences.wants(person, letter.topic, name, urgent=letter.urgent)
                and person in self.reach(name, content)
            ]
            message.held_until = self._held_until(letter, person)
            if message.held_until:
                message.ways = wanted
                continue
            message.inbox = self.preferences.wants(person, letter.topic, INBOX, urgent=letter.urgent)
            at = self.now if letter.urgent else self.preferences.after_quiet(person, self.now)
            self.deliveries += reach(message, wanted, at)

    def _ways(self, letter: Letter, language: str, people: Sequence[uuid.UUID]) -> list[Way]:
        """The channels that any of the people want, in the order in which they are tried, with what each would send."""
        found: list[Way] = []
        for name in PERSONAL_ORDER:
            channel = channels().get(name)
            if channel is None or not any(
                self.preferences.wants(person, letter.topic, name, urgent=letter.urgent) for person in people
            ):
                continue
            content = self.writer.content(letter.street_id, letter.kind, channel.shape, language, letter.facts)
            if content is not None:
                found.append((name, content))
        return found

    def _held_until(self, letter: Letter, person: uuid.UUID) -> datetime | None:
        """Until when the message is held for a digest; None where it is sent by itself."""
        if letter.urgent or self._is_old(letter):
            return None
        self.had[person] += 1
        digest = self.preferences.digest(person)
        if digest == Digest.NEVER or (digest == Digest.AUTO and self.had[person] <= FEW):
            return None
        return self.held.setdefault(person, held_until(self.now, digest))

    def _is_old(self, letter: Letter) -> bool:
        return letter.at < self.now - OLD

    def _robots(self) -> None:
        fresh = [letter for letter in self.letters if not self._is_old(letter)]
        concerned = {one for letter in fresh for one in letter.organisations}
        robots: dict[tuple[uuid.UUID, uuid.UUID], list[Robot]] = defaultdict(list)
        for robot in Robot.objects.filter(active=True, organisation_id__in=concerned, vendor__in=list(channels())):
            robots[robot.street_id, robot.organisation_id].append(robot)
        night = after_quiet(self.now, QUIET_FROM, QUIET_UNTIL)
        for letter in fresh:
            for organisation in dict.fromkeys(letter.organisations):
                for robot in robots.get((letter.street_id, organisation), ()):
                    speaks = not robot.topics or letter.topic in robot.topics
                    if speaks and self._first(letter.key, robot.id):
                        self._say(letter, robot, self.now if letter.urgent else night)

    def _say(self, letter: Letter, robot: Robot, at: datetime) -> None:
        text = self.writer.content(letter.street_id, letter.kind, TEXT, GROUP_LANGUAGE, letter.facts)
        assert text is not None
        message = self._message(letter, robot.id, text, _about(letter, GROUP_LANGUAGE))
        self.deliveries.append(_delivery(message, ChannelName(robot.vendor), text, at))

    def _signals(self) -> None:
        if ChannelName.WEBHOOK not in channels():
            return
        concerned = {one for signal in self.signals for one in signal.organisations}
        endpoints: dict[tuple[uuid.UUID, uuid.UUID], list[Endpoint]] = defaultdict(list)
        for endpoint in Endpoint.objects.filter(active=True, organisation_id__in=concerned):
            endpoints[endpoint.street_id, endpoint.organisation_id].append(endpoint)
        for signal in self.signals:
            for organisation in dict.fromkeys(signal.organisations):
                for endpoint in endpoints.get((signal.street_id, organisation), ()):
                    hears = not endpoint.types or signal.type in endpoint.types
                    if hears and self._first(signal.key, endpoint.id):
                        self._signal(signal, endpoint)

    def _signal(self, signal: Signal, endpoint: Endpoint) -> None:
        message = Message(
            street_id=signal.street_id,
            key=signal.key,
            recipient=endpoint.id,
            kind=signal.type,
            topic=Topic.PROGRESS,
            subject_type=signal.subject_type,
            subject_id=signal.subject_id,
            seq=signal.seq,
            title=signal.type,
            body="",
            at=signal.at,
            created_at=self.now,
        )
        self.messages.append(message)
        content = {"type": signal.type, "timestamp": signal.at.isoformat(), "data": dict(signal.data)}
        self.deliveries.append(_delivery(message, ChannelName.WEBHOOK, content, self.now))

    def _message(self, letter: Letter, recipient: uuid.UUID, text: Content, about: str) -> Message:
        message = Message(
            street_id=letter.street_id,
            key=letter.key,
            recipient=recipient,
            kind=letter.kind,
            topic=letter.topic,
            subject_type=letter.subject_type,
            subject_id=letter.subject_id,
            code=str(letter.facts.get("code", "")),
            about=about,
            seq=letter.seq,
            title=text["title"],
            body=text["body"],
            language=text["language"],
            urgent=letter.urgent,
            at=letter.at,
            created_at=self.now,
        )
        self.messages.append(message)
        return message
