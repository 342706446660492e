"""What was sent about a ticket, to whom and how it went, for the street: by role and organisation, never by name, address or phone."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.db.models import F, OuterRef, Prefetch, Subquery

from community.models import Membership, Role
from community.receivers import local_day
from notifications.models import Delivery, Endpoint, Message, Robot
from notifications.topics import ChannelName, DeliveryState
from tickets.models import Follower, Ticket, TicketEvent
from tickets.models.follower import FollowerKind
from tickets.models.ticket import move_label
from web.words import Words, bilingual

MOST = 200
FAILED = frozenset({DeliveryState.DEAD, DeliveryState.DROPPED})
_REPORTER = bilingual("诉求人", "The reporter")
_COSIGNED = bilingual("附议人", "Followers")
_MERGED = bilingual("并单诉求人", "Reporters of merged tickets")
_GONE = bilingual("已删除的接收方", "A receiver that is gone")
_RESIDENT = bilingual("居民", "A resident")
_INBOX = bilingual("站内信", "Inbox")
_HELD = bilingual("待汇总", "Held for a digest")


@dataclass(frozen=True, slots=True)
class WaySent:
    """A channel with how it went, and how many times."""

    channel: Words
    outcome: Words
    count: int
    failed: bool


@dataclass(frozen=True, slots=True)
class SentTo:
    """Who got messages about an event, how many people they are, and by which ways."""

    who: str
    count: int
    ways: Sequence[WaySent]


@dataclass(frozen=True, slots=True)
class Sending:
    """An event with what was sent because of it."""

    why: Words
    at: datetime
    to: Sequence[SentTo]


def sent(ticket: Ticket) -> list[Sending]:
    """The latest messages about the ticket by event, the newest first. Five statements at most."""
    event = TicketEvent.objects.filter(subject=ticket, seq=OuterRef("seq"))
    deliveries = Delivery.objects.select_related("gathered_into").defer("content").order_by("id")
    rows = list(
        Message.objects.filter(subject_id=ticket.pk)
        .annotate(verb=Subquery(event.values("verb")[:1]))
        .prefetch_related(Prefetch("deliveries", deliveries))
        .defer("title", "body", "ways")
        .order_by(F("seq").desc(nulls_first=True), "key", "id")[:MOST]
    )
    recipients = _Recipients(ticket, rows)
    found = []
    for (_, _), its in groupby(rows, lambda one: (one.seq, one.key)):
        by_who: dict[str, list[Message]] = defaultdict(list)
        first = None
        for one in its:
            first = first or one
            by_who[recipients.who(one)].append(one)
        assert first is not None
        verb = getattr(first, "verb", None)
        why = move_label(verb) if verb else first.get_topic_display()
        to = [SentTo(who, len(theirs), _ways(theirs)) for who, theirs in by_who.items()]
        found.append(Sending(why, first.at, to))
    return found


def _ways(messages: Iterable[Message]) -> list[WaySent]:
    counted: Counter[tuple[str, str, bool]] = Counter()
    words: dict[tuple[str, str, bool], tuple[Words, Words]] = {}

    def note(channel: str, outcome: str, said: tuple[Words, Words], *, failed: bool = False) -> None:
        counted[channel, outcome, failed] += 1
        words[channel, outcome, failed] = said

    for one in messages:
        if one.inbox:
            note("", "", (_INBOX, ""))
        elif one.held_until and one.gathered_into_id is None:
            note("", "held", (_INBOX, _HELD))
        for delivery in one.deliveries.all():
            state = DeliveryState((delivery.gathered_into or delivery).state)
            channel = ChannelName(delivery.channel)
            note(channel, state, (channel.label, state.label), failed=state in FAILED)
    return [WaySent(*words[key], number, key[2]) for key, number in counted.items()]


class _Recipients:
    """By which words the recipients of some messages about a ticket are named."""

    def __init__(self, ticket: Ticket, messages: Collection[Message]):
        people = {one.person_id for one in messages if one.person_id}
        others = {one.recipient for one in messages if not one.person_id}
        self.ticket = ticket
        self.followers: Mapping[uuid.UUID, str] = dict(
            Follower.objects.filter(ticket=ticket, person__in=people).values_list("person_id", "kind")
        )
        self.seats: dict[uuid.UUID, list[Membership]] = defaultdict(list)
        for seat in Membership.objects.filter(person__in=people).select_related("organisation").order_by("id"):
            self.seats[seat.person_id].append(seat)
        named = Robot.objects.filter(pk__in=others).values_list("pk", "name")
        self.receivers: Mapping[uuid.UUID, str] = dict(
            named.union(Endpoint.objects.filter(pk__in=others).values_list("pk", "name")) if others else ()
        )
        self.parties = {one.organisation_id for one in ticket.assignments}

    def who(self, message: Message) -> str:
        """The recipient of one of the messages: a resident by what they are to the ticket, others by organisation and role."""
        person = message.person_id
        if person is None:
            return self.receivers.get(message.recipient) or str(_GONE)
        if person == self.ticket.reporter_id:
            return str(_REPORTER)
        if (kind := self.followers.get(person)) is not None:
            return str(_MERGED if kind == FollowerKind.MERGED else _COSIGNED)
        day = local_day(message.at)
        seats = [
            one for one in self.seats[person] if one.starts_on <= day and (one.ends_on is None or one.ends_on >= day)
        ]
        if not seats:
            return str(_RESIDENT)
        # The seat in an organisation that has a part is the reason, where there is one.
        seat = min(seats, key=lambda one: one.organisation_id not in self.parties)
        return f"{seat.organisation.name} · {Role(seat.role).label}"
