"""How many statements a request costs: what Django captures, less BEGIN and COMMIT, with every savepoint counted."""

import secrets
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from community.models import Membership, Organisation
from community.zones import zone_of
from tests.statements import statements
from tests.tickets.conftest import Caller
from tests.tickets.story import row
from tickets import catalogue
from tickets.codes import new_code
from tickets.kind import TICKETS
from tickets.models import Assignment, Photo, Ticket, service_level
from tickets.models.routing import versions
from workflow import calendars
from workflow.moment import at
from workflow.moves import moves

FILING, MOVE, LIST = 12, 14, 6
OFFICES = [f"po-a{number:02}" for number in (2, 3, 4, 5, 6, 7, 8, 9, 10, 11)]


@contextmanager
def request_statements() -> Iterator[list[str]]:
    """The statements that are made inside; the request's own transaction, which a test nests in its own, does not count."""
    made: list[str] = []
    # What a process remembers for good, or for seconds, it has remembered.
    catalogue.current(timezone.now())
    service_level.in_effect(timezone.now())
    versions.number(timezone.now())
    zone_of(uuid.uuid4())
    calendars.calendar(calendars.newest(), settings.TIME_ZONE)
    with statements() as sql:
        yield made
    if outer := next((one for one in sql if one.startswith("SAVEPOINT")), None):
        sql.remove(outer)
        sql.remove(f"RELEASE {outer}")
    made += [one for one in sql if one not in ("BEGIN", "COMMIT")]


@pytest.fixture
def code(db):
    """`code("po-a01")` is the id of that organisation."""
    known = {code: str(pk) for code, pk in Organisation.objects.values_list("code", "pk")}
    return known.__getitem__


# Filing.


@pytest.mark.parametrize(
    ("who", "category", "report", "routed"),
    [
        ("resident", "CL03", {}, "dispatched"),
        ("resident", "PK01", {}, "coordinating"),
        ("resident", "EL01", {"spot": "3号楼"}, "dispatched"),
        ("resident", "UT01", {}, "dispatched"),
        ("resident", "TR01", {"street": "here"}, "coordinating"),
        ("resident", "IL01", {}, "dispatched"),
        ("resident", "NB02", {}, "dispatched"),
        ("resident", "SV01", {"type": "consult"}, "submitted"),
        ("resident", "SV01", {"type": "complaint", "secrecy": "confidential"}, "coordinating"),
        ("resident", "PK01", {"type": "report", "accused": "po-a01", "secrecy": "anonymous"}, "coordinating"),
        ("resident", "CL03", {"photos": 9}, "dispatched"),
        ("resident", "PK01", {"type": "report", "accused": "po-a01", "photos": 3}, "coordinating"),
        ("resident_quasi", "CL03", {}, "dispatched"),
        ("resident_unstaffed", "CL03", {}, "dispatched"),
        ("desk_officer", "RP04", {"channel": "phone", "contact_phone": "19900000001", "at": "home"}, "dispatched"),
        ("desk_officer", "RP04", {"channel": "hotline", "contact_phone": "01062000000", "at": "home"}, "dispatched"),
        ("desk_officer", "RP04", {"channel": "patrol", "at": "home"}, "dispatched"),
        ("dispatcher", "PK01", {"channel": "self_check", "at": "home"}, "coordinating"),
    ],
)
def test_filing_costs_twelve_statements_at_most(api, street, compound, code, photos, who, category, report, routed):
    caller, report = api(who), dict(report)
    if report.pop("street", None):
        report["street"] = str(street.pk)
    if report.pop("at", None):
        report["compound"] = str(compound("学院路14号院"))
        report |= {"contact_name": "李大爷", "hotline_number": "2026-1"} if "contact_phone" in report else {}
    if "accused" in report:
        report["accused"] = code(report["accused"])
    if "photos" in report:
        report["photos"] = photos(caller, report["photos"])
    if not {"street", "compound"} & set(report):
        report["compound"] = str(caller.person.residencies.get(ends_on=None).compound_id)
    body = {"category": category, "text": "请尽快处理。", **report}
    with request_statements() as made:
        answer = caller.post("tickets", body, 201, **{"Idempotency-Key": secrets.token_hex(8)})
    assert answer["state"] == routed
    assert len(made) <= FILING, made


