"""Triage: corrections of a new ticket, and coordination before it is dispatched."""

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from rest_framework import serializers

from casework.inputs import Identifier, OwnLine, OwnWords
from community.phones import PhoneField
from notifications.topics import Topic
from tickets.access import Relation, any_of, of_the_street
from tickets.models.category import COMPLEX, DisposalClass
from tickets.models.parts import TicketParts
from tickets.moves import guards
from tickets.moves.inputs import (
    ACCUSED,
    CATEGORY,
    CODE,
    COMPOUND,
    REASON,
    SPOT,
    OptionalReason,
    Reason,
    TicketInput,
    photo_ids,
)
from tickets.news import OVER, TAKEN, Note, Side, to_residents, to_whoever_acts
from tickets.states import OPEN, Channel, Outcome, State
from web.fields import LineField
from web.words import bilingual
from workflow.actor import Actor
from workflow.errors import InvalidInput
from workflow.moves import Visibility, condition, move, transition

R = Relation
S = State


class AnswerNow(TicketInput):
    answer = OwnWords(label=bilingual("答复", "Answer"), help_text=bilingual("诉求人可见。", "The resident reads it."))


class Correct(TicketInput):
    category = LineField(max_length=8, required=False, label=CATEGORY, help_text=CODE)
    compound = Identifier(
        required=False,
        allow_null=True,
        label=COMPOUND,
        help_text=bilingual("空值表示街道的公共区域。", "Null is the street's public ground."),
    )
    spot = OwnLine(max_length=200, required=False, allow_blank=True, label=SPOT)
    accused = Identifier(required=False, label=ACCUSED)
    complex_fault = serializers.BooleanField(
        required=False,
        label=bilingual("复杂故障", "Complex fault"),
        help_text=bilingual(
            "照明等事项适用更长的时限。", "Lighting and the like get the longer time of a complex fault."
        ),
    )
    reason = OwnWords(label=REASON)


class CorrectContact(TicketInput):
    contact_name = LineField(max_length=40, required=False, label=bilingual("联系人", "Contact"))
    contact_phone = PhoneField(
        required=False,
        label=bilingual("联系电话", "Contact phone"),
        help_text=bilingual("手机号，或带区号的固定电话。", "A mobile number, or a landline with its area code."),
    )
    reason = OwnWords(label=REASON)


class Record(TicketInput):
    met_with = OwnLine(max_length=500, label=bilingual("参加人员", "Who met"))
    agreed = OwnWords(label=bilingual("达成意见", "What was agreed"))
    minutes = OwnWords(required=False, label=bilingual("会议纪要", "Minutes"))
    photos = photo_ids()


