"""Oversight: supervision, levels, the street's officer for a ticket, and internal notes."""

import uuid
from datetime import datetime

from rest_framework import serializers

from casework.inputs import Identifier, OwnWords
from notifications.topics import Topic
from tickets.access import Relation, any_of
from tickets.models.parts import TicketParts
from tickets.moves.inputs import REASON, Reason, TicketInput
from tickets.news import Note, Side
from tickets.states import OPEN, State, SupervisionKind
from web.words import bilingual
from workflow.actor import Actor
from workflow.errors import InvalidInput
from workflow.moves import Visibility, condition, move, transition

R = Relation


class Appoint(TicketInput):
    officer = Identifier(
        allow_null=True,
        label=bilingual("责任人", "Officer"),
        help_text=bilingual(
            "街道办事处或科室的在岗人员；空值表示不指定。",
            "A member of the street's office or of one of its sections; null is nobody.",
        ),
    )
    reason = OwnWords(required=False, label=REASON)


class Remark(TicketInput):
    text = OwnWords(label=bilingual("备注", "Note"), help_text=bilingual("仅街道可见。", "The street alone reads it."))


class Supervise(TicketInput):
    kind = serializers.ChoiceField(choices=SupervisionKind.choices, label=bilingual("督办方式", "Kind"))
    reason = OwnWords(label=REASON)


class RaiseLevel(TicketInput):
    level = serializers.IntegerField(
        min_value=1,
        max_value=5,
        label=bilingual("层级", "Level"),
        help_text=bilingual(
            "1 社区，2 街道，3 部门，4 区级，5 市级。", "L1 community, L2 street, L3 departments, L4 district, L5 city."
        ),
    )
    reason = OwnWords(required=False, label=REASON)


class LowerLevel(TicketInput):
    level = serializers.IntegerField(
        min_value=0,
        max_value=4,
        label=bilingual("层级", "Level"),
        help_text=bilingual(
            "0 未提级，1 社区，2 街道，3 部门，4 区级。",
            "L0 none, L1 community, L2 street, L3 departments, L4 district.",
        ),
    )
    reason = OwnWords(label=REASON)


@condition("not_supervised", "该工单未被督办。", "It is not under supervision.")
def supervised(ticket: TicketParts) -> bool:
    return bool(ticket.supervised)


@condition("not_raised", "该工单未被提级。", "Its level has not been raised.")
def raised(ticket: TicketParts) -> bool:
    return ticket.level > 0


class OversightMoves(TicketParts):
    """The moves of the street's oversight."""

    class Meta:
        abstract = True

    @transition(
        source=list(OPEN),
        permission=any_of(R.STREET, R.CLOCK),
        custom=move(
            "督办",
            "Supervise",
            Supervise,
            visibility=Visibility.PARTIES,
            guarded=False,
            news=(
                Note(Side.HOLDER, Topic.OVERSIGHT, "supervised.staff"),
                Note(Side.COORDINATOR, Topic.OVERSIGHT, "supervised.staff"),
            ),
        ),
    )
    def supervise(self, *, at: datetime, by: Actor, kind: str, reason: str = "") -> None:
        """Put the ticket under the street's supervision."""
        self.supervised = kind

    @transition(
        source=list(OPEN),
        permission=any_of(R.STREET, R.CLOCK),
        custom=move(
            "提级",
            "Raise the level",
            RaiseLevel,
            visibility=Visibility.PARTIES,
            guarded=False,
            news=(Note(Side.HOLDER, Topic.OVERSIGHT, "raised.staff"),),
        ),
    )
    def raise_level(self, *, at: datetime, by: Actor, level: int, reason: str = "") -> None:
        """Raise the level. L4 (district) and L5 (city) are recorded by the street."""
        if level <= self.level:
            raise InvalidInput("level", "not_higher", bilingual("层级只能提高。", "The level can only be raised."))
        self.level = level

    @transition(
        source=list(OPEN),
        permission=any_of(R.STREET),
        conditions=[supervised],
        custom=move(
            "解除督办",
            "Lift the supervision",
            Reason,
            visibility=Visibility.PARTIES,
            guarded=False,
            news=(
                Note(Side.HOLDER, Topic.OVERSIGHT, "unsupervised.staff"),
                Note(Side.COORDINATOR, Topic.OVERSIGHT, "unsupervised.staff"),
            ),
        ),
    )
    def lift_supervision(self, *, at: datetime, by: Actor, reason: str) -> None:
        """End the street's supervision, and say why."""
        self.note(kind=self.supervised)
        self.supervised = ""

    @transition(
        source=list(OPEN),
        permission=any_of(R.STREET),
        conditions=[raised],
        custom=move(
            "降级",
            "Lower the level",
            LowerLevel,
            visibility=Visibility.PARTIES,
            guarded=False,
            news=(Note(Side.HOLDER, Topic.OVERSIGHT, "lowered.staff"),),
        ),
    )
    def lower_level(self, *, at: datetime, by: Actor, level: int, reason: str) -> None:
        """Lower the level, with a reason. Ladders may raise it again."""
        if level >= self.level:
            raise InvalidInput(
                "level", "not_lower", bilingual("层级须低于当前层级。", "It must be below the present one.")
            )
        self.note(before=self.level)
        self.level = level

    @transition(
        source=list(OPEN),
        permission=any_of(R.STREET),
        custom=move(
            "指定责任人",
            "Name the officer",
            Appoint,
            visibility=Visibility.OFFICE,
            guarded=False,
            news=(
                Note(Side.OFFICER, Topic.WORK, "appointed.officer"),
                Note(Side.FORMER_OFFICER, Topic.PROGRESS, "appointed.former"),
            ),
        ),
    )
    def appoint(self, *, at: datetime, by: Actor, officer: uuid.UUID | None, reason: str = "") -> None:
        """Name the street's officer who answers for the ticket, or nobody (`officer` is None)."""
        self.officer_id = officer

    @transition(
        source=list(State),
        permission=any_of(R.STREET),
        custom=move("内部备注", "Internal note", Remark, visibility=Visibility.OFFICE, guarded=False, news=()),
    )
    def remark(self, *, at: datetime, by: Actor, text: str) -> None:
        """Leave a note that the street alone reads."""