@pytest.fixture
def photos(db):
    """`photos(caller, 3)` are the ids of three photos of the caller's, as rows alone."""

    def make(caller: Caller, count: int) -> list[str]:
        rows = Photo.objects.bulk_create(
            [
                Photo(uploader=caller.person, kind="after", width=8, height=8, bytes=8, sha256=secrets.token_hex(32))
                for _ in range(count)
            ]
        )
        return [str(one.pk) for one in rows]

    return make


# Moves.


@dataclass(frozen=True)
class Way:
    """A move to count, and the steps that lead to where it can be made: who, the move, its inputs."""

    category: str
    steps: Sequence[tuple[str, str, Mapping[str, Any]]]
    who: str
    name: str
    inputs: Mapping[str, Any]
    report: Mapping[str, Any]


def way(category: str, *steps: Any, **report: Any) -> Way:
    """`way("CL07", ("dispatcher", "sign"), …)`: the last step is the one that counts."""
    whole = [(who, name, given[0] if given else {}) for who, name, *given in steps]
    *before, (who, name, inputs) = whole
    return Way(category, before, who, name, inputs, report)


X = {"reason": "x"}
SIGN, CONTACT = ("dispatcher", "sign"), ("dispatcher", "contact", {"result": "reached", "words": "x"})
REPLY = ("dispatcher", "reply", {"result": "x", "photos": 9})
CONFIRM = ("resident", "confirm", {"resolved": True, "rating": 5, "words": "x"})
WHISTLE = ("property_officer", "whistle", {"departments": ["dept-police", "dept-fire", "dept-parks"], **X})
POLICE = "dept-police-liaison"
EXTEND = ("dispatcher", "request_extension", {"days": 3, **X})
ACCOUNT = ("property_officer", "put_on_account", {"kind": "other", "owner": "dept-fire", "plan_date": "soon", **X})
# The widest dispatch that the API takes: a holder, ten co-handlers, five later steps.
WIDE = {"holder": "po-a01", "co_handlers": OFFICES, "next_steps": ["co-jinglin", "co-shouwang", *OFFICES[:3]]}
WIDE_DISPATCH = ("chair", "dispatch", {**WIDE, "note": "x"})
FALLEN = {"holder": "po-a22"}
QUESTION = {"type": "consult"}

