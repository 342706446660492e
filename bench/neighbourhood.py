"""A street that has much to say: people with mail, phones and WeChat, group robots, systems of organisations, and what happens there."""

import threading
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from itertools import cycle

from django.db import Error, connection
from django.utils import timezone

from bench.deeds import HOME, cosign, file, move, neighbours
from bench.ledger import LedgerNews, LedgerWay
from bench.receivers import ROBOTS, WECHAT_TEMPLATE
from community.demo import cast
from community.models import Compound, Organisation, Person
from notifications.models import Delivery, Endpoint, Grant, Message, Preference, Profile, Robot
from notifications.topics import ChannelName, Digest, Topic
from notifications.wordings.digest import KIND
from tests.fakes.webhooks import SECRET
from tickets.models import Follower, Ticket, TicketEvent, TicketOutbox

REPORTERS = ("resident", "neighbour", "tenant")
HANDLER, OFFICE = "po-a01", "office"
PESTS, LIFT = "CL07", "EL01"
STORY: tuple[tuple[str, str, dict[str, object]], ...] = (
    ("dispatcher", "sign", {}),
    ("dispatcher", "contact", {"result": "reached", "words": "已说明"}),
    ("dispatcher", "progress", {"text": "配件已到货"}),
    ("dispatcher", "reply", {"result": "已整改"}),
    ("reporter", "confirm", {"resolved": True, "rating": 5, "words": ""}),
)
URGENT_STORY: tuple[tuple[str, str, dict[str, object]], ...] = (
    ("lift_dispatcher", "sign", {}),
    ("lift_dispatcher", "arrive", {}),
)
TO_ALL_RESIDENTS = frozenset({"sign", "arrive", "progress", "reply"})
"""Verbs of the story that are announced to reporter and followers."""


