"""Whom a ticket accuses learns nothing more of it: every list, search, page, message and webhook, in every state and after every move."""

import json
from collections.abc import Collection, Iterator
from contextlib import suppress
from functools import cache
from itertools import product
from typing import Any

import pytest
from django.db import transaction
from drf_spectacular.generators import SchemaGenerator

from community.models import Membership, Organisation, Person
from notifications.models import Message
from tests.people import seat
from tests.statements import undone
from tests.tickets.conftest import Caller
from tests.tickets.paths import CONTACTED, FOLLOWED, INPUTS, WHISTLED, Scene, Step
from tests.tickets.test_what_leaves import around
from tickets import announce
from tickets.models import Ticket
from tickets.states import State
from workflow.errors import Refusal
from workflow.moves import moves

pytestmark = pytest.mark.django_db

S = State
TITLE = "保安队长收停车费不开票"
_LED: list[Step] = [
    FOLLOWED,
    WHISTLED,
    ("chair", "dispatch", {"holder": "po-a01", "co_handlers": ["lift-shengan"]}),
    ("dispatcher", "sign", {}),
    ("dispatcher", "return", {"reason": "不属于我方职责"}),
    ("property_officer", "uphold", {}),
]
_BY_SECTION: list[Step] = [
    FOLLOWED,
    WHISTLED,
    ("property_officer", "dispatch", {"holder": "section-city"}),
    ("property_officer", "redispatch", {"holder": "po-a01", "reason": "更合适"}),
    ("dispatcher", "return", {"reason": "不属于我方职责"}),
    ("property_officer", "uphold", {}),
]
# What has a part in the ticket before it is accused, and the moves that gave it one.
PARTIES: dict[str, list[Step]] = {
    "po-a01": _LED,
    "lift-shengan": _LED,
    "dept-traffic-police": _LED,
    "section-city": _BY_SECTION,
    "pmc-a01": _LED,
}
_GIVEN: Step = ("desk_officer", "dispatch", {"holder": "section-enforcement"})
_AT_WORK: list[Step] = [_GIVEN, ("enforcement_officer", "sign", {})]
_REPLIED: list[Step] = [
    *_AT_WORK,
    ("enforcement_officer", *CONTACTED[1:]),
    ("enforcement_officer", "reply", INPUTS["reply"]),
]
# How it goes on from there, once somebody is accused.
ONWARDS: dict[State, list[Step]] = {
    S.COORDINATING: [],
    S.DISPATCHED: [_GIVEN],
    S.SUBMITTED: [_GIVEN, ("clock", "bounce", {})],
    S.IN_PROGRESS: _AT_WORK,
    S.RETURNING: [*_AT_WORK, ("enforcement_officer", "return", INPUTS["return"])],
    S.REPLIED: _REPLIED,
    S.ON_ACCOUNT: [*_AT_WORK, ("desk_officer", "put_on_account", INPUTS["put_on_account"])],
    S.CLOSED: [*_REPLIED, ("resident", "confirm", INPUTS["confirm"])],
    S.REJECTED: [("desk_officer", "reject", INPUTS["reject"])],
    S.TERMINATED: [("street_lead", "terminate", INPUTS["terminate"])],
    S.WITHDRAWN: [],
    S.MERGED: [],
}
ACTING = ("resident", "tenant", "neighbour", "desk_officer", "enforcement_officer", "street_lead", "clock")
"""Who may go on with it; what the clock may do is offered to nobody, so that it tries."""


def accusing(scene: Scene, party: str, state: State) -> Any:
    """The id of a ticket in which `party` had a part, which accuses it now, and which has come to `state` since."""
    cosigned = state not in {S.WITHDRAWN, S.MERGED}
    steps = [step for step in PARTIES[party] if cosigned or step is not FOLLOWED]
    ticket = scene.follow(scene.file("SV01", title=TITLE), steps)
    accuse: Step = ("desk_officer", "correct", {"accused": str(scene.codes[party]), "reason": "反映的就是它"})
    scene.follow(ticket, [accuse, *ONWARDS[state]])
    if state == S.WITHDRAWN:
        scene.do("resident", ticket, "withdraw")
    if state == S.MERGED:
        other = scene.file("SV01", title=TITLE, type="complaint", secrecy="open", accused_id=scene.codes[party])
        scene.do("desk_officer", ticket, "merge", into=str(other))
    assert Ticket.objects.get(pk=ticket).state == state
    return ticket


