"""Work: first contact, arrival, progress, questions to the resident, and more days."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from django.db import models
from rest_framework import serializers

from casework.inputs import OwnWords
from community.serving import Service
from notifications.topics import Topic
from tickets import windows
from tickets.access import Relation, any_of
from tickets.models.parts import TicketParts
from tickets.moves import guards
from tickets.moves.inputs import REASON, REMARKS, Nothing, OptionalReason, Reply, TicketInput, photo_ids
from tickets.news import AT_THE_DESK, HELP, Note, Side, in_state, to_residents, to_whoever_acts
from tickets.states import Outcome, State
from web.words import bilingual
from workflow.actor import Actor
from workflow.errors import IllegalMove, InvalidInput
from workflow.moves import Visibility, condition, move, transition

R = Relation
S = State


class ContactResult(models.TextChoices):
    """How the first contact with the resident went (先行联系)."""

    REACHED = "reached", bilingual("已联系上", "Reached")
    NO_ANSWER = "no_answer", bilingual("未接通", "No answer")
    BY_MESSAGE = "by_message", bilingual("已留言", "Left a message")


class FirstContact(TicketInput):
    result = serializers.ChoiceField(choices=ContactResult.choices, label=bilingual("联系结果", "Result"))
    words = OwnWords(required=False, label=REMARKS)


class Progress(TicketInput):
    text = OwnWords(label=bilingual("进展", "Progress"))
    photos = photo_ids()


class Ask(TicketInput):
    question = OwnWords(max_length=500, label=bilingual("问题", "Question"))


class Answer(TicketInput):
    answer = OwnWords(label=bilingual("补充内容", "Answer"))
    photos = photo_ids()


class RequestExtension(TicketInput):
    days = serializers.IntegerField(min_value=1, max_value=30, label=bilingual("延期天数", "Days"))
    reason = OwnWords(label=REASON)


@condition("no_next_step", "没有后续步骤。", "There is no later step.")
def has_next_step(ticket: TicketParts) -> bool:
    return ticket.next_step is not None


@condition("question_open", "上一个问题尚未答复。", "The last question has not been answered yet.")
def no_open_question(ticket: TicketParts) -> bool:
    return not ticket.question_open


@condition("nobody_to_ask", "没有可以补充的诉求人。", "Nobody is there who could answer as its reporter.")
def somebody_to_ask(ticket: TicketParts) -> bool:
    """There is somebody to ask: a reporter who has not left, or the organisation that found it."""
    return ticket.inspector_id is not None or guards.has_reporter(ticket)


@condition(
    "too_many_questions", "请诉求人补充的次数已用完。", "The resident has been asked as often as the street allows."
)
def questions_left(ticket: TicketParts) -> bool:
    return ticket.questions < ticket.limits.questions


@condition("no_open_question", "没有待补充的问题。", "No question is open.")
def has_open_question(ticket: TicketParts) -> bool:
    return ticket.question_open


@condition("limit_is_fixed", "该时限类别不得延期。", "This class of limit cannot be extended.")
def extensible(ticket: TicketParts) -> bool:
    """Whether the class allows extensions, and the contract's limit can be counted in days."""
    return ticket.disposal_class not in windows.SHORT and (
        ticket.days_to_extend > 0 or bool(ticket.extensions_of_lead[1])
    )


@condition(
    "extended_enough",
    "该承办单位的延期次数已用完。",
    "This organisation has had as many extensions as there are for one.",
)
def extensions_left(ticket: TicketParts) -> bool:
    times, days = ticket.extensions_of_lead
    return times < ticket.limits.extensions and (not days or ticket.days_to_extend > 0)


@condition(
    "extension_too_long",
    "申请的天数超过了该时限类别的上限，请不同意后重新申请。",
    "More days were asked for than the class allows; refuse them, and let them ask anew.",
)
def extension_fits(ticket: TicketParts) -> bool:
    """The class may have been corrected since the request."""
    return ticket.extension_days is None or ticket.extension_days <= ticket.days_to_extend


@condition("extension_pending", "延期申请正在审核。", "An extension has already been asked for.")
def no_extension_pending(ticket: TicketParts) -> bool:
    return ticket.extension_days is None


