"""Clocks: reminders."""

from datetime import datetime

from notifications.topics import Topic
from tickets.access import Relation, any_of
from tickets.models.parts import TicketParts
from tickets.moves.inputs import Nothing
from tickets.news import Note, Side, in_state
from tickets.states import OPEN, State
from workflow.actor import Actor
from workflow.moves import Visibility, move, transition

R = Relation
S = State


class ClockMoves(TicketParts):
    """The moves that the clock alone makes."""

    class Meta:
        abstract = True

    @transition(
        source=[*OPEN, S.CLOSED],
        permission=any_of(R.CLOCK),
        custom=move(
            "提醒",
            "Remind",
            Nothing,
            visibility=Visibility.INTERNAL,
            guarded=False,
            news=(Note(Side.INSPECTOR, Topic.REMINDER, "reminder.staff", in_state(State.REPLIED)),),
        ),
    )
    def remind(self, *, at: datetime, by: Actor) -> None:
        """Remind those who have to act that their time is running out or is over."""
