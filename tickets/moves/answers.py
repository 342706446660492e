"""Answers: the reply, and what the resident makes of it."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from django_fsm import RETURN_VALUE
from rest_framework import serializers

from casework.inputs import OwnWords
from notifications.topics import Topic
from tickets.access import Relation, any_of, relations
from tickets.models import service_level as service_levels
from tickets.models.parts import TicketParts
from tickets.moves import guards
from tickets.moves.inputs import REASON, REMARKS, SATISFACTION, Nothing, Reason, Reply, TicketInput, photo_ids
from tickets.news import INSPECTED, REPORTED, TAKEN, Note, Side, to_residents, to_whoever_acts
from tickets.states import HIGHEST_AUTOMATIC, Outcome, Satisfaction, State
from tickets.windows import Window
from web.words import bilingual
from workflow.actor import Actor
from workflow.errors import InvalidInput
from workflow.moves import Visibility, condition, move, transition

R = Relation
S = State
RESOLVED = bilingual("是否解决", "Resolved")


class Confirm(TicketInput):
    resolved = serializers.BooleanField(label=RESOLVED)
    rating = serializers.ChoiceField(choices=Satisfaction.choices, label=SATISFACTION)
    words = OwnWords(required=False, label=REMARKS)


class Check(TicketInput):
    words = OwnWords(required=False, label=bilingual("核查情况", "What the check found"))


class Dispute(TicketInput):
    reason = OwnWords(label=REASON)
    photos = photo_ids()


class Callback(TicketInput):
    valid = serializers.BooleanField(
        label=bilingual("有效回访", "Valid"),
        help_text=bilingual("已联系到诉求人并谈及该事项。", "The resident could be reached and spoke on the matter."),
    )
    contacted = serializers.BooleanField(
        label=bilingual("是否联系", "Contacted"),
        help_text=bilingual("承办单位是否联系过诉求人。", "Whether the holder had been in touch."),
    )
    resolved = serializers.BooleanField(label=RESOLVED)
    satisfied = serializers.ChoiceField(choices=Satisfaction.choices, label=SATISFACTION)
    words = OwnWords(required=False, label=REMARKS)


@condition("reporter_left", "诉求人已撤回，无人可作评价。", "Its reporter has left, and nobody is there to rate it.")
def somebody_reported(ticket: TicketParts) -> bool:
    """There is somebody who rates: a reporter with an account, or a person whom the street can reach."""
    return guards.has_reporter(ticket)


@condition(
    "reported_by_resident", "居民反映的工单由居民确认。", "What a resident reported is for the resident to confirm."
)
def found_on_patrol(ticket: TicketParts) -> bool:
    return ticket.inspector_id is not None


@condition(
    "own_work", "本单位办理的工单由街道核查。", "What your own organisation worked on is for the street to check."
)
def checked_by_another(ticket: TicketParts) -> bool:
    """The organisation that found it may close it, unless it did the work itself."""
    return R.STREET in relations(ticket, ticket.asker) or guards.judged(ticket).isdisjoint(
        seat.organisation_id for seat in ticket.asker.seats
    )


@condition("steps_remain", "还有后续步骤未完成。", "Later steps are still to be done.")
def steps_done(ticket: TicketParts) -> bool:
    return ticket.next_step is None


@condition("already_called_back", "每件工单只回访一次。", "A ticket is called back once.")
def not_called_back(ticket: TicketParts) -> bool:
    return ticket.called_back_at is None


@condition("reopening_window_over", "已超过重新办理期限，请重新上报。", "It is too late to reopen; please report anew.")
def within_reopening_window(ticket: TicketParts) -> bool:
    return ticket.closed_at is not None and ticket.moment <= ticket.window_ends(Window.REOPENING, ticket.closed_at)


@condition("already_disputed", "您已提出过一次异议。", "You have disputed it once already.")
def voice_left(ticket: TicketParts) -> bool:
    """Each follower may dispute once; `spoke` is set for the actor who asks. Reporter, inspector and street are not bound."""
    unbound = {R.REPORTER, R.INSPECTOR, R.STREET}
    return not getattr(ticket, "spoke", False) or not relations(ticket, ticket.asker).isdisjoint(unbound)


class AnswerMoves(TicketParts):
    """The reply, and the moves after it."""

    class Meta:
        abstract = True

    @transition(
        source=S.IN_PROGRESS,
        target=S.REPLIED,
        permission=any_of(R.HOLDER, R.STREET),
        conditions=[guards.contacted, steps_done],
    )
    @transition(
        source=S.COORDINATING,
        target=S.REPLIED,
        permission=any_of(R.COORDINATOR, R.STREET),
    )
    @transition(
        source=S.SUBMITTED,
        target=S.REPLIED,
        permission=any_of(R.STREET),
        custom=move(
            "办结反馈",
            "Report done",
            Reply,
            news=(
                Note(Side.REPORTER, Topic.ASKED, "replied.resident"),
                Note(Side.FOLLOWER, Topic.PROGRESS, "replied.follower"),
                Note(Side.INSPECTOR, Topic.WORK, "replied.inspector"),
            ),
        ),
    )
    def reply(self, *, at: datetime, by: Actor, result: str, photos: Sequence[uuid.UUID] = ()) -> None:
        """Say what was done, and hand the ticket back to its resident."""
        if self.after_photo and self.lead is not None and not photos:
            raise InvalidInput(
                "photos",
                "after_photo_required",
                bilingual("该事项须上传办结照片。", "This matter needs a photo of the result."),
            )
        self.question_open, self.extension_days = False, None
        self._promise_whole()
        self._enter(at)

    @transition(
        source=S.REPLIED,
        target=S.CLOSED,
        permission=any_of(R.REPORTER),
        conditions=[somebody_reported, guards.not_own_work],
        custom=move(
            "确认",
            "Confirm",
            Confirm,
            news=(
                Note(Side.FORMER_HOLDER, Topic.PROGRESS, "confirmed.handler"),
                Note(Side.FOLLOWER, Topic.PROGRESS, "closed.follower"),
            ),
        ),
    )
    def confirm(self, *, at: datetime, by: Actor, resolved: bool, rating: int, words: str = "") -> None:
        """Accept the reply and rate it; the ticket closes. The street's rating in the resident's place is no satisfaction."""
        if not resolved:
            raise InvalidInput(
                "resolved",
                "dispute_instead",
                bilingual("未解决的，请选择“不满意”。", "What is not resolved is not confirmed: dispute it."),
            )
        self._enter(at)
        self.resolved, self.rating, self.rated_on_behalf = resolved, rating, bool(by.on_behalf)

    @transition(
        source=S.REPLIED,
        target=S.CLOSED,
        permission=any_of(R.INSPECTOR, R.STREET),
        conditions=[found_on_patrol, checked_by_another],
        custom=move(
            "核查办结",
            "Close after a check",
            Check,
            news=(
                Note(Side.FOLLOWER, Topic.PROGRESS, "closed.follower"),
                Note(Side.FORMER_HOLDER, Topic.PROGRESS, "checked.handler"),
                Note(Side.INSPECTOR, Topic.PROGRESS, "checked.handler"),
            ),
        ),
    )
    def close(self, *, at: datetime, by: Actor, words: str = "") -> None:
        """Close what was found on patrol once it has been checked: no resident confirms it, and nobody rates it."""
        self._enter(at)

    @transition(
        source=S.REPLIED,
        target=S.CLOSED,
        permission=any_of(R.CLOCK),
        custom=move(
            "逾期关闭",
            "Close in silence",
            Nothing,
            news=(
                Note(Side.REPORTER, Topic.PROGRESS, "closed.resident"),
                Note(Side.FOLLOWER, Topic.PROGRESS, "closed.follower"),
                Note(Side.FORMER_HOLDER, Topic.PROGRESS, "closed.handler", REPORTED),
                Note(Side.FORMER_HOLDER, Topic.PROGRESS, "unchecked.staff", INSPECTED),
                Note(Side.INSPECTOR, Topic.PROGRESS, "unchecked.staff"),
            ),
        ),
    )
    def close_silent(self, *, at: datetime, by: Actor) -> None:
        """Close a ticket whose resident did not answer. It has no rating and does not count as satisfied."""
        self._enter(at)

    @transition(
        source=S.REPLIED,
        target=RETURN_VALUE(S.IN_PROGRESS, S.COORDINATING),
        permission=any_of(R.REPORTER, R.FOLLOWER, R.INSPECTOR, R.STREET),
        conditions=[voice_left],
        custom=move(
            "不满意",
            "Dispute",
            Dispute,
            news=(*to_residents("reworked.resident"), *to_whoever_acts("disputed"), *TAKEN),
        ),
    )
    def dispute(
        self, *, at: datetime, by: Actor, reason: str, holder_live: bool, photos: Sequence[uuid.UUID] = ()
    ) -> State:
        """Say that it is not solved: back to a live holder, the second time to the street."""
        self.disputes += 1
        self._enter(at)
        self._raise_for_rework()
        if self.disputes == 1 and self.lead and holder_live:
            self.note(lead=self.lead.organisation_id)
            return S.IN_PROGRESS
        self._close_lead(at, Outcome.DISPUTED)
        self._coordinate_at(self.desk_id, at)
        return S.COORDINATING

    @transition(
        source=[S.IN_PROGRESS, S.REPLIED, S.CLOSED],
        permission=any_of(R.STREET),
        conditions=[guards.residents_own, not_called_back],
        custom=move("回访", "Call back", Callback, visibility=Visibility.INTERNAL, news=()),
    )
    def callback(
        self, *, at: datetime, by: Actor, valid: bool, contacted: bool, resolved: bool, satisfied: int, words: str = ""
    ) -> None:
        """Record what the resident said when called back, once a ticket (ordinance on swift response, article 23)."""
        self.called_back_at = at

    @transition(
        source=S.CLOSED,
        target=RETURN_VALUE(S.IN_PROGRESS, S.SUBMITTED),
        permission=any_of(R.REPORTER, R.INSPECTOR, R.STREET),
        conditions=[within_reopening_window],
        custom=move(
            "重新办理", "Reopen", Reason, news=(*to_residents("reworked.resident"), *to_whoever_acts("reopened"))
        ),
    )
    def reopen(self, *, at: datetime, by: Actor, reason: str, holder_live: bool) -> State:
        """Take a closed ticket up again: by its last holder where that is live, else from triage."""
        self._enter(at)
        self.reopenings += 1
        self._raise_for_rework()
        self.resolved = self.rating = self.due_at = None
        self.rated_on_behalf = False
        led = self.last_lead
        if led and holder_live:
            self._reassign(led.organisation_id, at)
            return S.IN_PROGRESS
        self.coordinator_id = None
        return S.SUBMITTED

    def _raise_for_rework(self) -> None:
        """Bring a higher level in where the work has to be done again as often as the service level says; L3 at most."""
        often = service_levels.level(self.policy, self.last_event_at).rework
        if often and self.disputes + self.reopenings >= often and self.level < HIGHEST_AUTOMATIC:
            self.level += 1
            self.note(level=self.level)