@condition("no_extension_pending", "没有待审核的延期申请。", "No extension has been asked for.")
def has_extension_pending(ticket: TicketParts) -> bool:
    return ticket.extension_days is not None


class WorkMoves(TicketParts):
    """The moves of the holder's work."""

    class Meta:
        abstract = True

    @transition(
        source=S.IN_PROGRESS,
        permission=any_of(R.HOLDER),
        conditions=[guards.residents_own],
        custom=move("先行联系", "First contact", FirstContact, news=()),
    )
    def contact(self, *, at: datetime, by: Actor, result: str, words: str = "") -> None:
        """Record that the resident was contacted before the work (先行联系).

        A call in vain is on record; after as many as the service level says, the first contact counts as made.
        """
        counts = True
        if self.lead and result == ContactResult.NO_ANSWER:
            self.lead.contact_attempts += 1
            counts = self.lead.contact_attempts >= self.limits.contact_attempts
            self.note(counts=counts, attempt=self.lead.contact_attempts)
            self.stage(self.lead)
        if counts and self.lead and self.lead.contacted_at is None:
            self.lead.contacted_at = at
            self.stage(self.lead)

    @transition(
        source=S.IN_PROGRESS,
        permission=any_of(R.HOLDER),
        custom=move("到场", "Arrive", Nothing, news=to_residents("arrived.resident")),
    )
    def arrive(self, *, at: datetime, by: Actor) -> None:
        """Record that the crew is on site."""
        if self.lead and self.lead.arrived_at is None:
            self.lead.arrived_at = at
            self.stage(self.lead)

    @transition(
        source=S.IN_PROGRESS,
        permission=any_of(R.HOLDER, R.CO_HANDLER, R.WHISTLED, R.STREET),
    )
    @transition(
        source=S.ON_ACCOUNT,
        permission=any_of(R.HOLDER, R.CO_HANDLER, R.WHISTLED, R.OWNER, R.STREET),
    )
    @transition(
        source=S.COORDINATING,
        permission=any_of(R.COORDINATOR, R.WHISTLED, R.STREET),
        custom=move("进展", "Report progress", Progress, news=to_residents("progress.resident")),
    )
    def progress(self, *, at: datetime, by: Actor, text: str, photos: Sequence[uuid.UUID] = ()) -> None:
        """Report progress. On account this is the periodic report; the next is due in 30 days."""
        if self.state == S.ON_ACCOUNT:
            self._enter(at)

    @transition(
        source=S.IN_PROGRESS,
        target=S.DISPATCHED,
        permission=any_of(R.HOLDER),
        conditions=[guards.contacted, has_next_step],
        custom=move(
            "本步完成", "Complete the step", Reply, news=(*to_residents("step.resident"), *to_whoever_acts(), *HELP)
        ),
    )
    def complete_step(
        self,
        *,
        at: datetime,
        by: Actor,
        result: str,
        photos: Sequence[uuid.UUID] = (),
        contract: Service | None = None,
        instead: uuid.UUID | None = None,
    ) -> None:
        """Finish the holder's step. The next organisation signs, under its `contract` here; `instead` names another in its place."""
        following, leading = self.next_step, self.lead
        if following is None or leading is None:
            raise IllegalMove(*has_next_step.refusal)  # type: ignore[attr-defined]
        self.question_open, self.extension_days = False, None
        self._close(leading, at, Outcome.STEP_DONE)
        if instead is not None:
            self.note(instead_of=following.organisation_id)
            following.organisation_id = instead
        following.open, following.opened_at = True, at
        self.stage(following)
        self._measure_by(contract)
        self.note(lead=following.organisation_id)
        self._note_whether_to_contact()
        self._enter(at)

    @transition(
        source=S.COORDINATING,
        permission=any_of(R.COORDINATOR, R.STREET),
        conditions=[somebody_to_ask, no_open_question, questions_left],
    )
    @transition(
        source=S.IN_PROGRESS,
        permission=any_of(R.HOLDER),
        conditions=[somebody_to_ask, no_open_question, questions_left],
        custom=move(
            "请补充",
            "Ask the resident",
            Ask,
            news=(
                Note(Side.REPORTER, Topic.ASKED, "asked.reporter"),
                Note(Side.INSPECTOR, Topic.WORK, "asked.inspector"),
            ),
        ),
    )
    def ask(self, *, at: datetime, by: Actor, question: str) -> None:
        """Ask the reporter for what is missing, as often as the service level says."""
        self.question_open = True
        self.questions += 1

    @transition(
        source=[S.COORDINATING, S.IN_PROGRESS],
        permission=any_of(R.REPORTER, R.INSPECTOR),
        conditions=[has_open_question],
        custom=move(
            "补充",
            "Answer",
            Answer,
            news=(
                Note(Side.HOLDER, Topic.WORK, "answered.handler"),
                Note(Side.COORDINATOR, Topic.WORK, "answered.handler", in_state(State.COORDINATING)),
                Note(Side.DESK, Topic.WORK, "answered.handler", AT_THE_DESK),
            ),
        ),
    )
    def answer(self, *, at: datetime, by: Actor, answer: str, photos: Sequence[uuid.UUID] = ()) -> None:
        """Answer the holder's question, as the reporter or for the organisation that found the matter."""
        self.question_open = False

    @transition(
        source=[S.COORDINATING, S.IN_PROGRESS],
        permission=any_of(R.CLOCK),
        conditions=[has_open_question],
        custom=move(
            "补充逾期",
            "Let the question lapse",
            Nothing,
            news=(
                Note(Side.REPORTER, Topic.PROGRESS, "lapsed.reporter"),
                Note(Side.HOLDER, Topic.WORK, "lapsed.handler"),
                Note(Side.COORDINATOR, Topic.WORK, "lapsed.handler", in_state(State.COORDINATING)),
                Note(Side.DESK, Topic.WORK, "lapsed.handler", AT_THE_DESK),
            ),
        ),
    )
    def lapse(self, *, at: datetime, by: Actor) -> None:
        """Go on without an answer: a question holds time for 72 hours at most."""
        self.question_open = False

    @transition(
        source=S.IN_PROGRESS,
        permission=any_of(R.HOLDER),
        conditions=[extensible, no_extension_pending, extensions_left],
        custom=move(
            "申请延期",
            "Ask for an extension",
            RequestExtension,
            visibility=Visibility.PARTIES,
            news=(Note(Side.DESK, Topic.WORK, "extension.desk"),),
        ),
    )
    def request_extension(self, *, at: datetime, by: Actor, days: int, reason: str) -> None:
        """Ask the street for more days: none for two- and 24-hour classes, and no more than the class itself has."""
        left = self.days_to_extend
        if days > left:
            raise InvalidInput(
                "days",
                "too_many_days",
                bilingual(f"最多还可延期{left}天。", f"It can be extended by {left} more days at most."),
            )
        self.extension_days = days

    @transition(
        source=S.IN_PROGRESS,
        permission=any_of(R.STREET),
        conditions=[has_extension_pending, extension_fits],
        custom=move(
            "同意延期",
            "Grant the extension",
            OptionalReason,
            news=(*to_residents("extended.resident"), Note(Side.HOLDER, Topic.PROGRESS, "extended.handler")),
        ),
    )
    def grant_extension(self, *, at: datetime, by: Actor, reason: str = "") -> None:
        """Grant the days that were asked for. The event keeps the old due moment; the resident is told."""
        self.note(days=self.extension_days, due_before=self.due_at)
        if self.lead:
            self.lead.extensions += 1
            self.lead.extended += self.extension_days or 0
            self.stage(self.lead)
        self.extension_days = None

    @transition(
        source=S.IN_PROGRESS,
        permission=any_of(R.STREET, R.CLOCK),
        conditions=[has_extension_pending],
        custom=move(
            "不同意延期",
            "Refuse the extension",
            OptionalReason,
            visibility=Visibility.PARTIES,
            news=(Note(Side.HOLDER, Topic.WORK, "unextended.handler"),),
        ),
    )
    def refuse_extension(self, *, at: datetime, by: Actor, reason: str = "") -> None:
        """Refuse the extension; the due moment stays."""
        self.extension_days = None
