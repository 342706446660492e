"""Real paths to every state: people of the demo street make moves through the engine, at moments that the test decides."""

import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from casework.acting import make_move
from casework.api.inputs import validated
from casework.kinds import Kind
from community.actors import by_person
from community.models import Compound, Organisation
from tickets.filing import Report, submit
from tickets.kind import TICKETS, _Tickets
from tickets.models import Photo, Ticket
from tickets.models.photo import PhotoKind
from tickets.states import State
from workflow.actor import Actor
from workflow.errors import Refusal
from workflow.models import Event
from workflow.moves import moves

BEGIN = datetime.fromisoformat("2025-06-02T09:00:00+08:00")
HOME = "学院路14号院"
# Inputs that name organisations; the tests name them by their codes.
PARTIES = frozenset({"holder", "owner", "departments", "co_handlers", "next_steps", "organisation"})

type Step = tuple[str, str, dict[str, Any]]


class _SeenByAll(_Tickets):
    """Tickets that everybody sees: what refuses a move is the move itself."""

    def sees(self, subject: Ticket, actor: Actor) -> bool:
        return True


SEEN_BY_ALL = _SeenByAll()


@dataclass
class Scene:
    """The demo street at `now`, which a move takes forward by a minute."""

    cast: dict[str, Any]
    now: datetime = BEGIN
    known: dict[str, Actor] = field(default_factory=dict)
    codes: dict[str, uuid.UUID] = field(default_factory=dict)
    home: uuid.UUID | None = None

    def __post_init__(self) -> None:
        self.codes = dict(Organisation.objects.values_list("code", "pk"))
        self.home = Compound.objects.get(name=HOME).pk

    def actor(self, who: str, *, on_behalf: str = "", at: datetime | None = None) -> Actor:
        """`who` of the cast, or the clock, as they are at `at` (the scene's moment without it)."""
        if who == "clock":
            return Actor.the_clock(at or self.now)
        if who not in self.known:
            caller = by_person(self.cast[who].pk, self.now)
            assert caller is not None
            self.known[who] = caller.actor
        return replace(self.known[who], at=at or self.now, on_behalf=on_behalf)

    def file(self, category: str = "SV01", *, who: str = "resident", **report: Any) -> uuid.UUID:
        """The id of a ticket that `who` files now, in the first of the demo compounds unless a place is given."""
        if not {"compound_id", "street_id"} & set(report):
            report["compound_id"] = self.home
        filed = Report(**{"type": "help", "category": category, "title": "标题", "text": "请尽快处理。", **report})
        ticket, _ = submit(filed, by=self.actor(who), person=self.cast[who])
        return ticket.pk

    def inputs(self, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
        """The inputs as the API hands them on: organisations by id, checked by the move's own serializer."""
        named = {key: self._ids(value) if key in PARTIES else value for key, value in inputs.items()}
        if (worker := named.get("worker")) in self.cast:
            named["worker"] = str(self.cast[worker].pk)
        return validated(moves(Ticket)[name].input, named)

    def _ids(self, value: Any) -> Any:
        return str(self.codes[value]) if isinstance(value, str) else [str(self.codes[one]) for one in value]

    def do(self, who: str, ticket: uuid.UUID, name: str, **how: Any) -> Event:
        """Let `who` make the move, in a transaction of its own as at the edge, and let a minute go by."""
        with transaction.atomic():
            event = self.attempt(who, ticket, name, **how)
        self.now = max(self.now, how.get("at") or self.now) + timedelta(minutes=1)
        return event

    def attempt(
        self,
        who: str,
        ticket: uuid.UUID,
        name: str,
        *,
        on_behalf: str = "",
        version: int | None = None,
        at: datetime | None = None,
        tickets: Kind[Ticket] = TICKETS,
        **inputs: Any,
    ) -> Event:
        """Let `who` make the move in the transaction that is open, which nothing takes back where it is refused."""
        actor = self.actor(who, on_behalf=on_behalf, at=at)
        if who == "clock":
            tickets = SEEN_BY_ALL
        return make_move(tickets, name, ticket, by=actor, version=version, inputs=self.inputs(name, inputs)).event

    def refusal(self, who: str, ticket: uuid.UUID, name: str, **how: Any) -> Refusal:
        """How the move refuses `who`, whether or not they see the ticket; nothing has been written, so that nothing need be taken back."""
        before = rows()
        try:
            self.attempt(who, ticket, name, tickets=SEEN_BY_ALL, **how)
        except Refusal as refusal:
            assert rows() == before, f"{name} by {who} was refused, but changed {sorted(rows() ^ before)}"
            return refusal
        raise AssertionError(f"{name} by {who} was not refused")

    def refused(self, who: str, ticket: uuid.UUID, name: str, **how: Any) -> str:
        """The code with which the move is refused."""
        return self.refusal(who, ticket, name, **how).code

    def offered(self, who: str, ticket: uuid.UUID) -> list[str]:
        """The names of the moves that `who` is offered now."""
        actor = self.actor(who)
        return [move.name for move in TICKETS.offered(TICKETS.read(ticket, actor), actor)]

    def follow(self, ticket: uuid.UUID, steps: list[Step]) -> uuid.UUID:
        """Make one move after the other; the ticket's id."""
        for who, name, inputs in steps:
            self.do(who, ticket, name, **inputs)
        return ticket

    def reach(self, state: str, **report: Any) -> uuid.UUID:
        """The id of a new ticket that has come to `state` on a real path."""
        if state == State.SUBMITTED:
            return self.follow(self.file(type="consult", **report), [FOLLOWED])
        if state == State.WITHDRAWN:
            return self.follow(self.file(**report), [WHISTLED, ("resident", "withdraw", {})])
        if state == State.MERGED:
            master = self.file()
            return self.follow(
                self.file(**report), [*PATHS[State.COORDINATING], ("chair", "merge", {"into": str(master)})]
            )
        return self.follow(self.file(**report), PATHS[State(state)])

    def at_work(self, category: str = "SV01", **report: Any) -> uuid.UUID:
        """The id of a new ticket for which the project office has signed, to which it was routed or dispatched."""
        ticket = self.file(category, **report)
        if Ticket.objects.get(pk=ticket).state == State.COORDINATING:
            self.do("chair", ticket, "dispatch", holder="po-a01")
        self.do("dispatcher", ticket, "sign")
        return ticket

    def photo(self, who: str, kind: PhotoKind = PhotoKind.AFTER) -> str:
        """The id of a photo that `who` has uploaded."""
        size = {"width": 8, "height": 8, "bytes": 100, "sha256": "0" * 64}
        return str(Photo.objects.create(uploader=self.cast[who], kind=kind, **size).pk)


FOLLOWED: Step = ("tenant", "cosign", {})
WHISTLED: Step = ("desk_officer", "whistle", {"departments": ["dept-traffic-police"], "reason": "需要配合"})
_COORDINATING = [FOLLOWED, WHISTLED]
# The first holder loses the ticket to the second, so that there is a past holder.
_DISPATCHED = [
    *_COORDINATING,
    ("chair", "dispatch", {"holder": "po-a02"}),
    ("desk_officer", "redispatch", {"holder": "po-a01", "co_handlers": ["lift-shengan"], "reason": "更合适"}),
]
CONTACTED: Step = ("dispatcher", "contact", {"result": "reached"})
_IN_PROGRESS = [*_DISPATCHED, ("dispatcher", "sign", {})]
_REPLIED = [*_IN_PROGRESS, CONTACTED, ("dispatcher", "reply", {"result": "已整改"})]
_ON_ACCOUNT = {
    "kind": "planning",
    "owner": "section-city",
    "plan_date": (timezone.localdate() + timedelta(days=90)).isoformat(),
    "reason": "待规划",
}

# The moves that lead to each state from a report of SV01 (seven days, coordinated by the committee).
PATHS: dict[State, list[Step]] = {
    State.COORDINATING: _COORDINATING,
    State.DISPATCHED: _DISPATCHED,
    State.IN_PROGRESS: _IN_PROGRESS,
    State.RETURNING: [*_IN_PROGRESS, ("dispatcher", "return", {"reason": "不属于我方职责"})],
    State.REPLIED: _REPLIED,
    State.ON_ACCOUNT: [*_IN_PROGRESS, ("desk_officer", "put_on_account", _ON_ACCOUNT)],
    State.CLOSED: [*_REPLIED, ("resident", "confirm", {"resolved": True, "rating": 5})],
    State.REJECTED: [
        *_COORDINATING,
        ("desk_officer", "reject", {"branch": "legal_procedure", "guidance": "请向法院起诉"}),
    ],
    State.TERMINATED: [*_IN_PROGRESS, ("street_lead", "terminate", {"reason": "诉求人拒绝配合"})],
}

# Input with which each move is possible.
INPUTS: dict[str, dict[str, Any]] = {
    "answer_now": {"answer": "可以的"},
    "correct": {"category": "SV02", "reason": "分类有误"},
    "coordinate": {"reason": "需要协调"},
    "record": {"met_with": "业主和项目部", "agreed": "周五前整改"},
    "dispatch": {"holder": "po-a01"},
    "assign": {"worker": "worker"},
    "redispatch": {"holder": "co-linjianli", "reason": "原单位无法办理"},
    "return": {"reason": "不属于我方职责"},
    "contact": {"result": "reached", "words": "已说明"},
    "progress": {"text": "已到货"},
    "complete_step": {"result": "第一步完成"},
    "ask": {"question": "是哪个单元？"},
    "answer": {"answer": "二单元"},
    "comment": {"text": "今天更严重了"},
    "request_extension": {"days": 3, "reason": "配件未到"},
    "whistle": {"departments": ["dept-police"], "reason": "需要执法"},
    "decline": {"reason": "不在职责内"},
    "assist_done": {"words": "已完成"},
    "put_on_account": _ON_ACCOUNT,
    "reply": {"result": "已整改"},
    "confirm": {"resolved": True, "rating": 4, "words": "谢谢"},
    "dispute": {"reason": "没有修好"},
    "callback": {"valid": True, "contacted": True, "resolved": True, "satisfied": 5},
    "reopen": {"reason": "又坏了"},
    "reject": {"branch": "out_of_scope", "guidance": "请联系市场监管部门"},
    "terminate": {"reason": "诉求人拒绝配合"},
    "file_another": {"category": "CL03"},
    "rate": {"rating": 4},
    "thank": {"words": "谢谢师傅", "consent": True},
    "supervise": {"kind": "listed", "reason": "影响较大"},
    "raise_level": {"level": 2},
    "lift_supervision": {"reason": "已整改到位"},
    "lower_level": {"level": 0, "reason": "已由社区解决"},
    "appoint": {"officer": None, "reason": "轮岗"},
    "remark": {"text": "下午例会再议"},
    "correct_contact": {"contact_name": "李大爷", "contact_phone": "010-62332233", "reason": "登记有误"},
    "hide_words": {"hidden": True},
    "redact": {"text": "楼道灯不亮。", "reason": "隐去住户信息"},
    "reveal": {"reason": "上门联系"},
}
for _name, _move in moves(Ticket).items():
    # Of a move that has no line here the required words suffice.
    INPUTS.setdefault(
        _name, {word: "情况说明" for word in _move.input.own_words() if _move.input().fields[word].required}
    )


_ROWS = """
    SELECT 'ticket', t::text FROM tickets_ticket t
    UNION ALL SELECT 'assignment', t::text FROM tickets_assignment t
    UNION ALL SELECT 'clock', t::text FROM tickets_ticketclock t
    UNION ALL SELECT 'firing', t::text FROM tickets_ticketfiring t
    UNION ALL SELECT 'event', t::text FROM tickets_ticketevent t
    UNION ALL SELECT 'words', t::text FROM tickets_ticketwords t
    UNION ALL SELECT 'outbox', t::text FROM tickets_ticketoutbox t
    UNION ALL SELECT 'follower', t::text FROM tickets_follower t
    UNION ALL SELECT 'photo', t::text FROM tickets_photo t
"""


def rows() -> frozenset[tuple[str, str]]:
    """Every row of the tables that a ticket's moves may write, whole."""
    with connection.cursor() as cursor:
        cursor.execute(_ROWS)
        return frozenset(cursor.fetchall())
