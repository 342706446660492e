"""Helpers: whistled departments, and co-handlers."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from rest_framework import serializers

from casework.inputs import Identifier, OwnWords
from notifications.topics import Topic
from tickets.access import Relation, any_of
from tickets.models.assignment import Assignment
from tickets.models.parts import TicketParts
from tickets.moves.inputs import REASON, REMARKS, TicketInput
from tickets.news import HELP, Note, Side, to_residents
from tickets.states import HELPING, AssignmentRole, Outcome, State
from web.words import bilingual
from workflow.actor import Actor
from workflow.errors import InvalidInput
from workflow.moves import Visibility, condition, move, transition

R = Relation
S = State


class Whistle(TicketInput):
    departments = serializers.ListField(
        child=Identifier(), min_length=1, max_length=10, label=bilingual("吹哨对象", "Whom to summon")
    )
    reason = OwnWords(label=REASON)


class Helping(TicketInput):
    organisation = Identifier(
        required=False,
        label=bilingual("协办单位", "Helper"),
        help_text=bilingual(
            "街道代办且有多个单位时须注明。", "Which one, where the street stands in for one of several."
        ),
    )


class ReportIn(Helping):
    reason = OwnWords(required=False, label=REMARKS)


class Decline(Helping):
    reason = OwnWords(label=REASON)


class AssistDone(Helping):
    words = OwnWords(label=bilingual("完成情况", "What was done"))


@condition("nobody_whistled", "没有待处理的吹哨或协办。", "Nobody has been whistled or asked to help.")
def helpers_open(ticket: TicketParts) -> bool:
    return any(one.open and one.role in HELPING for one in ticket.assignments)


class HelperMoves(TicketParts):
    """The moves of helpers."""

    class Meta:
        abstract = True

    @transition(
        source=[S.COORDINATING, S.IN_PROGRESS],
        permission=any_of(R.STREET),
        custom=move("吹哨", "Whistle", Whistle, news=(*to_residents("whistled.resident"), *HELP)),
    )
    def whistle(self, *, at: datetime, by: Actor, departments: Sequence[uuid.UUID], reason: str) -> None:
        """Summon departments (ordinance on street offices, articles 5 and 11)."""
        present = {one.organisation_id for one in self._open_in(AssignmentRole.WHISTLED)}
        for organisation in departments:
            if organisation in present:
                raise InvalidInput(
                    "departments",
                    "already_whistled",
                    bilingual("该部门已被吹哨。", "That department was whistled already."),
                )
            self.assign(organisation, AssignmentRole.WHISTLED, at)
        self.note(whistled=departments)

    @transition(
        source=[S.COORDINATING, S.DISPATCHED, S.IN_PROGRESS],
        permission=any_of(R.CO_HANDLER, R.WHISTLED),
        conditions=[helpers_open],
        custom=move(
            "报到",
            "Report in",
            ReportIn,
            visibility=Visibility.PARTIES,
            news=(Note(Side.DESK, Topic.PROGRESS, "reported_in.desk"),),
        ),
    )
    def report_in(self, *, at: datetime, by: Actor, organisation: uuid.UUID | None = None, reason: str = "") -> None:
        """Answer the whistle: we are here."""
        one = self._helper(by, organisation)
        one.signed_at = one.signed_at or at
        self.stage(one)
        self.note(reporting=one.organisation_id)

    @transition(
        source=[S.COORDINATING, S.DISPATCHED, S.IN_PROGRESS],
        permission=any_of(R.CO_HANDLER, R.WHISTLED),
        conditions=[helpers_open],
        custom=move(
            "拒绝协办",
            "Decline",
            Decline,
            visibility=Visibility.INTERNAL,
            news=(Note(Side.DESK, Topic.WORK, "declined.desk"),),
        ),
    )
    def decline(self, *, at: datetime, by: Actor, reason: str, organisation: uuid.UUID | None = None) -> None:
        """Refuse to help; the street may report it to the district (ordinance on street offices, article 44)."""
        self._release([self._helper(by, organisation)], at, Outcome.DECLINED)

    @transition(
        source=[S.COORDINATING, S.DISPATCHED, S.IN_PROGRESS, S.ON_ACCOUNT],
        permission=any_of(R.CO_HANDLER, R.WHISTLED),
        conditions=[helpers_open],
        custom=move(
            "协办完成",
            "Assistance done",
            AssistDone,
            news=(
                Note(Side.HOLDER, Topic.PROGRESS, "assisted.handler"),
                Note(Side.DESK, Topic.PROGRESS, "assisted.desk"),
            ),
        ),
    )
    def assist_done(self, *, at: datetime, by: Actor, words: str, organisation: uuid.UUID | None = None) -> None:
        """Say that the helper's part is done."""
        self._release([self._helper(by, organisation)], at, Outcome.DONE)

    def _helper(self, by: Actor, organisation: uuid.UUID | None) -> Assignment:
        """The open co-handling or whistled assignment of the actor's own, or of `organisation` where the street stands in.

        Raises InvalidInput when it must be named, or has no such part.
        """
        if by.on_behalf:
            helping = self._open_in(AssignmentRole(by.on_behalf))
        else:
            seats = {seat.organisation_id for seat in by.seats}
            helping = [one for one in self.assignments if one.open and one.role in HELPING]
            helping = [one for one in helping if one.organisation_id in seats]
        named = [one for one in helping if organisation in (None, one.organisation_id)]
        if not named:
            raise InvalidInput("organisation", "no_part", bilingual("该单位没有协办任务。", "It has no part in this."))
        if by.on_behalf and len(named) > 1:
            raise InvalidInput("organisation", "required", bilingual("请注明单位。", "Name the organisation."))
        return named[0]
