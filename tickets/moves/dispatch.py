"""Dispatch: giving a ticket to a holder, and returning it."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime

from django_fsm import RETURN_VALUE
from rest_framework import serializers

from casework.inputs import Identifier, OwnWords
from community.serving import Service
from notifications.topics import Topic
from tickets import windows
from tickets.access import Relation, any_of
from tickets.models.parts import TicketParts
from tickets.moves import guards
from tickets.moves.inputs import REASON, REMARKS, Nothing, OptionalReason, Reason, TicketInput
from tickets.news import HELP, TAKEN, Note, Side, to_residents, to_whoever_acts
from tickets.states import AssignmentRole, Outcome, State
from web.words import bilingual
from workflow.actor import Actor
from workflow.errors import InvalidInput
from workflow.moves import Visibility, condition, move, transition

R = Relation
S = State


class Dispatch(TicketInput):
    holder = Identifier(
        label=bilingual("承办单位", "Holder"), help_text=bilingual("主办单位。", "The organisation that leads.")
    )
    co_handlers = serializers.ListField(
        child=Identifier(), max_length=10, required=False, label=bilingual("协办单位", "Co-handlers")
    )
    next_steps = serializers.ListField(
        child=Identifier(),
        max_length=5,
        required=False,
        label=bilingual("后续承办单位", "Next steps"),
        help_text=bilingual("依次接续主办的单位。", "Who leads after the holder, one after the other."),
    )
    note = OwnWords(required=False, label=bilingual("派单说明", "Note"))


class Redispatch(Dispatch):
    note = None  # type: ignore[assignment]
    reason = OwnWords(label=REASON)


class Sign(TicketInput):
    worker = Identifier(
        required=False,
        label=bilingual("经办人", "Worker"),
        help_text=bilingual("承办单位的在岗成员。", "A member of the holder who will do the work."),
    )


class Assign(TicketInput):
    worker = Identifier(
        label=bilingual("经办人", "Worker"),
        help_text=bilingual("承办单位的在岗成员。", "A member of the holder who will do the work."),
    )
    note = OwnWords(required=False, label=REMARKS)


@condition(
    "two_hour_class_stays", "两小时类工单不退回，由值班岗处置。", "A two-hour ticket stays; the duty desk is called."
)
def may_bounce(ticket: TicketParts) -> bool:
    return ticket.disposal_class not in windows.TWO_HOURS


@condition(
    "goes_back", "非两小时类工单逾期未签收退回街道。", "Only a two-hour ticket stays; others go back to the street."
)
def stays(ticket: TicketParts) -> bool:
    return not may_bounce(ticket)


class DispatchMoves(TicketParts):
    """The moves of dispatch."""

    class Meta:
        abstract = True

    @transition(
        source=S.SUBMITTED,
        target=S.DISPATCHED,
        permission=any_of(R.STREET),
    )
    @transition(
        source=S.COORDINATING,
        target=S.DISPATCHED,
        permission=any_of(R.COORDINATOR, R.STREET),
        custom=move(
            "派单", "Dispatch", Dispatch, news=(*to_residents("dispatched.resident"), *to_whoever_acts(), *HELP)
        ),
    )
    def dispatch(
        self,
        *,
        at: datetime,
        by: Actor,
        holder: uuid.UUID,
        co_handlers: Sequence[uuid.UUID] = (),
        next_steps: Sequence[uuid.UUID] = (),
        contract: Service | None = None,
        note: str = "",
    ) -> None:
        """Give the ticket to a holder, under its `contract` here."""
        self.hand_to(holder, co_handlers, next_steps, at, contract)

    @transition(
        source=S.DISPATCHED,
        target=S.IN_PROGRESS,
        permission=any_of(R.HOLDER),
        custom=move(
            "签收",
            "Sign for",
            Sign,
            news=(*to_residents("signed.resident"), Note(Side.WORKER, Topic.WORK, "signed.worker")),
        ),
    )
    def sign(self, *, at: datetime, by: Actor, worker: uuid.UUID | None = None, in_turn: bool = False) -> None:
        """Accept the ticket as its holder; a worker may be named, or it is somebody's turn."""
        self._enter(at)
        if self.lead:
            self.lead.signed_at, self.lead.worker_id = at, worker or self.lead.worker_id
            self.stage(self.lead)
        if in_turn:
            self.note(in_turn=True)

    @transition(
        source=S.IN_PROGRESS,
        permission=any_of(R.HOLDER),
        custom=move(
            "转给同事",
            "Assign",
            Assign,
            visibility=Visibility.PARTIES,
            news=(
                Note(Side.WORKER, Topic.WORK, "signed.worker"),
                Note(Side.FORMER_WORKER, Topic.PROGRESS, "assigned.former"),
            ),
        ),
    )
    def assign_(self, *, at: datetime, by: Actor, worker: uuid.UUID, note: str = "") -> None:
        """Pass the ticket to a colleague, who works on it from now on."""
        if self.lead:
            if self.lead.worker_id == worker:
                raise InvalidInput("worker", "works_on_it", bilingual("已由该人员经办。", "They work on it already."))
            self.lead.worker_id = worker
            self.stage(self.lead)

    @transition(
        source=[S.DISPATCHED, S.IN_PROGRESS, S.RETURNING],
        target=S.DISPATCHED,
        permission=any_of(R.STREET, R.CLOCK),
        custom=move(
            "改派",
            "Dispatch anew",
            Redispatch,
            news=(*to_residents("dispatched.resident"), *to_whoever_acts(), *HELP, *TAKEN),
        ),
    )
    def redispatch(
        self,
        *,
        at: datetime,
        by: Actor,
        holder: uuid.UUID,
        reason: str = "",
        co_handlers: Sequence[uuid.UUID] = (),
        next_steps: Sequence[uuid.UUID] = (),
        contract: Service | None = None,
    ) -> None:
        """Take the ticket from its holder and give it to another, under its `contract` here. The due moment stays.

        The clock has no words for it: the event says which contract ended.
        """
        self._close_lead(at, Outcome.REDISPATCHED, keep={*co_handlers} - {holder})
        self.hand_to(holder, co_handlers, next_steps, at, contract)

    @transition(
        source=[S.DISPATCHED, S.IN_PROGRESS, S.RETURNING],
        permission=any_of(R.CLOCK),
        custom=move(
            "更换协办",
            "Replace helpers",
            Nothing,
            visibility=Visibility.PARTIES,
            guarded=False,
            news=(*HELP, Note(Side.RELEASED, Topic.WORK, "taken.released")),
        ),
    )
    def relieve(
        self, *, at: datetime, by: Actor, leaving: Collection[uuid.UUID] = (), co_handlers: Sequence[uuid.UUID] = ()
    ) -> None:
        """Let co-handlers go whose contract here has ended, and ask those who serve the place now."""
        helpers = [one for one in self._open_in(AssignmentRole.CO_HANDLER) if one.organisation_id in leaving]
        self._release(helpers, at, Outcome.REDISPATCHED)
        self._ask_to_help(co_handlers, at)

    @transition(
        source=[S.DISPATCHED, S.RETURNING],
        target=S.SUBMITTED,
        permission=any_of(R.CLOCK),
        conditions=[may_bounce],
        custom=move(
            "退回街道",
            "Bounce to the street",
            Nothing,
            visibility=Visibility.PARTIES,
            news=(
                *to_residents("rearranging.resident"),
                *to_whoever_acts("bounced"),
                *TAKEN,
                Note(Side.SUPERVISOR, Topic.OVERSIGHT, "bounced.supervisor"),
            ),
        ),
    )
    def bounce(self, *, at: datetime, by: Actor) -> None:
        """Give a ticket that nobody signed for back to the street."""
        self._close_lead(at, Outcome.BOUNCED)
        self._enter(at)

    @transition(
        source=S.DISPATCHED,
        target=S.IN_PROGRESS,
        permission=any_of(R.CLOCK),
        conditions=[stays],
        custom=move(
            "街道接办",
            "Step in",
            Nothing,
            news=(
                *to_residents("dispatched.resident"),
                Note(Side.WORKER, Topic.WORK, "signed.worker"),
                *TAKEN,
                Note(Side.SUPERVISOR, Topic.OVERSIGHT, "bounced.supervisor"),
            ),
        ),
    )
    def step_in(self, *, at: datetime, by: Actor, organisation: uuid.UUID, worker: uuid.UUID) -> None:
        """Give a two-hour ticket that nobody signed for to a person of the street by name."""
        self._close_lead(at, Outcome.BOUNCED)
        self._enter(at)
        self._reassign(organisation, at).worker_id = worker
        self.note(worker=worker)
        self._note_whether_to_contact()

    @transition(
        source=[S.DISPATCHED, S.IN_PROGRESS],
        target=S.RETURNING,
        permission=any_of(R.HOLDER),
        conditions=guards.RETURNABLE,
        custom=move(
            "申请退回",
            "Ask to return",
            Reason,
            visibility=Visibility.INTERNAL,
            news=(Note(Side.DESK, Topic.WORK, "return.desk"),),
        ),
    )
    def return_(self, *, at: datetime, by: Actor, reason: str) -> None:
        """Ask to give the ticket back, because it is not the holder's to do; the street decides."""
        self._enter(at)
        if self.lead:
            self.lead.return_asked = True
            self.stage(self.lead)

    @transition(
        source=S.RETURNING,
        target=RETURN_VALUE(S.SUBMITTED, S.COORDINATING),
        permission=any_of(R.STREET),
        custom=move(
            "同意退回",
            "Uphold the return",
            OptionalReason,
            visibility=Visibility.INTERNAL,
            news=(*to_whoever_acts(), *TAKEN),
        ),
    )
    def uphold(self, *, at: datetime, by: Actor, reason: str = "") -> State:
        """Agree with the holder; the ticket goes back to its coordinator, else to triage."""
        self._close_lead(at, Outcome.RETURNED)
        self._enter(at)
        self.coordinator_id = self.coordinator_today
        return S.COORDINATING if self.coordinator_id else S.SUBMITTED

    @transition(
        source=S.RETURNING,
        target=S.DISPATCHED,
        permission=any_of(R.STREET, R.CLOCK),
        custom=move(
            "指定承办",
            "Designate",
            OptionalReason,
            visibility=Visibility.PARTIES,
            news=(
                Note(Side.HOLDER, Topic.WORK, "designated.handler"),
                Note(Side.DESK, Topic.PROGRESS, "designated.desk"),
            ),
        ),
    )
    def designate(self, *, at: datetime, by: Actor, reason: str = "") -> None:
        """Overrule the return: the holder is designated and may not return it again."""
        self._enter(at)
        if self.lead:
            self.lead.designated = True
            self.stage(self.lead)
            self.note(lead=self.lead.organisation_id)