@dataclass
class Neighbourhood:
    """The demo street with `people` more, every one of them reachable somehow; `robots` (their vendors) in groups of the company, and
    webhooks of the company and of the street's office, so many each.
    """

    people: int
    webhook_url: str
    robots: Sequence[str] = 2 * ROBOTS
    endpoints_each: int = 2
    residents: list[Person] = field(default_factory=list)
    addresses: dict[tuple[str, uuid.UUID], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cast = cast()
        self.street_id = Compound.objects.get(name=HOME).street_id
        self.organisations = dict(Organisation.objects.filter(code__in=[HANDLER, OFFICE]).values_list("code", "pk"))
        self._people()
        self._outlets()

    def _people(self) -> None:
        """Four kinds: mail and WeChat; SMS alone; WeChat and SMS; mail alone. Nobody sleeps; staff have digests by themselves."""
        self.residents = neighbours(self.people)
        awake = {"quiet_from": time(0), "quiet_until": time(0)}
        now = timezone.now()
        profiles, grants, preferences = [], [], []
        one_by_one = {one.pk for one in (*self.residents, *(self.cast[one] for one in REPORTERS))}
        for number, person in enumerate([*self.cast.values(), *self.residents]):
            kind = number % 4
            profile = Profile(person=person, digest=Digest.NEVER if person.pk in one_by_one else Digest.AUTO, **awake)
            if kind in {0, 3}:
                profile.email, profile.email_confirmed_at = f"person{number}@mail.example", now
                self.addresses[ChannelName.EMAIL, person.pk] = profile.email
            if kind in {0, 2}:
                grants.append(Grant(person=person, openid=f"openid-{number}", template=WECHAT_TEMPLATE, remaining=1000))
                self.addresses[ChannelName.WECHAT, person.pk] = f"openid-{number}"
            # Where WeChat has no more to give, SMS goes on; who has mail alone has no push at all.
            preferences += [
                Preference(person=person, topic=topic, channel=ChannelName.SMS, wanted=kind != 3) for topic in Topic
            ]
            self.addresses[ChannelName.SMS, person.pk] = person.phone
            profiles.append(profile)
        Profile.objects.bulk_create(profiles)
        Grant.objects.bulk_create(grants)
        Preference.objects.bulk_create(preferences)

    def _outlets(self) -> None:
        company = self.organisations[HANDLER]
        robots = [
            Robot(
                street_id=self.street_id,
                organisation_id=company,
                name=f"群 {number}",
                vendor=vendor,
                token=f"{vendor}-{number}",
            )
            for number, vendor in enumerate(self.robots)
        ]
        endpoints = [
            Endpoint(
                street_id=self.street_id,
                organisation_id=organisation,
                name=f"{code} {n}",
                url=f"{self.webhook_url}/{code}/{n}",
                secrets=SECRET,
            )
            for code, organisation in self.organisations.items()
            for n in range(self.endpoints_each)
        ]
        self.groups = Robot.objects.bulk_create(robots)
        self.endpoints = Endpoint.objects.bulk_create(endpoints)
        self.addresses |= {(one.vendor, one.pk): f"{one.vendor}:{one.token}" for one in self.groups}
        self.addresses |= {
            (ChannelName.WEBHOOK, one.pk): one.url.removeprefix(self.webhook_url) for one in self.endpoints
        }

    def live(self, tickets: int, followers: int, pause: float, stop: threading.Event) -> None:
        """Let so many tickets go their way, several at a time, with a pause after each move; what the database refuses is left out."""
        crowd = cycle(self.residents)
        waiting = [self._story(followers, crowd, number) for number in range(tickets)]
        under_way: list[Iterator[None]] = []
        while (waiting or under_way) and not stop.is_set():
            if waiting:
                under_way.append(waiting.pop())
            for story in list(under_way):
                try:
                    next(story)
                except StopIteration:
                    under_way.remove(story)
                except Error:
                    # The server is gone for a moment; whether this move was made is what the database will say.
                    connection.close()
                    under_way.remove(story)
                stop.wait(pause)
        connection.close()

    def _story(self, followers: int, crowd: Iterator[Person], number: int) -> Iterator[None]:
        urgent = number % 20 == 19
        reporter = REPORTERS[number % len(REPORTERS)]
        ticket = self.file(reporter, f"楼道有蟑螂，第{number}处。", urgent=urgent)
        yield
        cosign(ticket, [next(crowd) for _ in range(followers)])
        for who, verb, inputs in URGENT_STORY if urgent else STORY:
            move(self.cast[reporter if who == "reporter" else who], ticket.pk, verb, inputs)
            yield

    def file(self, who: str, text: str, *, urgent: bool) -> Ticket:
        """A new ticket of one of the demo's people: for the company, or people trapped in a lift."""
        return file(self.cast[who], text, LIFT if urgent else PESTS)

    def expected(self) -> Iterator[tuple[uuid.UUID, uuid.UUID]]:
        """Each event, with all residents who must be told of it."""
        reporters = dict(Ticket.objects.values_list("pk", "reporter"))
        followers: dict[uuid.UUID, list[tuple[uuid.UUID, datetime]]] = {}
        for ticket, person, since in Follower.objects.values_list("ticket", "person", "since"):
            followers.setdefault(ticket, []).append((person, since))
        office = [one for one in self.endpoints if one.organisation_id == self.organisations[OFFICE]]
        company = [one for one in self.endpoints if one.organisation_id == self.organisations[HANDLER]]
        lifts = set(Ticket.objects.filter(urgent=True).values_list("pk", flat=True))
        for event in TicketEvent.objects.filter(actor_id__isnull=False).order_by("id"):
            if event.verb in TO_ALL_RESIDENTS | {"submit"}:
                yield event.pk, reporters[event.subject_id]
            if event.verb in TO_ALL_RESIDENTS | {"confirm"}:
                for person, since in followers.get(event.subject_id, ()):
                    if since <= event.at:
                        yield event.pk, person
            for one in office:
                yield event.pk, one.pk
            if event.subject_id in lifts:
                continue
            for one in company:
                yield event.pk, one.pk
            if event.verb == "submit":
                for robot in self.groups:
                    yield event.pk, robot.pk

    def news(self) -> list[LedgerNews]:
        """The messages that there are; those for robots and systems are as good as shown."""
        rows = Message.objects.values_list("id", "key", "recipient", "inbox", "person", "gathered_into")
        return [LedgerNews(id, key, to, inbox or person is None, digest) for id, key, to, inbox, person, digest in rows]

    def ways(self) -> list[LedgerWay]:
        """The deliveries that there are."""
        columns = ("id", "message", "channel", "recipient", "state", "gathered_into", "message__kind")
        return [
            LedgerWay(
                str(id),
                message,
                channel,
                self.addresses.get((channel, to), "?"),
                state,
                str(into) if into else None,
                kind == KIND,
            )
            for id, message, channel, to, state, into, kind in Delivery.objects.values_list(*columns)
        ]


def untold() -> int:
    """How many events are in the outbox, and how many messages wait to be gathered."""
    return TicketOutbox.objects.count() + Message.objects.held().count()
