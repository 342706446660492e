"""A schema-driven fuzzer over the whole API: whatever is sent, the answer is one that the description tells of.

What the description allows is sent with ids that exist, by somebody who may, on a ticket that stands where the move is possible: every
operation is entered and succeeds. Each request is taken back, so that the next finds everything as it was.
"""

import os
import re
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from itertools import count, cycle
from typing import Any

import pytest
import schemathesis
from django.conf import settings
from django.core import mail
from django.core.wsgi import get_wsgi_application
from django.db import transaction
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from PIL import Image
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.parameters import ParameterLocation

from community import signin, wechat
from community.models import WechatAccount
from notifications import email_addresses
from notifications.models import Message
from tests.connections import one_connection
from tests.fakes.wechat import APP_ID, APP_SECRET, serving
from tests.tickets.paths import CONTACTED, INPUTS, Scene, Step
from tests.tickets.test_moves import ALWAYS, FIRST, LEGAL, RAISED, SUPERVISED, able
from tests.tickets.test_moves import REFUSED as NOT_ABLE
from tickets import announce
from tickets.models import Ticket
from tickets.states import State
from web.texts import read_text

load_all_checks()
DESCRIBED = ["status_code_conformance", "content_type_conformance", "response_schema_conformance", "unsupported_method"]
CHECKED = {
    GenerationMode.POSITIVE: CHECKS.get_by_names(DESCRIBED),
    GenerationMode.NEGATIVE: CHECKS.get_by_names([*DESCRIBED, "negative_data_rejection"]),
}
EXAMPLES = {GenerationMode.POSITIVE: 5, GenerationMode.NEGATIVE: 3}
"""Requests for each operation, as described and not; LINLI_FUZZ_EXAMPLES is another number for both."""

EMAIL = "resident@mail.example"
# These end the sign-in of the very caller that the run needs; they have tests of their own.
LEFT_OUT = {"sign_out", "sign_out_browser", "sign_out_device", "sign_out_everywhere"}
# What asks WeChat, which may be busy.
ASKS_WECHAT = {"sign_in_wechat", "bind_wechat"}
# The statuses with which a bad request is refused: as such, or as too large, of another type, or naming what is not there.
REFUSED = range(400, 500)

