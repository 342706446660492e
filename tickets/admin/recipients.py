"""By what names the office sees those who were sent something: staff by name, residents no better than on the ticket's own page."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from community.models import Membership, Person
from community.receivers import local_day
from notifications.models import Endpoint, Message, Robot
from tickets.masks import masked_name
from tickets.models import Follower, Ticket
from tickets.models.follower import FollowerKind
from tickets.states import Secrecy
from web.words import bilingual, listed

MOST_SEATS = 2
ANONYMOUS = bilingual("匿名诉求人", "Anonymous reporter")


@dataclass(frozen=True, slots=True)
class Recipients:
    """The recipients of some messages. The number of statements does not depend on the number of messages."""

    tickets: Mapping[uuid.UUID, Ticket]
    followers: Mapping[tuple[uuid.UUID, uuid.UUID], str]
    people: Mapping[uuid.UUID, Person]
    seats: Mapping[uuid.UUID, Sequence[Membership]]
    receivers: Mapping[uuid.UUID, str]

    @classmethod
    def of(cls, messages: Collection[Message]) -> "Recipients":
        """Those of `messages`."""
        subjects = {one.subject_id for one in messages if one.subject_id}
        people = {one.person_id for one in messages if one.person_id}
        others = {one.recipient for one in messages if not one.person_id}
        followers = Follower.objects.filter(ticket__in=subjects, person__in=people)
        seats = defaultdict(list)
        for seat in Membership.objects.filter(person__in=people).select_related("organisation").order_by("id"):
            seats[seat.person_id].append(seat)
        return cls(
            Ticket.objects.only("code", "reporter", "secrecy", "contact_name").in_bulk(subjects),
            {(one.ticket_id, one.person_id): one.kind for one in followers},
            Person.objects.only("name").in_bulk(people),
            seats,
            {one.pk: one.name for kind in (Robot, Endpoint) for one in kind._default_manager.filter(pk__in=others)},
        )

    def name(self, message: Message) -> str:
        """The name under which the office sees the recipient of `message`, which must be one of those given to `of`."""
        if message.person_id is None:
            return self.receivers.get(message.recipient) or str(bilingual("已删除的接收方", "A receiver that is gone"))
        resident = self._resident(message.subject_id, message.person_id)
        if resident is not None:
            return resident
        name = self.people[message.person_id].name
        bodies = self._bodies(message.person_id, message.at)
        if bodies:
            where = listed(bodies[:MOST_SEATS])
            return str(bilingual(f"{name}（{where}）", f"{name} ({where})"))
        ticket = self.tickets.get(message.subject_id) if message.subject_id else None
        # A former reporter, who handed the ticket on.
        return str(ANONYMOUS) if ticket and ticket.secrecy == Secrecy.ANONYMOUS else masked_name(name)

    def _resident(self, subject: uuid.UUID | None, person: uuid.UUID) -> str | None:
        """The name of a person who is a resident for this ticket, even if they have a seat elsewhere."""
        ticket = self.tickets.get(subject) if subject else None
        if ticket is None:
            return None
        if ticket.reporter_id == person:
            if ticket.secrecy == Secrecy.ANONYMOUS:
                return str(ANONYMOUS)
            return masked_name(ticket.contact_name) or str(bilingual("诉求人", "Reporter"))
        match self.followers.get((ticket.pk, person)):
            case FollowerKind.MERGED:
                # Their own ticket may be anonymous.
                return str(bilingual("并单诉求人", "Reporter of a merged ticket"))
            case FollowerKind.COSIGNED:
                return masked_name(self.people[person].name)
        return None

    def _bodies(self, person: uuid.UUID, at: datetime) -> list[str]:
        """The organisations in which the person sat at `at`."""
        day = local_day(at)
        running = [
            seat.organisation.name
            for seat in self.seats.get(person, ())
            if seat.starts_on <= day and (seat.ends_on is None or seat.ends_on >= day)
        ]
        return list(dict.fromkeys(running))