def unless_street(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """The condition `check` for everybody but the street, which may take a ticket back at any time."""

    def checked(ticket: TicketParts) -> bool:
        return of_the_street(ticket, ticket.asker) or check(ticket)

    checked.refusal = check.refusal  # type: ignore[attr-defined]
    return checked


@condition(
    "reporter_left", "诉求人已撤回，没有可更正的联系方式。", "Its reporter has left; there is no contact to correct."
)
def not_left(ticket: TicketParts) -> bool:
    """A correction of the contact makes nobody the reporter of a ticket that its reporter has left."""
    return ticket.reporter_id is not None or (ticket.channel != Channel.APP and ticket.successor_id is None)


@condition("already_held_by_street", "已由街道协调。", "The street coordinates already.")
def held_by_committee(ticket: TicketParts) -> bool:
    return ticket.coordinator_id != ticket.desk_id


class TriageMoves(TicketParts):
    """The moves of triage."""

    class Meta:
        abstract = True

    @transition(
        source=S.SUBMITTED,
        target=S.REPLIED,
        permission=any_of(R.STREET, R.COMMUNITY),
        custom=move(
            "即时答复",
            "Answer at once",
            AnswerNow,
            news=(
                *to_residents("replied.resident", Topic.ASKED),
                Note(Side.INSPECTOR, Topic.WORK, "replied.inspector"),
                *OVER,
            ),
        ),
    )
    def answer_now(self, *, at: datetime, by: Actor, answer: str) -> None:
        """Answer a question that needs no work. The resident is called back as for any ticket."""
        self._promise_whole()
        self._enter(at)

    @transition(
        source=[S.SUBMITTED, S.COORDINATING, S.DISPATCHED, S.IN_PROGRESS, S.RETURNING],
        permission=any_of(R.STREET),
        custom=move(
            "更正",
            "Correct",
            Correct,
            visibility=Visibility.PARTIES,
            news=(
                *to_residents("corrected.resident"),
                Note(Side.COORDINATOR, Topic.PROGRESS, "corrected.staff"),
                Note(Side.HOLDER, Topic.WORK, "corrected.staff"),
                *TAKEN,
            ),
        ),
    )
    def correct(
        self,
        *,
        at: datetime,
        by: Actor,
        reason: str,
        leaf: Any = None,
        place: Any = None,
        place_name: str = "",
        desk: uuid.UUID | None = None,
        spot: str | None = None,
        accused: Sequence[uuid.UUID] | None = None,
        complex_fault: bool | None = None,
    ) -> None:
        """Correct the category, the place or the accused. Accused organisations lose their part in the ticket.

        `leaf` and `place` are as the catalogue and the street know them; `desk` is the section that answers for it then.
        `complex_fault` says that a fault has the longer time of a complex one, or has it no more.
        """
        by_street = self.coordinator_id == self.desk_id
        classes = self.disposal_class, self.response_class, self.urgent
        if leaf is not None:
            self.file_under(leaf)
            self.note(leaf=leaf.code)
        if complex_fault is not None:
            self._be_complex(complex_fault)
        if (self.disposal_class, self.response_class, self.urgent) != classes:
            self.note(reclassed=True)
            if self.lead and self.lead.arrived_at is None:
                self.note(arriving=self.lead.organisation_id)
        if place is not None:
            self.locate(place, place_name)
            self.note(place=place.compound_id or place.street_id)
        if accused is not None:
            self.accused = list(accused)
            for one in self.assignments:
                if one.open and one.organisation_id in accused:
                    self._close(one, at, Outcome.ENDED)
        if desk is not None:
            self.desk_id = desk
        if self.coordinator_id is not None:
            self.coordinator_id = self.desk_id if by_street else self._committee_or_desk()
        if spot is not None:
            self.spot = spot

    @transition(
        source=[*OPEN, S.CLOSED],
        permission=any_of(R.STREET),
        conditions=[guards.residents_own, guards.not_anonymous, not_left],
        custom=move(
            "更正联系方式",
            "Correct the contact",
            CorrectContact,
            visibility=Visibility.INTERNAL,
            news=(Note(Side.HOLDER, Topic.WORK, "contact.handler"),),
        ),
    )
    def correct_contact(
        self,
        *,
        at: datetime,
        by: Actor,
        reason: str,
        name: str = "",
        phone: str = "",
        reporter: Any = ...,
        cosigned: bool = False,
    ) -> None:
        """Correct the reporter's name or phone. With another phone, a report that staff took down may belong to somebody else.

        `reporter` is whom the phone is known as (`...`: as before), and `cosigned` says that they had cosigned it.
        """
        changed = {"name": name != self.contact_name, "phone": phone != self.contact_phone}
        self.note(contact=[part for part, differs in changed.items() if differs])
        self.contact_name, self.contact_phone = name, phone
        if reporter is not ...:
            self.reporter = reporter
        if cosigned:
            self.cosigns -= 1

    def _be_complex(self, wanted: bool) -> None:
        ordinary = {harder: plain for plain, harder in COMPLEX.items()}
        classes = COMPLEX if wanted else ordinary
        if self.disposal_class in classes:
            self.disposal_class = str(classes[DisposalClass(self.disposal_class)])
        elif self.disposal_class not in {*COMPLEX, *ordinary}:
            raise InvalidInput(
                "complex_fault",
                "no_complex_class",
                bilingual(
                    "该类事项没有复杂故障的时限。", "Matters of this class have no longer time for complex faults."
                ),
            )
        self.note(disposal_class=self.disposal_class)

    @transition(
        source=[S.SUBMITTED, S.DISPATCHED, S.IN_PROGRESS],
        target=S.COORDINATING,
        permission=any_of(R.STREET, R.HOLDER),
        conditions=[unless_street(one) for one in guards.RETURNABLE],
        custom=move(
            "提交协调",
            "Ask for coordination",
            Reason,
            visibility=Visibility.PARTIES,
            news=(*to_residents("coordinating.resident"), *to_whoever_acts(), *TAKEN),
        ),
    )
    def coordinate(self, *, at: datetime, by: Actor, reason: str) -> None:
        """Have the committee bring the parties together; from a holder this counts as its return."""
        self._close_lead(at, Outcome.RETURNED)
        self._coordinate_at(self._committee_or_desk(), at)

    @transition(
        source=S.COORDINATING,
        permission=any_of(R.COORDINATOR, R.STREET),
        custom=move(
            "协调记录",
            "Record of coordination",
            Record,
            visibility=Visibility.PARTIES,
            news=to_residents("recorded.resident"),
        ),
    )
    def record(
        self,
        *,
        at: datetime,
        by: Actor,
        met_with: str,
        agreed: str,
        minutes: str = "",
        photos: Sequence[uuid.UUID] = (),
    ) -> None:
        """Write down who met and what was agreed, with the minutes and photos of the meeting."""

    @transition(
        source=S.COORDINATING,
        permission=any_of(R.STREET, R.CLOCK),
        conditions=[held_by_committee],
        custom=move(
            "接管协调",
            "Take over coordination",
            OptionalReason,
            visibility=Visibility.PARTIES,
            news=(
                *to_residents("coordinating.resident"),
                Note(Side.FORMER_COORDINATOR, Topic.OVERSIGHT, "taken.coordinator"),
                Note(Side.DESK, Topic.WORK, "work.desk"),
            ),
        ),
    )
    def take_over(self, *, at: datetime, by: Actor, reason: str = "") -> None:
        """Let the street coordinate in the committee's place."""
        self._coordinate_at(self.desk_id, at)
