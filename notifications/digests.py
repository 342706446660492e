"""Digests: messages that were held for a person become one message when their time has come."""

import logging
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Min
from django.utils import timezone

from notifications.channels import channels
from notifications.models import Delivery, Message
from notifications.models.message import MessageQuerySet
from notifications.models.preferences import INBOX
from notifications.models.wording import TEXT
from notifications.post import PERSONAL_ORDER, Reach, Way, reach, write
from notifications.preferences import Preferences
from notifications.timing import jittered
from notifications.topics import ChannelName, Topic
from notifications.wordings.digest import CATALOGUE, KIND, DigestLine, digest_content
from notifications.wordings.facts import MessageFacts
from notifications.wordings.writer import Content, Writer
from web.models import new_ids

logger = logging.getLogger(__name__)

BATCH = 200
"""The most people for whom one call gathers."""
MOST = 200
"""Messages in one digest, at most."""
REPEAT = timedelta(minutes=1)
"""Wait before a digest that could not be made is tried again, give or take a fifth."""
ROOM = 8000
"""Bytes of the list in a digest, at most; in the inbox each message can be opened."""
_PRESSING = (Topic.ASKED, Topic.WORK, Topic.OVERSIGHT, Topic.REMINDER, Topic.PROGRESS)


def gather(now: datetime | None = None) -> int:
    """Gather the messages that were held until `now` into digests, for at most BATCH people. Returns how many messages.

    The person who has waited longest comes first, in a transaction of their own. Any number of callers may run at
    once, and again after a crash. A message that was held alone is sent as itself.
    """
    now = now or timezone.now()
    due = _due(now).values_list("person", "street_id").annotate(since=Min("held_until")).order_by("since")
    gathered = 0
    for person, street, _ in list(due[:BATCH]):
        try:
            gathered += _gather(person, street, now)
        except Exception:
            # A digest that fails must not delay the others, nor be among the first again and again.
            logger.exception("a digest could not be made")
            _due(now).filter(person=person, street_id=street).update(held_until=now + jittered(REPEAT))
    return gathered


def _due(now: datetime) -> MessageQuerySet:
    """The messages that were held until `now`."""
    return Message.objects.held().filter(held_until__lte=now)


def _gather(person: uuid.UUID, street: uuid.UUID, now: datetime) -> int:
    with transaction.atomic():
        # The person's row is the lock: another process that finds it locked continues with the next person.
        turn = get_user_model().objects.select_for_update(skip_locked=True, no_key=True).filter(pk=person)
        if not turn.values_list("pk").first():
            return 0
        mine = Message.objects.held().filter(person=person, street_id=street)
        if not mine.filter(held_until__lte=now).exists():
            # Another process has gathered for them meanwhile. Messages that are held since then wait for their own moment.
            return 0
        held = list(mine.order_by("id")[:MOST])
        if len(held) == 1:
            _release(held[0], now)
        else:
            _summarise(held, now)
        return len(held)


def _release(message: Message, now: datetime) -> None:
    """Send a held message as itself. It gets a new id, because its id is its place in the inbox."""
    topic, person = Topic(message.topic), message.recipient
    preferences, reaches = Preferences([person]), Reach([person])
    held = [(ChannelName(name), content) for name, content in message.ways or ()]
    ways = [
        (name, content)
        for name, content in held
        if name in channels() and preferences.wants(person, topic, name) and person in reaches(name, content)
    ]
    (new,) = new_ids(1)
    Message.objects.filter(pk=message.pk).update(
        id=new, created_at=now, held_until=None, ways=None, inbox=preferences.wants(person, topic, INBOX)
    )
    message.id, message.created_at = new, now
    write([], reach(message, ways, preferences.after_quiet(person, now)))


def _summarise(held: Sequence[Message], now: datetime) -> None:
    """Replace several messages by one: the inbox shows all of them in it, each channel those that it would have carried."""
    first, summary = held[0], _Summary(held)
    topics = {part.topic for part in held}
    of_one = len({part.subject_id for part in held}) == 1
    text = summary.content(held, TEXT)
    assert text is not None
    digest = Message(
        street_id=first.street_id,
        # The same parts always make the same key, so a second digest of them violates the unique key.
        key=first.id,
        recipient=first.recipient,
        person_id=first.recipient,
        kind=KIND,
        topic=next(one for one in _PRESSING if one in topics),
        subject_type=first.subject_type if of_one else "",
        subject_id=first.subject_id if of_one else None,
        code=first.code if of_one else "",
        about=first.about if of_one else "",
        title=text["title"],
        body=text["body"],
        language=summary.language,
        at=now,
        created_at=now,
        inbox=bool(summary.parts(INBOX)),
    )
    write([digest], summary.deliveries(digest, now))
    Message.objects.filter(pk__in=[part.pk for part in held]).update(gathered_into=digest, ways=None)


class _Summary:
    """The digest of one person, by channel."""

    def __init__(self, held: Sequence[Message]):
        self.held, self.language = held, held[-1].language
        self.person, self.street = held[0].recipient, held[0].street_id
        self.preferences, self.reaches = Preferences([self.person]), Reach([self.person])
        self.writer = Writer(CATALOGUE, {self.street})

    def parts(self, channel: str) -> list[Message]:
        """The messages that would have been sent by the channel."""
        return [part for part in self.held if self.preferences.wants(self.person, Topic(part.topic), channel)]

    def content(self, parts: Sequence[Message], shape: str) -> Content | None:
        """The text that counts and lists the messages; None where the wording has no such shape."""
        lines = digest_content([DigestLine.of(part) for part in parts], self.language, room=ROOM)["body"]
        facts: MessageFacts = {"count": len(parts), "lines": lines}
        return self.writer.content(self.street, KIND, shape, self.language, facts)

    def deliveries(self, digest: Message, now: datetime) -> list[Delivery]:
        """The deliveries of `digest`. A push that lists more than the push before it is sent beside it, not as its fallback."""
        ways: list[Way] = []
        beside: list[Way] = []
        pushed: set[Message] = set()
        for name in PERSONAL_ORDER:
            parts = self.parts(name)
            content = self._way(name, parts)
            if content is None:
                continue
            (beside if pushed and not pushed.issuperset(parts) else ways).append((name, content))
            if name != ChannelName.EMAIL:
                pushed.update(parts)
        at = self.preferences.after_quiet(self.person, now)
        return [*reach(digest, ways, at), *reach(digest, beside, at)]

    def _way(self, name: ChannelName, parts: Sequence[Message]) -> Content | None:
        """What the channel carries of these messages, a single message as itself; None where it carries none of them."""
        if name not in channels() or not parts:
            return None
        alone = dict(parts[0].ways or ()).get(name) if len(parts) == 1 else None
        content = alone or self.content(parts, channels()[name].shape)
        return content if content is not None and self.person in self.reaches(name, content) else None
