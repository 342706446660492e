"""Moves of residents that do not change the ticket's state."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from rest_framework import serializers

from casework.inputs import OwnWords
from community.receivers import local_day
from notifications.topics import Topic
from tickets.access import Relation, any_of, relations
from tickets.models.follower import FollowerKind
from tickets.models.parts import TicketParts
from tickets.moves import guards
from tickets.moves.inputs import REMARKS, SATISFACTION, Nothing, OptionalReason, TicketInput, photo_ids
from tickets.news import ASKED, AT_THE_DESK, WITH_NOBODY, Note, Side, in_state
from tickets.states import OPEN, Satisfaction, State
from tickets.windows import Window
from web.bodies import unfit
from web.words import bilingual
from workflow.actor import Actor
from workflow.moves import Visibility, condition, move, transition

R = Relation
S = State


class Comment(TicketInput):
    """Words, photos, or both."""

    text = OwnWords(required=False, label=bilingual("留言", "Comment"))
    photos = photo_ids()

    def validate(self, attrs: dict[str, object]) -> dict[str, object]:
        if not attrs.get("text") and not attrs.get("photos"):
            raise unfit("text", code="required", reason=_NOTHING_SAID)
        return attrs


class Rate(TicketInput):
    rating = serializers.ChoiceField(choices=Satisfaction.choices, label=SATISFACTION)
    words = OwnWords(required=False, label=REMARKS)


class Thank(TicketInput):
    words = OwnWords(max_length=500, label=bilingual("致谢内容", "Words of thanks"))
    consent = serializers.BooleanField(
        label=bilingual("同意公开", "Consent"),
        help_text=bilingual("可以公开展示致谢内容。", "The words may be shown in public."),
    )


_NOTHING_SAID = bilingual("请填写文字或上传照片。", "Give words or photos.")


@condition("urged_enough", "催单过于频繁，请稍后再试。", "You urged it a short while ago, or too often; try later.")
def urge_left(ticket: TicketParts) -> bool:
    """Each person has their own limits: so often in all, and so long between two urges."""
    urged = getattr(ticket, "own_urges", [])
    if len(urged) >= ticket.limits.urges:
        return False
    return not urged or ticket.moment >= ticket.window_ends(Window.URGING, urged[-1])


@condition("answer_instead", "有待您补充的问题，请直接补充。", "A question waits for you: answer it.")
def nothing_asked_of_them(ticket: TicketParts) -> bool:
    """A reporter who was asked answers; a comment would leave the question open."""
    return not ticket.question_open or R.REPORTER not in relations(ticket, ticket.asker)


@condition("commented_enough", "留言次数已用完，请稍后再试。", "You have commented as often as you may; try later.")
def comments_left(ticket: TicketParts) -> bool:
    """Each person has their own limits: so many comments a day, and so many in all."""
    own = getattr(ticket, "own_comments", None) or ()
    today = local_day(ticket.moment)
    limits = ticket.limits
    return len(own) < limits.comments and sum(local_day(at) == today for at in own) < limits.comments_a_day


@condition("own_ticket", "不能附议自己的工单。", "One's own ticket cannot be cosigned.")
def not_own(ticket: TicketParts) -> bool:
    return ticket.asker.person_id != ticket.reporter_id


@condition("already_following", "您已附议过。", "You have already cosigned.")
def not_following(ticket: TicketParts) -> bool:
    return not getattr(ticket, "follows", False)


@condition(
    "nothing_merged",
    "只有诉求人和被并单的居民可以评价、致谢。",
    "It is for its reporter, and for those whose own was merged into it.",
)
def reported_or_merged(ticket: TicketParts) -> bool:
    """A cosigner made no request of their own, so there is no answer to rate."""
    merged = getattr(ticket, "follows", None) == FollowerKind.MERGED
    return merged or R.FOLLOWER not in relations(ticket, ticket.asker)


@condition("already_rated", "您已评价过。", "You have rated it already.")
def not_rated(ticket: TicketParts) -> bool:
    return not getattr(ticket, "has_rated", False)


@condition("not_cosigned", "您没有附议过。", "You have not cosigned it.")
def cosigned(ticket: TicketParts) -> bool:
    return getattr(ticket, "follows", None) == FollowerKind.COSIGNED


@condition(
    "spoke_as_cosigner", "您已以附议人身份提出异议，不能撤回附议。", "You disputed it as a cosigner, and stay one."
)
def not_spoken(ticket: TicketParts) -> bool:
    """A person who cosigned again after a dispute would have a second voice."""
    return not getattr(ticket, "spoke", False)


class ResidentMoves(TicketParts):
    """The moves of residents that do not change the state."""

    class Meta:
        abstract = True

    @transition(
        source=list(OPEN),
        permission=any_of(R.REPORTER, R.FOLLOWER),
        conditions=[urge_left],
        custom=move(
            "催单",
            "Urge",
            OptionalReason,
            guarded=False,
            news=(
                Note(Side.COORDINATOR, Topic.WORK, "urged.staff", in_state(State.COORDINATING)),
                Note(Side.DESK, Topic.WORK, "urged.staff", AT_THE_DESK),
            ),
        ),
    )
    def urge(self, *, at: datetime, by: Actor, reason: str = "") -> None:
        """Ask for haste. The service level says how often each person may, and how soon again."""
        self.urges += 1
        self.last_urged_at = at

    @transition(
        source=list(OPEN),
        permission=any_of(R.REPORTER, R.FOLLOWER),
        conditions=[nothing_asked_of_them, comments_left],
        custom=move(
            "留言",
            "Comment",
            Comment,
            visibility=Visibility.PARTIES,
            guarded=False,
            news=(
                Note(Side.HOLDER, Topic.WORK, "commented.staff"),
                Note(Side.COORDINATOR, Topic.WORK, "commented.staff", in_state(State.COORDINATING)),
                Note(Side.OWNER, Topic.PROGRESS, "commented.staff"),
                Note(Side.DESK, Topic.WORK, "commented.staff", WITH_NOBODY),
            ),
        ),
    )
    def comment(self, *, at: datetime, by: Actor, text: str = "", photos: Sequence[uuid.UUID] = ()) -> None:
        """Add words or photos. Those who work on the ticket are told, and no clock changes."""

    @transition(
        source=list(OPEN),
        permission=any_of(R.NEIGHBOUR),
        conditions=[guards.public, not_own, not_following],
        custom=move("附议", "Cosign", Nothing, guarded=False, news=()),
    )
    def cosign(self, *, at: datetime, by: Actor) -> None:
        """Say "I have this problem, too", and follow the ticket."""
        self.cosigns += 1

    @transition(
        source=list(OPEN),
        permission=any_of(R.FOLLOWER),
        conditions=[cosigned, not_spoken],
        custom=move(
            "撤回附议",
            "Take the cosign back",
            Nothing,
            guarded=False,
            news=(Note(Side.SUCCESSOR, Topic.ASKED, "succession.successor", ASKED),),
        ),
    )
    def uncosign(self, *, at: datetime, by: Actor, successor: uuid.UUID | None = None) -> None:
        """Take the cosign back. A person who was asked to succeed the reporter thereby declines, and `successor` is asked."""
        self.cosigns -= 1
        if by.person_id == self.successor_id:
            self._ask_to_succeed(successor)

    @transition(
        source=[S.REPLIED, S.CLOSED],
        permission=any_of(R.FOLLOWER),
        conditions=[reported_or_merged, guards.not_own_work, not_rated],
        custom=move("评价", "Rate", Rate, visibility=Visibility.PARTIES, guarded=False, news=()),
    )
    def rate(self, *, at: datetime, by: Actor, rating: int, words: str = "") -> None:
        """Rate the result, as a resident whose own ticket was merged into this one. The ticket stays as it is."""

    @transition(
        source=[S.REPLIED, S.CLOSED],
        permission=any_of(R.REPORTER, R.FOLLOWER),
        conditions=[reported_or_merged, guards.not_own_work],
        custom=move(
            "致谢",
            "Thank",
            Thank,
            guarded=False,
            news=(
                Note(Side.HOLDER, Topic.PROGRESS, "thanked.handler"),
                Note(Side.FORMER_HOLDER, Topic.PROGRESS, "thanked.handler"),
            ),
        ),
    )
    def thank(self, *, at: datetime, by: Actor, words: str, consent: bool) -> None:
        """Thank those who did it (锦旗); shown in public only with consent."""