WAYS = [
    way("SV01", ("desk_officer", "answer_now", {"answer": "x"}), **QUESTION),
    way("PK01", ("property_officer", "correct", {"category": "CL03", "compound": "here", "spot": "x", **X})),
    way("CL07", SIGN, ("dispatcher", "coordinate", X)),
    way("PK01", WIDE_DISPATCH, SIGN, ("property_officer", "coordinate", X)),
    way("PK01", ("chair", "record", {"met_with": "x", "agreed": "x"})),
    way("PK01", ("property_officer", "take_over", X)),
    way("PK01", ("chair", "dispatch", {"holder": "po-a01"})),
    way("PK01", WIDE_DISPATCH),
    way("PK01", ("property_officer", "dispatch", FALLEN)),
    way("CL07", ("dispatcher", "sign", {"worker": "worker"})),
    way("PK01", WIDE_DISPATCH, SIGN),
    way("EL01", ("lift_dispatcher", "sign")),
    way("PK01", WIDE_DISPATCH, ("property_officer", "redispatch", {**WIDE, "holder": "po-a20", **X})),
    way("CL07", ("dispatcher", "return", X)),
    way("PK01", WIDE_DISPATCH, ("dispatcher", "return", X)),
    way("CL07", ("dispatcher", "return", X), ("property_officer", "uphold", X)),
    way("PK01", WIDE_DISPATCH, ("dispatcher", "return", X), ("property_officer", "uphold", X)),
    way("PK01", WIDE_DISPATCH, ("dispatcher", "return", X), ("property_officer", "designate", X)),
    way("CL07", SIGN, ("dispatcher", "assign", {"worker": "worker", "note": "x"})),
    way("CL07", SIGN, CONTACT),
    way("CL07", SIGN, ("dispatcher", "arrive")),
    way("CL07", SIGN, ("dispatcher", "progress", {"text": "x", "photos": 9})),
    way("PK01", WIDE_DISPATCH, SIGN, CONTACT, ("dispatcher", "complete_step", {"result": "x", "photos": 9})),
    way("CL07", SIGN, ("dispatcher", "ask", {"question": "x"})),
    way("CL07", SIGN, ("dispatcher", "ask", {"question": "x"}), ("resident", "answer", {"answer": "x", "photos": 9})),
    way("CL07", SIGN, EXTEND),
    way("CL07", SIGN, EXTEND, ("property_officer", "grant_extension", X)),
    way("CL07", SIGN, EXTEND, ("property_officer", "refuse_extension", X)),
    way("CL07", SIGN, WHISTLE),
    way("CL07", SIGN, WHISTLE, (POLICE, "report_in", X)),
    way("CL07", SIGN, WHISTLE, (POLICE, "decline", X)),
    way("CL07", SIGN, WHISTLE, (POLICE, "assist_done", {"words": "x"})),
    way("CL07", SIGN, WHISTLE, ACCOUNT),
    way("CL07", SIGN, ACCOUNT, ("property_officer", "resume", X)),
    way("PK01", ACCOUNT, ("property_officer", "progress", {"text": "x"})),
    way("CL07", SIGN, CONTACT, REPLY),
    way("PK01", ("chair", "dispatch", {"holder": "po-a01", "co_handlers": OFFICES}), SIGN, CONTACT, REPLY),
    way("SV01", ("desk_officer", "reply", {"result": "x", "photos": 9}), **QUESTION),
    way("CL07", SIGN, CONTACT, REPLY, CONFIRM),
    way("PK01", ("chair", "dispatch", {"holder": "po-a01", "co_handlers": OFFICES}), SIGN, CONTACT, REPLY, CONFIRM),
    way("CL07", SIGN, CONTACT, REPLY, ("resident", "dispute", {"photos": 9, **X})),
    way("CL07", ("neighbour", "cosign"), SIGN, CONTACT, REPLY, ("neighbour", "dispute", {**X, "photos": 9})),
    way(
        "CL07", ("neighbour", "cosign"), SIGN, CONTACT, REPLY, ("resident", "dispute", X), REPLY,
        ("neighbour", "dispute", {**X, "photos": 9}),
    ),
    way(
        "CL07", SIGN, CONTACT, REPLY,
        ("desk_officer", "callback", {"valid": True, "contacted": True, "resolved": True, "satisfied": 3, "words": "x"}),
    ),
    way("CL07", SIGN, CONTACT, REPLY, CONFIRM, ("resident", "reopen", X)),
    way("CL07", ("property_officer", "reject", {"branch": "secret", "guidance": "x"})),
    way("PK01", WIDE_DISPATCH, ("property_officer", "reject", {"branch": "secret", "guidance": "x"})),
    way("CL07", ("neighbour", "cosign"), SIGN, ("property_officer", "merge", {"into": "another"})),
    way("PK01", WIDE_DISPATCH, ("property_officer", "merge", {"into": "another"})),
    way("CL07", SIGN, ("property_officer", "merge", {"into": "another"}), ("property_officer", "split", X)),
    way("CL07", ("desk_officer", "file_another", {"category": "PK01", "text": "x", "photos": 9})),
    way("PK01", WIDE_DISPATCH, SIGN, ("desk_officer", "file_another", {"category": "CL03"})),
    way("CL07", ("resident", "withdraw", X)),
    way("PK01", WIDE_DISPATCH, ("resident", "withdraw", X)),
    way("CL07", ("neighbour", "cosign"), ("resident", "withdraw", X)),
    way("CL07", ("neighbour", "cosign"), ("resident", "withdraw", X), ("neighbour", "succeed")),
    way("CL07", ("neighbour", "cosign"), ("resident", "withdraw", X), ("neighbour", "decline_succession")),
    way("CL07", ("neighbour", "cosign"), ("resident", "withdraw", X), ("neighbour", "uncosign")),
    way("PK01", WIDE_DISPATCH, ("street_lead", "terminate", X)),
    way("CL07", ("resident", "urge", X)),
    way("CL07", ("neighbour", "cosign"), ("neighbour", "urge"), ("resident", "urge", X)),
    way("CL07", ("resident", "comment", {"text": "x", "photos": 9})),
    way("CL07", ("neighbour", "cosign")),
    way("CL07", SIGN, CONTACT, REPLY, CONFIRM, ("resident", "thank", {"words": "x", "consent": True})),
    way("CL07", ("property_officer", "supervise", {"kind": "listed", **X})),
    way("CL07", ("property_officer", "raise_level", {"level": 4, **X})),
    way("CL07", ("property_officer", "supervise", {"kind": "listed", **X}), ("property_officer", "lift_supervision", X)),
    way("CL07", ("property_officer", "raise_level", {"level": 4}), ("property_officer", "lower_level", {"level": 1, **X})),
    way("CL07", ("property_officer", "appoint", {"officer": "desk_officer", **X})),
    way("CL07", ("property_officer", "remark", {"text": "x"})),
    way("CL07", ("desk_officer", "correct_contact", {"contact_phone": "13800138000", **X})),
    way("CL07", SIGN, ("desk_officer", "correct", {"category": "SV02", "compound": "here", **X})),
    way("CL07", ("dispatcher", "reveal", X)),
    way("CL07", ("resident", "hide_words", {"hidden": True})),
    way("CL07", ("property_officer", "redact", {"hidden": True, **X})),
    way("CL07", SIGN, CONTACT, REPLY, ("desk_officer", "confirm", {**CONFIRM[2], "on_behalf_of": "reporter"})),
]  # fmt: skip