ASKED: Step = ("dispatcher", "ask", INPUTS["ask"])
EXTENDED: Step = ("dispatcher", "request_extension", INPUTS["request_extension"])
IN_STEPS: list[Step] = [
    ("chair", "dispatch", {"holder": "po-a01", "next_steps": ["po-a02"]}),
    ("dispatcher", "sign", {}),
    CONTACTED,
]
# Where each move is possible: the state, more steps from there, and who makes it then.
STARTS: dict[str, tuple[State, list[Step], str]] = {
    "answer": (State.IN_PROGRESS, [ASKED], "resident"),
    "answer_now": (State.SUBMITTED, [], "desk_officer"),
    "arrive": (State.IN_PROGRESS, [], "dispatcher"),
    "assign": (State.IN_PROGRESS, [], "dispatcher"),
    "ask": (State.IN_PROGRESS, [], "dispatcher"),
    "assist_done": (State.COORDINATING, [], "traffic_liaison"),
    "callback": (State.REPLIED, [], "desk_officer"),
    "close": (State.REPLIED, [], "desk_officer"),
    "comment": (State.COORDINATING, [], "resident"),
    "complete_step": (State.COORDINATING, IN_STEPS, "dispatcher"),
    "confirm": (State.REPLIED, [], "resident"),
    "contact": (State.IN_PROGRESS, [], "dispatcher"),
    "coordinate": (State.IN_PROGRESS, [], "desk_officer"),
    "appoint": (State.IN_PROGRESS, [], "desk_officer"),
    "correct": (State.COORDINATING, [], "desk_officer"),
    "correct_contact": (State.IN_PROGRESS, [], "desk_officer"),
    "lift_supervision": (State.IN_PROGRESS, [SUPERVISED], "desk_officer"),
    "lower_level": (State.IN_PROGRESS, [RAISED], "desk_officer"),
    "remark": (State.CLOSED, [], "desk_officer"),
    "cosign": (State.DISPATCHED, [], "neighbour"),
    "decline": (State.COORDINATING, [], "traffic_liaison"),
    "designate": (State.RETURNING, [], "desk_officer"),
    "dispatch": (State.COORDINATING, [], "chair"),
    "dispute": (State.REPLIED, [], "resident"),
    "grant_extension": (State.IN_PROGRESS, [EXTENDED], "desk_officer"),
    "file_another": (State.IN_PROGRESS, [], "desk_officer"),
    "merge": (State.COORDINATING, [], "desk_officer"),
    "progress": (State.IN_PROGRESS, [], "dispatcher"),
    "put_on_account": (State.IN_PROGRESS, [], "desk_officer"),
    "raise_level": (State.COORDINATING, [], "desk_officer"),
    "record": (State.COORDINATING, [], "chair"),
    "redispatch": (State.DISPATCHED, [], "desk_officer"),
    "refuse_extension": (State.IN_PROGRESS, [EXTENDED], "desk_officer"),
    "reject": (State.COORDINATING, [], "desk_officer"),
    "reopen": (State.CLOSED, [], "resident"),
    "reply": (State.IN_PROGRESS, [CONTACTED], "dispatcher"),
    "report_in": (State.COORDINATING, [], "traffic_liaison"),
    "request_extension": (State.IN_PROGRESS, [], "dispatcher"),
    "resume": (State.ON_ACCOUNT, [], "desk_officer"),
    "return": (State.DISPATCHED, [], "dispatcher"),
    "hide_words": (State.IN_PROGRESS, [], "resident"),
    "redact": (State.IN_PROGRESS, [], "desk_officer"),
    "reveal": (State.IN_PROGRESS, [], "dispatcher"),
    "sign": (State.DISPATCHED, [], "dispatcher"),
    "split": (State.MERGED, [], "desk_officer"),
    "supervise": (State.IN_PROGRESS, [], "desk_officer"),
    "take_over": (State.COORDINATING, [], "desk_officer"),
    "terminate": (State.IN_PROGRESS, [], "street_lead"),
    "thank": (State.CLOSED, [], "resident"),
    "uphold": (State.RETURNING, [], "desk_officer"),
    "urge": (State.COORDINATING, [], "resident"),
    "whistle": (State.IN_PROGRESS, [], "desk_officer"),
    "succeed": (State.COORDINATING, [("resident", "withdraw", {})], "tenant"),
    "decline_succession": (State.COORDINATING, [("resident", "withdraw", {})], "tenant"),
    "rate": (State.REPLIED, [], "neighbour"),
    "tickets_refiling": (State.REJECTED, [], "resident"),
    "uncosign": (State.COORDINATING, [], "tenant"),
    "withdraw": (State.COORDINATING, [], "resident"),
}
for (_name, _source), _legal in LEGAL.items():
    # Of a move that has no line here, the first way that the table of moves knows.
    for _who in ALWAYS:
        if _who != "clock" and able(_who, State(_source), _name, _legal) and (_name, _who) not in NOT_ABLE:
            STARTS.setdefault(_name, (State(_source), FIRST.get((_name, _source), []), _who))
# Who reads what is not for everybody; the rest is read by a resident.
CONFIRMING = ("list_homes", "confirm_home", "object_to_home", "make_household_code")
LISTS = ("overdue_list", "overdue_counts", "at_risk_list", "at_risk_counts", "queue_list", "queue_counts")
OF_THE_OFFICE = (
    *LISTS,
    *("list_contract_timers", "find_organisations", "organisation_members", "callers_find", "callbacks_list"),
    *CONFIRMING,
)
POLICIES = tuple(
    f"policies_{one}" for one in ("versions", "draft", "read", "put", "delete", "preview", "publish", "notice")
)
READERS = dict.fromkeys(OF_THE_OFFICE, "desk_officer") | dict.fromkeys(POLICIES, "street_lead")
NOTICE = "国务院办公厅关于2027年部分节假日安排的通知：一、元旦：2027年1月1日（周五）放假，共1天。"


@pytest.fixture
def described(db):
    """The API as its own description tells it, answered in this process and transaction."""
    schema = schemathesis.openapi.from_dict(SchemaGenerator().get_schema(request=None, public=True))
    schema.app = closing(get_wsgi_application())
    schema.config.checks.negative_data_rejection.expected_statuses = [str(status) for status in REFUSED]
    return schema


def closing(app: Any) -> Any:
    """The app, closing what it answers with, as a server does; schemathesis leaves it open."""

    def answered(environ: Any, start_response: Any) -> list[bytes]:
        # schemathesis asks for gzip and does not unpack it.
        environ.pop("HTTP_ACCEPT_ENCODING", None)
        answer = app(environ, start_response)
        try:
            return [b"".join(answer)]
        finally:
            answer.close()

    return answered


