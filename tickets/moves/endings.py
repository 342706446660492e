"""Endings without a reply (rejection, merger, withdrawal, termination), and succession to a reporter who leaves."""

import uuid
from datetime import datetime

from django.db import models
from django_fsm import RETURN_VALUE
from rest_framework import serializers

from casework.inputs import Identifier, OwnWords
from community.models import Person
from notifications.topics import Topic
from tickets.access import Relation, any_of
from tickets.models.parts import TicketParts
from tickets.moves.inputs import (
    ACCUSED,
    CATEGORY,
    CODE,
    COMPOUND,
    MADE_TITLE,
    SPOT,
    TEXT,
    TITLE,
    TYPE,
    Nothing,
    OptionalReason,
    Reason,
    TicketInput,
    photo_ids,
)
from tickets.news import OVER, SUCCESSION, Note, Side, in_state, to_residents, to_whoever_acts
from tickets.states import ENDED, OPEN, State, TicketType
from web.bodies import unfit
from web.fields import LineField, TextField
from web.words import bilingual
from workflow.actor import Actor
from workflow.errors import InvalidInput
from workflow.moves import Visibility, condition, move, transition

R = Relation
S = State
WITHDRAWABLE = (S.SUBMITTED, S.COORDINATING, S.DISPATCHED)


class RejectBranch(models.TextChoices):
    """Why a request is not taken up: the six branches of the Beijing ordinance of 2021, article 11 (不予受理)."""

    EMERGENCY = "emergency", bilingual("紧急事项，转专线", "An emergency: call the emergency line")
    LEGAL_PROCEDURE = "legal_procedure", bilingual("应通过法定途径解决", "Belongs to a legal procedure")
    REPEATED = "repeated", bilingual("重复诉求且无新理由", "Repeated without new grounds")
    SECRET = "secret", bilingual("涉及国家秘密、商业秘密或个人隐私", "Touches secrets or privacy")
    OUT_OF_SCOPE = "out_of_scope", bilingual("超出职责范围", "Outside the duties of the authorities")
    UNLAWFUL = "unlawful", bilingual("违反法律法规或公序良俗", "Against the law or public morals")


class Reject(TicketInput):
    branch = serializers.ChoiceField(choices=RejectBranch.choices, label=bilingual("不予受理情形", "Ground"))
    guidance = OwnWords(
        label=bilingual("指引", "Guidance"),
        help_text=bilingual("告知诉求人应向何处反映。", "Where to go instead; the resident reads it."),
    )


class Merge(TicketInput):
    into = Identifier(
        label=bilingual("并入工单", "Into"),
        help_text=bilingual("继续办理的在办工单。", "The open ticket that goes on."),
    )


class FileAnother(TicketInput):
    """A second matter out of a report; what is left out is as in the first, but for the title."""

    on_behalf_of = None  # type: ignore[assignment]

    category = LineField(max_length=8, label=CATEGORY, help_text=CODE)
    text = TextField(
        max_length=2000,
        required=False,
        label=TEXT,
        help_text=bilingual("不填时沿用原工单的内容。", "That of the first ticket where it is left out."),
    )
    title = LineField(max_length=60, required=False, label=TITLE, help_text=MADE_TITLE)
    type = serializers.ChoiceField(choices=TicketType.choices, required=False, label=TYPE)
    compound = Identifier(
        required=False,
        allow_null=True,
        label=COMPOUND,
        help_text=bilingual("空值表示街道的公共区域。", "Null is the street's public ground."),
    )
    spot = LineField(max_length=200, required=False, allow_blank=True, label=SPOT)
    accused = Identifier(
        required=False,
        label=ACCUSED,
        help_text=bilingual(
            "仅在另写内容时填写；沿用原内容的，被反映单位也沿用。",
            "Only beside words of its own; the words of the first accuse whom they accused.",
        ),
    )
    photos = photo_ids()

    def validate(self, attrs: dict[str, object]) -> dict[str, object]:
        if "accused" in attrs and "text" not in attrs:
            raise unfit("accused", code="own_words", reason=_OWN_WORDS)
        return attrs


