"""Summaries: what was held for somebody becomes one message when its time has come."""

import logging
import uuid
from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from notifications.channels import channels
from notifications.digests import CATALOGUE, KIND, Line, summed_up
from notifications.models import Message
from notifications.models.choices import INBOX
from notifications.models.wording import TEXT
from notifications.post import PERSONAL_ORDER, Reach, Way, reach, write
from notifications.topics import ChannelName, Topic
from notifications.wishes import Wishes
from notifications.wording import Writer
from web.models import new_ids

logger = logging.getLogger(__name__)

BATCH = 200
"""For how many people one call gathers."""
MOST = 200
"""How many messages one digest holds."""
ROOM = 4000
"""Bytes that the list of what it gathers may take in a digest; in the inbox, each of them can be opened."""
_PRESSING = (Topic.ASKED, Topic.WORK, Topic.OVERSIGHT, Topic.REMINDER, Topic.PROGRESS)


def gather(now: datetime | None = None) -> int:
    """Gather what was held until `now` (else the present), for BATCH people at most; how many messages were gathered.

    One transaction for each person; any number of callers at once, and again after a crash. One that was held alone is sent as itself.
    """
    now = now or timezone.now()
    due = Message.objects.held().filter(held_until__lte=now).values_list("person", "street_id").distinct()
    gathered = 0
    for person, street in list(due[:BATCH]):
        try:
            gathered += _gather(person, street, now)
        except Exception:
            # One person's summary must not keep the others' waiting.
            logger.exception("a digest could not be made")
    return gathered


def _gather(person: uuid.UUID, street: uuid.UUID, now: datetime) -> int:
    with transaction.atomic():
        # The person's row is the turn: whoever else gathers for them finds it taken, and goes on to the next.
        turn = get_user_model().objects.select_for_update(skip_locked=True, no_key=True).filter(pk=person)
        if not turn.values_list("pk").first():
            return 0
        held = list(Message.objects.held().filter(person=person, street_id=street).order_by("id")[:MOST])
        if len(held) == 1:
            _release(held[0], now)
        elif held:
            _summarise(held, now)
        return len(held)


def _release(message: Message, now: datetime) -> None:
    """Send a message as itself. It comes now, and so takes its place in the inbox, which is its id, now."""
    topic, person = Topic(message.topic), message.recipient
    wishes, reaches = Wishes([person]), Reach([person])
    held = [(ChannelName(name), content) for name, content in message.ways or ()]
    ways = [
        (name, content)
        for name, content in held
        if name in channels() and wishes.wants(person, topic, name) and person in reaches(name, content)
    ]
    (new,) = new_ids(1)
    Message.objects.filter(pk=message.pk).update(
        id=new, created_at=now, held_until=None, ways=None, inbox=wishes.wants(person, topic, INBOX)
    )
    message.id, message.created_at = new, now
    write([], reach(message, ways, wishes.after_quiet(person, now)))


def _summarise(held: Sequence[Message], now: datetime) -> None:
    """Put one message in the place of several. It goes by every channel that one of them would have gone by."""
    first, newest = held[0], held[-1]
    person, street, language = first.recipient, first.street_id, newest.language
    topics = [one for one in _PRESSING if one in {part.topic for part in held}]
    subjects = {part.subject_id for part in held}
    wishes, reaches, writer = Wishes([person]), Reach([person]), Writer(CATALOGUE, {street})
    summary = summed_up([Line.of(part) for part in held], language, room=ROOM)
    facts = {"count": len(held), "lines": summary["body"]}

    def wanted(channel: str) -> bool:
        return any(wishes.wants(person, topic, channel) for topic in topics)

    text = writer.content(street, KIND, TEXT, language, facts)
    assert text is not None
    digest = Message(
        street_id=street,
        # Made of the same messages twice, it would be the same news for the same person.
        key=first.id,
        recipient=person,
        person_id=person,
        kind=KIND,
        topic=topics[0],
        subject_id=subjects.pop() if len(subjects) == 1 else None,
        title=text["title"],
        body=text["body"],
        language=language,
        at=now,
        created_at=now,
        inbox=wanted(INBOX),
    )
    ways: list[Way] = []
    for name in PERSONAL_ORDER:
        if name in channels() and wanted(name):
            content = writer.content(street, KIND, channels()[name].shape, language, facts)
            if content is not None and person in reaches(name, content):
                ways.append((name, content))
    write([digest], reach(digest, ways, wishes.after_quiet(person, now)))
    Message.objects.filter(pk__in=[part.pk for part in held]).update(gathered_into=digest, ways=None)