@pytest.fixture
def gateways(settings, tmp_path) -> Iterator[None]:
    """WeChat, with us as its customer, and a file in the place of the SMS operator."""
    settings.SMS_LOG = tmp_path / "sms.log"
    with serving() as server:
        settings.WECHAT_BASE_URL, settings.WECHAT_APP_ID, settings.WECHAT_APP_SECRET = server.url, APP_ID, APP_SECRET
        settings.WECHAT_TEMPLATE = "template-of-the-news"
        yield
        wechat._client().close()
        wechat._client.cache_clear()


@contextmanager
def taken_back() -> Iterator[None]:
    """Whatever happens inside is taken back; not by an `atomic`, in which no request of its own could open a transaction."""
    point = transaction.savepoint_create()
    try:
        yield
    finally:
        transaction.savepoint_rollback(point)


@dataclass
class Street:
    """What is there to be named in a request."""

    scene: Scene
    api: Any
    sms: Any
    jpeg: bytes

    def __post_init__(self) -> None:
        codes = self.scene.codes
        one = {name: str(codes["po-a02"]) for name in ("holder", "owner", "organisation")}
        several = {
            "departments": ["dept-police"],
            "co_handlers": ["lift-shengan"],
            "next_steps": ["co-jinglin"],
        }
        self.named: dict[str, Any] = {
            **one,
            **{name: [str(codes[code]) for code in organisations] for name, organisations in several.items()},
            "compound": str(self.scene.home),
            "street": str(self.scene.cast["resident"].residencies.first().street_id),
            "accused": str(codes["po-a03"]),
            "worker": str(self.scene.cast["worker"].pk),
            "category": "CL04",
            "plan_date": (timezone.localdate() + timedelta(days=60)).isoformat(),
            "level": 4,
            "officer": str(self.scene.cast["desk_officer"].pk),
            "contact_phone": "010-62332233",
            "results": {settings.WECHAT_TEMPLATE: "accept"},
        }
        self.numbers = count(1)
        self.tickets: dict[str, uuid.UUID] = {}

    def token(self, who: str) -> str:
        """The header by which `who` signs in."""
        return str(self.api(who).client._credentials["HTTP_AUTHORIZATION"])

    def start(self, operation: str) -> tuple[uuid.UUID, str]:
        """A ticket that stands where the operation starts, as others do that start there, and who may do it then."""
        read = (State.IN_PROGRESS, list[Step](), READERS.get(operation, "resident"))
        state, steps, who = STARTS.get(operation.removeprefix("tickets_move_"), read)
        if (start := repr((state, steps))) not in self.tickets:
            self.tickets[start] = self.scene.follow(self.scene.reach(state), steps)
        return self.tickets[start], who

    def ticket(self, operation: str) -> tuple[uuid.UUID, str]:
        """A ticket that stands where the operation is possible, and who may do it then."""
        ticket, who = self.start(operation)
        if operation == "tickets_move_close":
            return self.scene.follow(self.scene.file(who=who, channel="patrol"), [(who, "reply", INPUTS["reply"])]), who
        if operation == "tickets_move_rate":
            self.scene.do("desk_officer", self.scene.file(who=who), "merge", into=str(ticket))
        return ticket, who

    def code(self, phone: str) -> str:
        """A code that was sent to the phone."""
        signin.send_code(phone, "127.0.0.1", "")
        return str(self.sms.read_text().split()[-1])

    def bind(self, case: Any, operation: str, who: str) -> None:
        """Put what exists in the place of what was made up, wherever the case names something."""
        query, path = case.query or {}, case.path_parameters or {}
        query.pop("cursor", None)
        if "at" in query:
            query["at"] = (timezone.now() + timedelta(days=3)).isoformat()
        query |= {name: "院" for name, value in query.items() if isinstance(value, str) and not readable(value)}
        query |= {name: self.named[name] for name in query.keys() & self.named.keys()}
        query.update({"organisation": str(self.scene.codes["po-a01"])} if "organisation" in query else {})
        if "organisation_id" in path:
            path["organisation_id"] = str(self.scene.codes["po-a01"])
        if "photo_id" in path:
            path["photo_id"] = self.api(who).photo()
        if operation == "read_place":
            path["id"] = str(self.scene.home)
        if operation in {"read_notification", "mark_notification_read"}:
            self.scene.file()
            announce.tell_outbox()
            inbox = Message.objects.filter(person=self.scene.cast["resident"], inbox=True)
            path["id"] = str(inbox.latest("id").pk)
        home = self.scene.cast["resident"].residencies.first()
        if operation in {"move_out", "confirm_my_home", "confirm_home", "object_to_home"}:
            path["id"] = str(home.pk)
        if operation == "make_household_code":
            path["id"] = str(home.household_id)
        if operation in POLICIES:
            self.bind_policy(case, operation)
            return
        body = case.body
        if not isinstance(body, dict):
            return
        # What has no field is refused by name, which the description leaves open.
        for name in body.keys() - fields_of(case):
            del body[name]
        body.pop("on_behalf_of", None)
        # JSON knows 2.0 as an integer, and this API does not.
        body |= {name: int(value) for name, value in body.items() if isinstance(value, float)}
        body |= {name: "请尽快处理。" for name, value in body.items() if isinstance(value, str) and not readable(value)}
        body |= {name: self.named[name] for name in body.keys() & self.named.keys()}
        if operation == "tickets_move_correct_contact":
            # One of the two is to be said, and to be another.
            body["contact_name"] = "李大爷"
        if operation == "tickets_move_lower_level":
            body["level"] = 1
        if operation in {"tickets_submit", "tickets_face"}:
            # The street's staff report for somebody else; a resident for themselves, at home.
            for name in ("channel", "contact_name", "contact_phone", "hotline_number", "street", "inspector"):
                body.pop(name, None)
            body["compound"] = str(self.scene.home)
        if "organisation" in body:
            body["organisation"] = str(self.scene.codes["dept-traffic-police"])
        if "into" in body:
            body["into"] = str(self.scene.file())
        if "photos" in body:
            body["photos"] = [self.scene.photo(who) for _ in body["photos"]]
        if "file" in body:
            body["file"] = self.jpeg
        if operation == "move_in":
            body["compound"] = str(self.scene.cast["resident_quasi"].residencies.first().compound_id)
            body.pop("household", None)
        if "email" in body:
            body["email"] = EMAIL
        self.prove(body, operation, who)

    def bind_policy(self, case: Any, operation: str) -> None:
        """A draft of the street's, and a body that fits it; what a policy says is put as it stands."""
        path, lead = case.path_parameters, self.api("street_lead")
        if operation == "policies_notice":
            path["kind"] = "calendar"
        if isinstance(case.body, dict):
            # From what counts now, and in the street that the caller leads.
            for name in ("copy_of", "street", "effective_from"):
                case.body.pop(name, None)
        if "number" in path:
            draft = lead.post(f"policies/{path['kind']}", status=201)
            path["number"] = draft["number"]
            if operation == "policies_put":
                case.body = draft["content"]
            if operation == "policies_notice":
                case.body |= {"text": NOTICE, "year": 2027}

    def prove(self, body: dict[str, Any], operation: str, who: str) -> None:
        """Put a real code of a real phone into what signs in."""
        phone = f"1390000{next(self.numbers):04}"
        if "phone" in body:
            body["phone"] = phone
        if operation == "sign_in_wechat":
            body["code"] = f"openid-{next(self.numbers)}"
        elif operation == "confirm_email":
            email_addresses.ask(self.api(who).person.pk, EMAIL, "zh-hans")
            body["code"] = re.search(r"[0-9]{6}", str(mail.outbox[-1].body))[0]
        elif "code" in body:
            body["code"] = self.code(phone)
            body.pop("request", None)
        if operation == "bind_wechat":
            answer = self.api("outsider").client.post(
                "/api/v1/auth/wechat", {"code": f"openid-{next(self.numbers)}"}, format="json"
            )
            body["ticket"] = answer.json()["ticket"]