_OWN_WORDS = bilingual("另写内容时才能填写。", "Only beside words of its own.")


@condition("nobody_asked", "没有待答复的接续征询。", "Nobody is asked to succeed the reporter.")
def successor_asked(ticket: TicketParts) -> bool:
    return ticket.successor_id is not None


class EndingMoves(TicketParts):
    """The moves that end a ticket without an answer, and those of succession."""

    class Meta:
        abstract = True

    @transition(
        source=[S.SUBMITTED, S.COORDINATING, S.DISPATCHED, S.RETURNING],
        target=S.REJECTED,
        permission=any_of(R.STREET),
        custom=move(
            "不予受理",
            "Do not take up",
            Reject,
            news=(
                *to_residents("rejected.resident"),
                Note(Side.INSPECTOR, Topic.PROGRESS, "rejected.inspector"),
                *OVER,
            ),
        ),
    )
    def reject(self, *, at: datetime, by: Actor, branch: str, guidance: str) -> None:
        """Refuse the request on one of the ordinance's six grounds, and say where to go instead."""
        self._enter(at)

    @transition(
        source=[S.SUBMITTED, S.COORDINATING, S.DISPATCHED, S.IN_PROGRESS],
        target=S.MERGED,
        permission=any_of(R.STREET, R.COORDINATOR),
        custom=move("并单", "Merge", Merge, news=(*to_residents("merged.resident"), *OVER)),
    )
    def merge(self, *, at: datetime, by: Actor, into: TicketParts) -> None:
        """Merge this ticket into the open ticket `into`; it ends with that."""
        if into.pk == self.pk or into.state in ENDED or into.street_id != self.street_id:
            raise InvalidInput(
                "into",
                "not_open",
                bilingual(
                    "只能并入同一街道的在办工单。", "It can only be merged into another open ticket of the street."
                ),
            )
        if (into.accused or self.accused) and set(into.accused) != set(self.accused):
            raise InvalidInput(
                "into",
                "accuses",
                bilingual("涉及被投诉单位的工单不能并入。", "Tickets that accuse a party merge only with their like."),
            )
        # Whose ticket is merged follows the other, and reads all of it.
        same = self.reporter_id is not None and self.reporter_id == into.reporter_id
        if not into.has_public_face and not same:
            raise InvalidInput(
                "into",
                "no_public_face",
                bilingual(
                    "他人的工单不能并入不公开的工单。",
                    "Somebody else's ticket does not merge into one without a public face.",
                ),
            )
        self._enter(at)
        self.merged_into = into

    @transition(
        source=list(OPEN),
        permission=any_of(R.CLOCK),
        custom=move(
            "并入", "Take in", Nothing, guarded=False, news=(Note(Side.HOLDER, Topic.PROGRESS, "absorbed.handler"),)
        ),
    )
    def absorb(self, *, at: datetime, by: Actor) -> None:
        """Note that another ticket was merged into this one. The merger makes this move by itself."""

    @transition(
        source=list(OPEN),
        permission=any_of(R.STREET),
        custom=move(
            "另立工单",
            "File another matter",
            FileAnother,
            visibility=Visibility.PARTIES,
            news=(
                Note(Side.REPORTER, Topic.PROGRESS, "another.resident"),
                Note(Side.HOLDER, Topic.PROGRESS, "another.staff"),
                Note(Side.COORDINATOR, Topic.PROGRESS, "another.staff", in_state(State.COORDINATING)),
            ),
        ),
    )
    def file_another(self, *, at: datetime, by: Actor, another: uuid.UUID, category: str) -> None:
        """File a second matter of the report (一单多诉) as its own ticket. This ticket goes on as it is."""
        self.filed_others = [*self.filed_others, another]
        self.note(another=another)

    @transition(
        source=S.MERGED,
        target=S.SUBMITTED,
        permission=any_of(R.STREET),
        custom=move("拆单", "Split", OptionalReason, news=(*to_residents("split.resident"), *to_whoever_acts())),
    )
    def split(self, *, at: datetime, by: Actor, reason: str = "") -> None:
        """Take a merged ticket out again; it starts from triage, and what its resident was promised stays."""
        self._enter(at)
        self.merged_into = None
        self.coordinator_id = None

    @transition(
        source=[S.IN_PROGRESS, S.RETURNING, S.REPLIED, S.ON_ACCOUNT],
        permission=any_of(R.REPORTER),
    )
    @transition(
        source=S.DISPATCHED,
        target=RETURN_VALUE(S.WITHDRAWN, S.DISPATCHED),
        permission=any_of(R.REPORTER),
    )
    @transition(
        source=S.COORDINATING,
        target=RETURN_VALUE(S.WITHDRAWN, S.COORDINATING),
        permission=any_of(R.REPORTER),
    )
    @transition(
        source=S.SUBMITTED,
        target=RETURN_VALUE(S.WITHDRAWN, S.SUBMITTED),
        permission=any_of(R.REPORTER),
        custom=move("撤回", "Withdraw", OptionalReason, news=(*SUCCESSION, *OVER)),
    )
    def withdraw(
        self,
        *,
        at: datetime,
        by: Actor,
        successor: uuid.UUID | None = None,
        shared: bool = False,
        reason: str = "",
    ) -> State:
        """Take the report back. Once work has begun, or where it is urgent or shared, only the reporter leaves.

        `successor` is asked to take the reporter's place; `shared` says that the report is that of others too, cosigned by them or
        with theirs merged into it.
        """
        if self.state in WITHDRAWABLE and not self.urgent and not shared:
            self._enter(at)
            return S.WITHDRAWN
        self.reporter, self.inherited, self.question_open = None, False, False
        self.contact_name, self.contact_phone = "", ""
        self._ask_to_succeed(successor)
        return S(self.state)

    @transition(
        source=list(OPEN),
        permission=any_of(R.SUCCESSOR),
        custom=move(
            "接续诉求",
            "Succeed the reporter",
            Nothing,
            guarded=False,
            news=(
                Note(Side.HOLDER, Topic.PROGRESS, "succeeded.staff"),
                Note(Side.DESK, Topic.PROGRESS, "succeeded.staff"),
            ),
        ),
    )
    def succeed(self, *, at: datetime, by: Actor, person: Person, cosigned: bool) -> None:
        """Take the place of the reporter who left, under the successor's name and phone. The cosign is taken back."""
        self.reporter, self.inherited, self.successor_id = person, True, None
        self.contact_name, self.contact_phone = person.name, person.phone
        self.cosigns -= cosigned

    @transition(
        source=list(OPEN),
        permission=any_of(R.SUCCESSOR),
        custom=move(
            "不接续", "Decline to succeed", Nothing, visibility=Visibility.PARTIES, guarded=False, news=SUCCESSION
        ),
    )
    def decline_succession(self, *, at: datetime, by: Actor, successor: uuid.UUID | None = None) -> None:
        """Decline to succeed the reporter and stay a follower. `successor` is asked next; without one the street keeps the ticket."""
        self._ask_to_succeed(successor)

    @transition(
        source=list(OPEN),
        permission=any_of(R.CLOCK),
        conditions=[successor_asked],
        custom=move(
            "街道接续",
            "Let the street keep it",
            Nothing,
            visibility=Visibility.PARTIES,
            guarded=False,
            news=(Note(Side.DESK, Topic.PROGRESS, "kept.desk"),),
        ),
    )
    def keep(self, *, at: datetime, by: Actor) -> None:
        """Stop asking for a successor; the street goes on with the ticket by itself."""
        self.successor_id = None

    @transition(
        source=list(OPEN),
        target=S.TERMINATED,
        permission=any_of(R.STREET_LEAD),
        custom=move(
            "终止",
            "Terminate",
            Reason,
            news=(*to_residents("terminated.resident"), Note(Side.INSPECTOR, Topic.PROGRESS, "over.former"), *OVER),
        ),
    )
    def terminate(self, *, at: datetime, by: Actor, reason: str) -> None:
        """End it without a result, by written decision of the street's head."""
        self._enter(at)
