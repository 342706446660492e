"""Privacy: what neighbours read, and who sees the reporter's contact."""

from collections.abc import Sequence
from datetime import datetime

from rest_framework import serializers

from casework.inputs import OwnLine, OwnWords
from tickets.access import Relation, any_of, relations
from tickets.models.parts import TicketParts
from tickets.moves import guards
from tickets.moves.inputs import HIDDEN, REASON, Reason, TicketInput
from tickets.states import OPEN, HiddenBy, Secrecy, State
from web.bodies import unfit
from web.words import bilingual
from workflow.actor import Actor
from workflow.moves import Visibility, condition, move, transition

R = Relation
S = State


class HideWords(TicketInput):
    hidden = serializers.BooleanField(label=HIDDEN)


class Redact(TicketInput):
    """What neighbours read in the place of the words that are there; at least one of these."""

    title = OwnLine(max_length=60, required=False, label=bilingual("公开标题", "Public title"))
    text = OwnWords(required=False, label=bilingual("公开内容", "Public text"))
    events = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=100_000),
        max_length=50,
        required=False,
        label=bilingual("不公开的记录", "Entries without words"),
        help_text=bilingual(
            "记录序号；其文字不再向邻居公开。", "By their numbers; neighbours no longer read their words."
        ),
    )
    hidden = serializers.BooleanField(required=False, label=HIDDEN)
    reason = OwnWords(label=REASON)

    def validate(self, attrs: dict[str, object]) -> dict[str, object]:
        if not {"title", "text", "events", "hidden"} & set(attrs):
            raise unfit("text", code="required", reason=_NOTHING_REDACTED)
        return attrs


_NOTHING_REDACTED = bilingual("请注明要处理的内容。", "Say what is to be redacted.")


@condition("hidden_by_street", "街道已设为不公开，请联系街道。", "The street has hidden the words; ask the street.")
def not_hidden_by_street(ticket: TicketParts) -> bool:
    """What the street hid, the street shows again."""
    return ticket.words_hidden != HiddenBy.STREET


@condition(
    "reporter_is_confidential",
    "保密工单，联系方式仅街道可见。",
    "The report is confidential; only the street may see who made it.",
)
def not_confidential_to_them(ticket: TicketParts) -> bool:
    return ticket.secrecy != Secrecy.CONFIDENTIAL or R.STREET in relations(ticket, ticket.asker)


class PrivacyMoves(TicketParts):
    """The moves that decide what others read."""

    class Meta:
        abstract = True

    @transition(
        source=list(State),
        permission=any_of(R.REPORTER),
        conditions=[guards.public, not_hidden_by_street],
        custom=move(
            "内容公开设置", "Hide or show my words", HideWords, visibility=Visibility.PARTIES, guarded=False, news=()
        ),
    )
    def hide_words(self, *, at: datetime, by: Actor, hidden: bool) -> None:
        """Hide the reporter's words from neighbours, or show them again."""
        self.words_hidden = HiddenBy.REPORTER if hidden else HiddenBy.NOBODY

    @transition(
        source=list(State),
        permission=any_of(R.STREET),
        conditions=[guards.public],
        custom=move("脱敏", "Redact", Redact, visibility=Visibility.INTERNAL, guarded=False, news=()),
    )
    def redact(
        self,
        *,
        at: datetime,
        by: Actor,
        reason: str,
        title: str | None = None,
        text: str | None = None,
        events: Sequence[int] = (),
        hidden: bool | None = None,
    ) -> None:
        """Set what neighbours read in the place of people's words. Those who work on it still read the words themselves."""
        self.public_title = title or self.public_title
        self.public_text = text or self.public_text
        self.redacted_events = sorted({*self.redacted_events, *events})
        if hidden is not None:
            self.words_hidden = HiddenBy.STREET if hidden else HiddenBy.NOBODY

    @transition(
        source=S.COORDINATING,
        permission=any_of(R.HOLDER, R.CO_HANDLER, R.COORDINATOR, R.STREET),
        conditions=[guards.residents_own, guards.not_anonymous, not_confidential_to_them],
    )
    @transition(
        source=[one for one in OPEN if one != S.COORDINATING],
        permission=any_of(R.HOLDER, R.CO_HANDLER, R.STREET),
        conditions=[guards.residents_own, guards.not_anonymous, not_confidential_to_them],
        custom=move(
            "查看联系方式", "Reveal the contact", Reason, visibility=Visibility.INTERNAL, guarded=False, news=()
        ),
    )
    def reveal(self, *, at: datetime, by: Actor, reason: str) -> None:
        """See the reporter's name and phone; who saw them, and why, is on record."""