def fields_of(case: Any) -> set[str]:
    """The fields that the description knows of the case's body."""
    raw = case.operation.definition.raw["requestBody"]["content"]
    named = next(iter(raw.values()))["schema"]["$ref"].rpartition("/")[2]
    return set(case.operation.schema.raw_schema["components"]["schemas"][named].get("properties", ()))


def readable(words: str) -> bool:
    """Whether somebody may have written this; what the description cannot forbid is refused all the same, as blank or unprintable."""
    return words.isprintable() and bool(read_text(words))


@pytest.fixture
def at_work(scene, api, gateways, settings) -> Street:
    """The demo street today, with what a request may name."""
    scene.now = timezone.now() - timedelta(hours=1)
    # Signed in once, before anything that is taken back.
    for who in {"street_lead", "outsider", *(who for _, _, who in STARTS.values())}:
        api(who)
    account = WechatAccount.objects.create(person=scene.cast["resident"], openid="openid-of-the-resident")
    account.person.tokens.update(wechat=account)
    picture = BytesIO()
    Image.new("RGB", (64, 48), "green").save(picture, "JPEG")
    return Street(scene, api, settings.SMS_LOG, picture.getvalue())


def fuzz(described: Any, street: Street, mode: GenerationMode) -> dict[str, Counter[int]]:
    """Send some requests to every operation; how often each status answered, by operation."""
    seen: dict[str, Counter[int]] = {}
    for result in described.get_all_operations():
        operation = result.ok()
        name = operation.definition.raw["operationId"]
        if name not in LEFT_OUT:
            seen[name] = Counter()
            street.start(name)
            with taken_back():
                examine(operation, street, mode, seen[name])
    return seen