def test_every_move_that_a_person_may_make_is_counted():
    assert {one.name for one in WAYS} | {"rate", "close"} == {
        name for name, move in moves(Ticket).items() if TICKETS.for_people(move)
    }


@pytest.mark.parametrize("way", WAYS, ids=lambda way: "-".join([way.category, *(s[1] for s in way.steps), way.name]))
def test_a_move_costs_fourteen_statements_at_most(api, code, photos, way):
    start = timezone.now()
    ticket = api("resident").file(way.category, **way.report)

    def given(who: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        body = dict(inputs)
        for name in {"holder", "owner"} & set(body):
            body[name] = code(body[name])
        for name in {"co_handlers", "next_steps", "departments"} & set(body):
            body[name] = [code(one) for one in body[name]]
        if "photos" in body:
            body["photos"] = photos(api(who), body["photos"])
        if "worker" in body:
            body["worker"] = str(api("worker").person.pk)
        if "officer" in body:
            body["officer"] = str(api(body["officer"]).person.pk)
        if "compound" in body:
            body["compound"] = str(row(ticket).compound_id)
        if "into" in body:
            body["into"] = api("tenant").file(way.category)["id"]
        if "plan_date" in body:
            body["plan_date"] = (timezone.localdate() + timedelta(days=90)).isoformat()
        return body

    # Time goes by, so that every due moment moves: PostgreSQL's own stands still in a test.
    for number, (who, name, inputs) in enumerate(way.steps, start=1):
        with at(start + timedelta(minutes=number)):
            api(who).move(ticket, name, **given(who, inputs))
    caller, body, version = api(way.who), given(way.who, way.inputs), row(ticket).version
    headers = {"If-Match": f'"{version}"', "Idempotency-Key": secrets.token_hex(8)}
    with at(start + timedelta(minutes=20)), request_statements() as made:
        answer = caller.post(f"tickets/{ticket['id']}/moves/{way.name}", body, **headers)
    assert answer["verb"] == way.name
    assert len(made) <= MOVE, made


def test_a_rating_by_one_whose_report_was_merged_costs_fourteen_statements_at_most(api):
    ticket, other = api("resident").file("CL07"), api("tenant").file("CL07")
    api("property_officer").move(other, "merge", into=ticket["id"])
    for who, name, *given in (SIGN, CONTACT, ("dispatcher", "reply", {"result": "x"})):
        api(who).move(ticket, name, **(given[0] if given else {}))
    with request_statements() as made:
        api("tenant").post(
            f"tickets/{ticket['id']}/moves/rate", {"rating": 3, "words": "x"}, **{"Idempotency-Key": "k"}
        )
    assert len(made) <= MOVE, made


def test_closing_what_was_found_on_patrol_costs_fourteen_statements_at_most(api, compound):
    officer, home = api("desk_officer"), str(compound("学院路14号院"))
    ticket = officer.file("CL07", channel="patrol", compound=home)
    for who, name, *given in (SIGN, ("dispatcher", "reply", {"result": "x"})):
        api(who).move(ticket, name, **(given[0] if given else {}))
    headers = {"If-Match": f'"{row(ticket).version}"', "Idempotency-Key": "k"}
    with request_statements() as made:
        officer.post(f"tickets/{ticket['id']}/moves/close", {"words": "x"}, **headers)
    assert len(made) <= MOVE, made


def test_a_request_repeated_with_its_key_costs_two_statements_and_one_to_see_whether_it_may_be_told_still(api):
    resident = api("resident")
    home = str(resident.person.residencies.get(ends_on=None).compound_id)
    request = {"category": "CL03", "text": "垃圾桶满了。", "compound": home}
    first = resident.post("tickets", request, 201, **{"Idempotency-Key": "k1"})
    with request_statements() as made:
        assert resident.post("tickets", request, 201, **{"Idempotency-Key": "k1"}) == first
    assert len(made) == 2 + 1


def test_a_move_repeated_with_its_key_costs_two_statements_and_two_to_see_whether_it_may_be_told_still(api):
    dispatcher, ticket = api("dispatcher"), api("resident").file("CL07")
    headers = {"If-Match": f'"{row(ticket).version}"', "Idempotency-Key": "k1"}
    first = dispatcher.post(f"tickets/{ticket['id']}/moves/sign", {}, **headers)
    with request_statements() as made:
        assert dispatcher.post(f"tickets/{ticket['id']}/moves/sign", {}, **headers) == first
    assert len(made) == 2 + 2


# Lists.


def copies(ticket: Any, count: int, **changes: Any) -> None:
    """Add `count` tickets like this one, with its assignments; they have no history and are for counting only."""
    original, now = row(ticket), timezone.now()
    values = {field.attname: getattr(original, field.attname) for field in Ticket._meta.concrete_fields}
    tickets = [
        Ticket(
            **values | changes | {"id": uuid.uuid4(), "code": new_code(), "submitted_at": now - timedelta(hours=number)}
        )
        for number in range(count)
    ]
    Ticket.objects.bulk_create(tickets)
    parts = []
    for one in Assignment.objects.filter(ticket=original):
        columns = {field.attname: getattr(one, field.attname) for field in Assignment._meta.concrete_fields}
        parts += [Assignment(**columns | {"id": uuid.uuid4(), "ticket_id": ticket.pk}) for ticket in tickets]
    Assignment.objects.bulk_create(parts)


LISTS = {
    "mine": ("resident", "tickets?scope=mine"),
    "mine open": ("resident", "tickets?scope=mine&status=open"),
    "mine ended": ("resident", "tickets?scope=mine&status=ended"),
    "followed": ("neighbour", "tickets?scope=followed"),
    "compound": ("neighbour", "tickets?scope=compound&compound={home}"),
    "area": ("chair", "tickets?scope=area"),
    "area ended": ("chair", "tickets?scope=area&status=ended"),
    "community": ("residents_committee_worker", "tickets?scope=community"),
    "community ended": ("residents_committee_worker", "tickets?scope=community&status=ended"),
    "street": ("property_officer", "tickets?scope=street"),
    "street ended": ("property_officer", "tickets?scope=street&status=ended"),
    "street in a state": ("property_officer", "tickets?scope=street&state=dispatched"),
    "street in a compound": ("property_officer", "tickets?scope=street&compound={home}"),
    "search": ("property_officer", "tickets?scope=street&q=老鼠"),
    "queue": ("dispatcher", "queue"),
    "queue of an organisation": ("dispatcher", "queue?organisation={office}"),
    "queue ended": ("dispatcher", "queue?status=ended"),
    "search in a queue": ("dispatcher", "queue?q=老鼠"),
    "duplicates for the desk": ("desk_officer", "duplicates?compound={home}&category=CL07&text=老鼠"),
    "duplicates": ("neighbour", "duplicates?compound={home}&category=CL07&text=老鼠"),
}


@pytest.fixture
def few(api):
    """An open and an ended ticket, each in everybody's lists; the neighbour follows the open one."""
    resident, dispatcher = api("resident"), api("dispatcher")
    tickets = [resident.file("CL07", text="楼道里有老鼠。") for _ in range(2)]
    api("neighbour").move(tickets[0], "cosign")
    dispatcher.move(tickets[1], "sign")
    dispatcher.move(tickets[1], "contact", result="reached")
    dispatcher.move(tickets[1], "reply", result="已消杀。")
    resident.move(tickets[1], "confirm", resolved=True, rating=5)
    return tickets


def test_a_page_costs_six_statements_at_most_and_as_many_with_few_as_with_many(api, few, compound, code):
    named = {"home": compound("学院路14号院"), "office": code("po-a01")}
    lists = {name: (api(who), path.format(**named)) for name, (who, path) in LISTS.items()}
    short = {}
    for name, (caller, path) in lists.items():
        with request_statements() as before:
            short[name] = caller.get(path), before
    for ticket in few:
        copies(ticket, 150)
    for name, (caller, path) in lists.items():
        first, before = short[name]
        with request_statements() as after:
            page = caller.get(path)
        rows, more = (one["results"] if isinstance(one, dict) else one for one in (first, page))
        if name == "followed":
            assert len(rows) == len(more) == 1
        else:
            assert 1 <= len(rows) <= 2, name
            assert len(more) == (25 if isinstance(page, dict) else 5), name
        assert len(before) == len(after) <= LIST, (name, after)
        if isinstance(page, dict) and page["next_cursor"]:
            further = f"{path}{'&' if '?' in path else '?'}cursor={page['next_cursor']}"
            with request_statements() as next_page:
                assert len(caller.get(further)["results"]) == 25, name
            assert len(next_page) == len(after), name


def test_following_many_costs_as_much_as_following_one(api, few):
    neighbour = api("neighbour")
    with request_statements() as before:
        assert len(neighbour.get("tickets?scope=followed")["results"]) == 1
    for _ in range(5):
        neighbour.move(api("resident").file("CL07"), "cosign")
    with request_statements() as after:
        assert len(neighbour.get("tickets?scope=followed")["results"]) == 6
    assert len(before) == len(after) <= LIST


def test_the_smallest_and_the_largest_organisation_cost_the_same(api, few):
    copies(few[0], 300)
    small = api("resident_unstaffed").file("CL07")
    (office, desk), counted = (api("co-yinxingshu-manager"), api("dispatcher")), []
    for caller, number in ((office, 1), (desk, 25)):
        with request_statements() as made:
            assert len(caller.get("queue")["results"]) == number
        counted.append(len(made))
    assert office.get("queue")["results"][0]["ticket"]["id"] == small["id"]
    assert counted[0] == counted[1] <= LIST


def test_a_member_of_many_organisations_reads_one_queue(api, few, street):
    caller = api("dispatcher")
    with request_statements() as before:
        one = caller.get("queue")
    Membership.objects.bulk_create(
        [
            Membership(street=street, person=caller.person, organisation=office, role="member", starts_on="2021-01-01")
            for office in Organisation.objects.filter(kind="project_office").exclude(code="po-a01")
        ]
    )
    with request_statements() as after:
        assert caller.get("queue") == one
    assert len(before) == len(after) <= LIST


# One ticket.


def test_reading_a_ticket_and_its_timeline_costs_the_same_however_much_happened(api, photos, code):
    resident, dispatcher, officer = api("resident"), api("dispatcher"), api("property_officer")
    ticket = resident.file("PK01")
    paths = [f"tickets/{ticket['id']}{what}" for what in ("", "/events", "/moves")]

    def count() -> list[int]:
        counted = []
        for path in paths:
            with request_statements() as made:
                officer.get(path)
            counted.append(len(made))
        return counted

    officer.move(ticket, "record", met_with="x", agreed="x")
    before = count()
    officer.move(ticket, "dispatch", holder=code("po-a01"), co_handlers=[code(one) for one in OFFICES])
    dispatcher.move(ticket, "sign")
    for _ in range(12):
        dispatcher.move(ticket, "progress", text="x", photos=photos(dispatcher, 3))
    after = count()
    assert len(officer.get(paths[0])["assignments"]) == 11
    assert len(officer.get(paths[0])["photos"]) == 36
    assert len(officer.get(f"{paths[1]}?limit=100")["results"]) == 16
    assert before == after
    assert max(after) <= LIST
