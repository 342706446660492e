"""On account (挂账): what cannot be solved soon waits on a list, with an owner and a plan date."""

import uuid
from datetime import date, datetime, timedelta

from django_fsm import RETURN_VALUE
from rest_framework import serializers

from casework.inputs import Identifier, OwnWords
from community.receivers import local_day
from notifications.topics import Topic
from tickets.access import Relation, any_of
from tickets.models.parts import TicketParts
from tickets.moves.inputs import REASON, OptionalReason, TicketInput
from tickets.news import TAKEN, Note, Side, to_residents, to_whoever_acts
from tickets.states import AccountKind, Outcome, State
from web.words import bilingual
from workflow.actor import Actor
from workflow.errors import InvalidInput
from workflow.moves import move, transition

R = Relation
S = State
LATEST_PLAN = timedelta(days=5 * 366)


class PutOnAccount(TicketInput):
    kind = serializers.ChoiceField(choices=AccountKind.choices, label=bilingual("挂账原因", "Why"))
    owner = Identifier(
        label=bilingual("责任单位", "Owner"),
        help_text=bilingual("挂账期间负责的单位。", "The organisation that answers for it meanwhile."),
    )
    plan_date = serializers.DateField(label=bilingual("计划销账日期", "Plan date"))
    reason = OwnWords(label=REASON)


class AccountMoves(TicketParts):
    """The moves onto the account and off it."""

    class Meta:
        abstract = True

    @transition(
        source=[S.SUBMITTED, S.COORDINATING, S.IN_PROGRESS],
        target=S.ON_ACCOUNT,
        permission=any_of(R.STREET),
        custom=move(
            "挂账",
            "Put on account",
            PutOnAccount,
            news=(
                *to_residents("on_account.resident"),
                Note(Side.OWNER, Topic.WORK, "on_account.owner"),
                Note(Side.HOLDER, Topic.PROGRESS, "on_account.handler"),
            ),
        ),
    )
    def put_on_account(
        self, *, at: datetime, by: Actor, kind: str, owner: uuid.UUID, plan_date: date, reason: str
    ) -> None:
        """Keep what cannot be solved soon on a list, with an owner and a plan date; the old due moment is kept."""
        if not local_day(at) < plan_date <= local_day(at) + LATEST_PLAN:
            raise InvalidInput(
                "plan_date",
                "out_of_range",
                bilingual("日期须在明天至五年之内。", "The date must lie between tomorrow and five years from now."),
            )
        self._enter(at)
        self.question_open, self.extension_days = False, None
        self.account_kind, self.account_owner_id, self.account_plan_on = kind, owner, plan_date

    @transition(
        source=S.ON_ACCOUNT,
        target=RETURN_VALUE(S.COORDINATING, S.IN_PROGRESS),
        permission=any_of(R.STREET, R.CLOCK),
        custom=move(
            "销账",
            "Take off account",
            OptionalReason,
            news=(*to_residents("resumed.resident"), *to_whoever_acts("resumed"), *TAKEN),
        ),
    )
    def resume(self, *, at: datetime, by: Actor, holder_live: bool, reason: str = "") -> State:
        """Go on with it: by its holder where that is live, else under coordination."""
        self._enter(at)
        self.account_kind, self.account_owner_id, self.account_plan_on = "", None, None
        if self.lead and self.lead.signed_at and holder_live:
            self.note(lead=self.lead.organisation_id)
            return S.IN_PROGRESS
        self._close_lead(at, Outcome.ENDED)
        self.coordinator_id = self.coordinator_today or self.desk_id
        return S.COORDINATING