def examine(operation: Any, street: Street, mode: GenerationMode, seen: Counter[int]) -> None:
    """Send some requests to one operation."""
    name = operation.definition.raw["operationId"]
    ticket, who = street.ticket(name)
    version = Ticket.objects.get(pk=ticket).version
    # Mostly whoever may; now and then somebody for whom it is not.
    turns = cycle(
        [who, who, "dispatcher", who, "resident", "street_lead"] if mode is GenerationMode.POSITIVE else [who]
    )
    callers: dict[str, str] = {}
    guarded = any(one["name"] == "If-Match" for one in operation.definition.raw.get("parameters", ()))

    def send(case: Any) -> None:
        # The same case is sent by the same caller, so that it fails again when it is tried again.
        caller = callers.setdefault(repr((case.body, case.query, case.headers, case.path_parameters)), next(turns))
        with taken_back():
            negated = {
                location
                for location, part in case.meta.components.items()
                if part.mode is GenerationMode.NEGATIVE and mode is GenerationMode.NEGATIVE
            }
            # A bad body is sent to the right place at the right version, so that it is read.
            read = ParameterLocation.BODY in negated
            if (read or ParameterLocation.PATH not in negated) and "ticket_id" in (case.path_parameters or {}):
                case.path_parameters["ticket_id"] = str(ticket)
            if (read and guarded) or (ParameterLocation.HEADER not in negated and "If-Match" in (case.headers or {})):
                case.headers["If-Match"] = f'"{version}"'
            if ParameterLocation.HEADER not in negated and case.headers:
                case.headers.pop("Idempotency-Key", None)
            if mode is GenerationMode.POSITIVE:
                street.bind(case, name, caller)
            with one_connection():
                response = case.call(headers={"Authorization": street.token(caller)})
            assert response.status_code < 500 or (response.status_code == 503 and name in ASKS_WECHAT), (
                case.as_curl_command()
            )
            case.validate_response(response, checks=CHECKED[mode])
            seen[response.status_code] += 1

    hypothesis_settings(
        max_examples=int(os.environ.get("LINLI_FUZZ_EXAMPLES", EXAMPLES[mode])),
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )(given(operation.as_strategy(generation_mode=mode))(send))()


def test_what_the_description_allows_is_answered_as_it_says(described, at_work):
    seen = fuzz(described, at_work, GenerationMode.POSITIVE)
    assert set(STARTS) - {"tickets_refiling"} == {
        name.removeprefix("tickets_move_") for name in seen if name.startswith("tickets_move_")
    }
    never = {name: dict(statuses) for name, statuses in seen.items() if not any(200 <= one < 300 for one in statuses)}
    assert never == {}
    assert set(POLICIES) == {name for name in seen if name.startswith("policies_")}


def test_what_the_description_forbids_is_refused_as_it_says(described, at_work):
    seen = fuzz(described, at_work, GenerationMode.NEGATIVE)
    # What has a body is refused for the body, too, and not only for the place that it was sent to.
    entered = {name for name, statuses in seen.items() if name.startswith("tickets_move_") and statuses[400]}
    assert len(entered) > 0.9 * len(STARTS), {name: dict(seen[name]) for name in seen.keys() - entered}
