"""What leaves the house because of tickets, by every channel: nobody's name or words, to those who can look, not to the accused."""

import uuid
from collections.abc import Collection, Iterator, Mapping

import pytest
from django.utils import timezone

from community.models import Membership, Organisation, Person
from notifications import digests
from notifications.models import Delivery, Endpoint, Message
from notifications.timing import LATELY
from notifications.topics import ROBOTS, ChannelName
from tests.people import seat
from tests.statements import undone
from tests.tickets.paths import INPUTS, Scene
from tests.tickets.test_moves import ALWAYS, FIRST, LEGAL, REFUSED, able
from tests.tickets.test_told_may_look import assert_the_told_can_look
from tickets import announce
from tickets.models import Follower, FollowerKind, Ticket, TicketEvent, TicketOutbox, TicketWords
from tickets.states import State
from workflow.moves import moves

pytestmark = pytest.mark.django_db

NAME, PHONE = "欧阳诸葛", "13987650000"
SAID = f"地下室的秘密仓库，我是{NAME}，电话{PHONE}"


@pytest.fixture(autouse=True)
def unmistakable(cast):
    """The reporter has a name that no other word contains."""
    cast["resident"].name = NAME
    cast["resident"].save(update_fields=["name"])


def assert_discreet() -> None:
    """Nothing that is kept to be told, or written for anybody to read, holds a name, a phone, or a word of a ticket's texts."""
    facts = str([*TicketOutbox.objects.values_list("facts", "audience")])
    announce.tell_outbox()
    digests.gather(timezone.now() + LATELY)
    told = str([*Message.objects.values_list("title", "body", "about", "ways")])
    leaving = str([*Delivery.objects.values_list("content", "fallback")])
    secrets = {PHONE, *SAID.split("，"), *Person.objects.values_list("name", flat=True)}
    secrets |= set(Person.objects.values_list("phone", flat=True))
    for body in TicketWords.objects.values_list("body", flat=True):
        secrets |= {said for said in body.values() if isinstance(said, str)}
    for where in (facts, told, leaving):
        assert not {secret for secret in secrets if secret and secret in where}


def left() -> set[str]:
    """The channels by which something leaves, also where another does not deliver it."""
    following = [one for chain in Delivery.objects.values_list("fallback", flat=True) for one in chain]
    return {*Delivery.objects.values_list("channel", flat=True), *(one["channel"] for one in following)}


def made(scene: Scene, ticket: uuid.UUID, state: State) -> Iterator[str]:
    """Make each move that is possible from `state`, with `SAID` wherever words are asked for; afterwards it is as if never made."""
    for (name, source), legal in LEGAL.items():
        may = [who for who in ALWAYS if able(who, state, name, legal) and (name, who) not in REFUSED]
        if source != state or not may:
            continue
        with undone():
            scene.follow(ticket, FIRST.get((name, source), []))
            into = {"into": str(scene.file(title=SAID, text=SAID))} if name == "merge" else {}
            words = dict.fromkeys(moves(Ticket)[name].input.own_words(), SAID)
            scene.do(may[0], ticket, name, **INPUTS.get(name, {}) | into | words)
            yield name


def around(outlets: Mapping[uuid.UUID, uuid.UUID], parties: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """The members of these organisations, their robots and their systems."""
    seated = Membership.objects.filter(organisation__in=parties).values_list("person", flat=True)
    return {*seated, *(outlet for outlet, party in outlets.items() if party in parties)}


@pytest.mark.parametrize("state", State)
def test_nothing_holds_a_word_of_anybody_and_whoever_is_told_can_look(today, outlets, state):
    ticket = today.reach(state, title=SAID, text=SAID, spot=SAID)
    assert_discreet()
    assert_the_told_can_look(outlets, set())
    assert {ChannelName.EMAIL, ChannelName.WECHAT, ChannelName.SMS, ChannelName.WEBHOOK} < left()
    assert left() & set(ROBOTS)
    tried, since = [], set(Message.objects.values_list("pk", flat=True))
    for name in made(today, ticket, state):
        assert TicketOutbox.objects.filter(event__verb=name).exists()
        assert_discreet()
        assert_the_told_can_look(outlets, since)
        tried.append(name)
    assert tried or state in {State.REJECTED, State.WITHDRAWN, State.TERMINATED}


@pytest.mark.parametrize("kind", ["project_office", "street_office"])
def test_an_accused_organisation_hears_nothing_nor_do_its_members_its_robot_and_its_system(today, outlets, kind):
    office = Organisation.objects.get(kind="street_office")
    accused = {"street_office": office, "project_office": Organisation.objects.get(code="po-a01")}[kind]
    neighbour = today.cast["neighbour"]
    seat(neighbour, accused, starts_on="2026-01-01")
    ticket = today.file("SV01", type="complaint", secrecy="confidential", accused_id=accused.pk, title=SAID, text=SAID)
    stored = Ticket.objects.get(pk=ticket)
    assert accused.pk in stored.accused
    Follower.objects.create(
        street_id=stored.street_id, ticket=stored, person=neighbour, kind=FollowerKind.MERGED, since=stored.submitted_at
    )
    today.follow(
        ticket,
        [
            ("desk_officer", "supervise", {"kind": "listed", "reason": SAID}),
            ("desk_officer", "whistle", {"departments": ["dept-traffic-police"], "reason": SAID}),
            ("desk_officer", "reply", {"result": SAID}),
            ("resident", "dispute", {"reason": SAID}),
        ],
    )
    assert_discreet()
    heard = Message.objects.values_list("recipient", flat=True)
    assert not set(heard) & around(outlets, stored.accused)
    assert today.cast["resident"].pk in heard
    assert left() & set(ROBOTS)
    # Nobody else's system hears of it either: it is the street's own business.
    signals = [outlets[one] for one in heard.filter(recipient__in=Endpoint.objects.values("pk"))]
    assert signals == ([] if accused == office else [office.pk] * TicketEvent.objects.count())


def test_whoever_helps_and_is_then_accused_hears_of_that_no_more(today, outlets):
    ticket = today.reach(State.COORDINATING)
    police = Organisation.objects.get(code="dept-traffic-police")
    theirs = around(outlets, [police.pk])
    announce.tell_outbox()
    before = Message.objects.filter(recipient__in=theirs)
    assert set(before.values_list("kind", flat=True)) == {"help.helper", "ticket.whistle"}
    assert today.cast["traffic_liaison"].pk in before.values_list("recipient", flat=True)
    known = set(Message.objects.values_list("pk", flat=True))
    today.follow(
        ticket,
        [
            ("desk_officer", "correct", {"accused": str(police.pk), "reason": SAID}),
            ("desk_officer", "record", {"met_with": SAID, "agreed": SAID}),
        ],
    )
    assert str(police.pk) in str(TicketOutbox.objects.get(event__verb="correct").audience)
    assert_discreet()
    heard = Message.objects.exclude(pk__in=known)
    assert {"corrected.resident", "recorded.resident"} <= set(heard.values_list("kind", flat=True))
    assert not heard.filter(recipient__in=theirs).exists()


def test_a_report_of_wrongdoing_stays_with_the_street(today, outlets):
    today.file("SV01", type="report", title=SAID, text=SAID)
    assert_discreet()
    heard = set(Message.objects.exclude(person=today.cast["resident"]).values_list("recipient", flat=True))
    seats = Membership.objects.filter(person__in=heard).values_list("organisation", flat=True)
    parties = {*seats, *(party for outlet, party in outlets.items() if outlet in heard)}
    assert set(Organisation.objects.filter(pk__in=parties).values_list("kind", flat=True)) == {
        "section",
        "street_office",
    }