def recused(ticket: Ticket, *, officer: Person, follower: Person) -> list[Person]:
    """People of two of the organisations that are accused, and an officer of the street and a neighbour who cosigned, who sit there now."""
    accused = Organisation.objects.filter(pk__in=ticket.accused).order_by("code")[0]
    for person in (officer, follower):
        seat(person, accused, "member")
    seated = Membership.objects.filter(organisation__in=ticket.accused, ends_on=None, person__is_active=True)
    first = (
        seated.order_by("organisation_id", "role", "person_id")
        .distinct("organisation_id")
        .values_list("person", flat=True)
    )
    return list(Person.objects.filter(pk__in=[*first[:2], officer.pk, follower.pk]))


@cache
def described() -> dict[str, Any]:
    """The addresses of the API, as its document describes them."""
    paths: dict[str, Any] = SchemaGenerator().get_schema(public=True)["paths"]
    return paths


def questions(ticket: Ticket, parties: Collection[Any], *, narrowed: bool) -> Iterator[tuple[str, dict[str, str]]]:
    """Every address of the API that lists something, with every choice that it offers.

    `narrowed`: by the ticket's number, words, place, category and organisations as well, with every pair of choices. Otherwise a list
    that holds all statuses stands for those of one.
    """
    known = {
        "compound": [str(ticket.compound_id)],
        "organisation": [str(one) for one in parties],
        "category": ["SV01"],
        "q": [TITLE, ticket.code],
        "text": [TITLE],
    }
    if not narrowed:
        known = {}
    for path, operations in described().items():
        if "{" in path or "get" not in operations or (path.endswith("/counts") and not narrowed):
            continue
        named = {one["name"]: one for one in operations["get"].get("parameters", ()) if one["in"] == "query"}
        choices = {
            name: [*map(str, one["schema"]["enum"])]
            for name, one in named.items()
            if "enum" in one["schema"] and name in {"scope", "status"}
        }
        if not narrowed and "all" in choices.get("status", ()):
            choices["status"] = ["all"]
        asks_of_a_place = named.keys() & {"text", "at"}
        fixed = {"category": "SV01", "text": TITLE, "compound": str(ticket.compound_id)} if asks_of_a_place else {}
        fixed = {name: value for name, value in (fixed | {"by": "state", "limit": "100"}).items() if name in named}
        narrowings = [(name, value) for name, values in known.items() if name in named for value in values]
        # With two choices, each narrowing is asked for with every scope, and goes through the statuses meanwhile.
        several = len(choices["status"]) if len(choices) == 2 else 1
        for number, chosen in enumerate(product(*choices.values())):
            base = dict(zip(choices, chosen, strict=True)) | fixed
            if base.get("scope") == "compound":
                base["compound"] = str(ticket.compound_id)
            yield path, base
            for turn, (name, value) in enumerate(narrowings, number + number // several):
                if name not in base and turn % several == 0:
                    yield path, base | {name: value}


def assert_nothing_found(caller: Caller, ticket: Ticket, parties: Collection[Any], *, narrowed: bool = True) -> None:
    """Nothing that the caller can ask for holds the ticket, and by its own address it does not exist."""
    for path, query in questions(ticket, parties, narrowed=narrowed):
        answer = caller.client.get(path, query)
        assert answer.status_code in {200, 403, 409}, (path, query, answer.content)
        body = answer.content.decode().replace(json.dumps(query.get("q", "")), "")
        for secret in (str(ticket.pk), ticket.code, TITLE):
            assert secret not in body, (path, query)
        if path.endswith("/counts") and answer.status_code == 200:
            assert answer.json()["total"]["count"] == 0, (path, query)
    one = f"/api/v1/tickets/{ticket.pk}"
    for path in (one, f"{one}/events", f"{one}/moves"):
        assert caller.client.get(path).status_code == 404
    for name in ("reveal", "progress", "urge"):
        sent = caller.client.post(
            f"{one}/moves/{name}", INPUTS.get(name, {}), format="json", headers={"If-Match": '"1"'}
        )
        assert sent.status_code == 404


@pytest.mark.parametrize(
    ("party", "state"),
    [
        *(("po-a01", state) for state in State),
        *((party, state) for party in PARTIES if party != "po-a01" for state in (S.COORDINATING, S.CLOSED)),
    ],
)
def test_whoever_sits_with_the_accused_finds_the_ticket_nowhere(scene, party, state):
    ticket = Ticket.objects.get(pk=accusing(scene, party, state))
    # Lists are narrowed alike in every state, so that an open and an ended one stand for the others.
    narrowed = party == "po-a01" and state in (S.COORDINATING, S.CLOSED)
    officer, follower = scene.cast["general_officer"], scene.cast["tenant"]
    people = recused(ticket, officer=officer, follower=follower)
    if not narrowed:
        # One who has always sat there, and the officer of the street, to whom most is shown.
        people = [*[one for one in people if one not in (officer, follower)][:1], officer]
    for person in people:
        assert_nothing_found(Caller(person), ticket, ticket.accused, narrowed=narrowed)


@pytest.mark.parametrize("party", ["po-a01", "section-city"])
def test_before_it_was_accused_it_found_what_it_had_done_and_the_street_finds_it_still(scene, party):
    ticket = Ticket.objects.get(pk=scene.follow(scene.file("SV01", title=TITLE), PARTIES[party]))
    (person,) = Person.objects.filter(pk=scene.cast["dispatcher" if party == "po-a01" else "city_officer"].pk)
    caller, officer = Caller(person), Caller(scene.cast["desk_officer"])
    for reader in (caller, officer):
        with pytest.raises(AssertionError):
            assert_nothing_found(reader, ticket, [scene.codes[party]])
    scene.do("desk_officer", ticket.pk, "correct", accused=str(scene.codes[party]), reason="反映的就是它")
    ticket.refresh_from_db(fields=["accused"])
    assert_nothing_found(caller, ticket, ticket.accused)
    with pytest.raises(AssertionError):
        assert_nothing_found(officer, ticket, ticket.accused)


def _offered(scene: Scene, who: str, ticket: Ticket) -> list[str]:
    try:
        return scene.offered(who, ticket.pk)
    except Ticket.DoesNotExist:
        return []


@pytest.mark.parametrize("state", [one for one in State if one not in {S.REJECTED, S.TERMINATED, S.WITHDRAWN}])
def test_whatever_is_done_next_the_accused_their_robots_and_systems_hear_nothing(today, outlets, state):
    ticket = Ticket.objects.get(pk=accusing(today, "po-a01", state))
    people = recused(ticket, officer=today.cast["general_officer"], follower=today.cast["tenant"])
    today.known.clear()
    announce.tell_outbox()
    theirs = around(outlets, ticket.accused) | {one.pk for one in people}
    heard, made = set(Message.objects.values_list("pk", flat=True)), set()
    may = [(name, who) for who in ACTING[:-1] for name in _offered(today, who, ticket)]
    may += [(name, "clock") for name, one in moves(Ticket).items() if state in one.sources]
    for name, who in may:
        if name in made:
            continue
        with undone(), suppress(Refusal):
            into = {"into": str(today.file(title=TITLE))} if name == "merge" else {}
            with transaction.atomic():
                today.do(who, ticket.pk, name, **INPUTS.get(name, {}) | into)
            announce.tell_outbox()
            told = Message.objects.exclude(pk__in=heard)
            assert not told.filter(recipient__in=theirs).exists(), f"{name} by {who}"
            made.add(name)
    assert made
    assert Organisation.objects.filter(pk__in=ticket.accused).count() > 1
