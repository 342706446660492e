"""The poll: three states, four moves, two clocks, and the tables of its history."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import models
from django_fsm import FSMField
from rest_framework import serializers

from casework.inputs import Input, OwnWords
from community.models import Compound, Street
from web.words import bilingual
from workflow import models as engine
from workflow.actor import Actor
from workflow.clocks import Rules, Start, Terms
from workflow.levels import Levels
from workflow.models.service_levels import ClockRung, ClockTarget, LevelVersion
from workflow.moves import Visibility, condition, move, transition
from workflow.planner import ClocksInState, planner
from workflow.service_level import ServiceLevel, Vocabulary

OPEN, COUNTING, CLOSED = "open", "counting", "closed"


class Vote(Input):
    """What an owner says, and why."""

    yes = serializers.BooleanField()
    reason = OwnWords(required=False)


class Count(Input):
    """Which share of the area voted, in per cent."""

    turnout = serializers.DecimalField(max_digits=5, decimal_places=2)


@condition("nobody_voted", "还没有人投票。", "Nobody has voted yet.")
def voted(poll: "Poll") -> bool:
    """Whether there is anything to count."""
    return poll.votes > 0


class Voiding(engine.Subject):
    """A move that other subjects could have as well."""

    class Meta:
        abstract = True

    @transition(
        source=[OPEN, COUNTING],
        target=CLOSED,
        permission=lambda poll, by: by.clock or by.person_id == poll.chair_id,
        custom=move("作废", "Void", Input),
    )
    def void(self, *, at: datetime, by: Actor) -> None:
        """End it without a result."""


class Poll(Voiding):
    """A question to the owners."""

    street = models.ForeignKey(Street, models.PROTECT, related_name="+")
    compound = models.ForeignKey(Compound, models.PROTECT, related_name="+")
    chair_id = models.UUIDField()
    question = models.CharField(max_length=100)
    votes = models.PositiveIntegerField(default=0)
    turnout = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    state = FSMField(default=OPEN, protected=True)

    SHARED = ("street_id",)

    class Meta:
        verbose_name, verbose_name_plural = bilingual("投票", "poll"), bilingual("投票", "polls")

    @transition(
        source=OPEN,
        permission=lambda poll, by: by.person_id is not None,
        custom=move("投票", "Vote", Vote, guarded=False, visibility=Visibility.PARTIES),
    )
    def vote(self, *, at: datetime, by: Actor, yes: bool, reason: str = "") -> None:
        """Say yes or no."""
        self.votes += 1

    @transition(
        source=OPEN,
        target=COUNTING,
        permission=lambda poll, by: by.clock or by.person_id == poll.chair_id,
        custom=move("截止", "End the vote", Input),
    )
    def end(self, *, at: datetime, by: Actor) -> None:
        """Take no more votes."""

    @transition(
        source=COUNTING,
        target=CLOSED,
        permission=lambda poll, by: by.person_id == poll.chair_id,
        conditions=[voted],
        custom=move("计票", "Count", Count),
    )
    def count(self, *, at: datetime, by: Actor, turnout: Decimal) -> None:
        """Say how many took part."""
        self.turnout = turnout

    clock_plan = staticmethod(planner({OPEN: ClocksInState(("voting",)), COUNTING: ClocksInState(("count",))}))

    def terms(self, starts: Sequence[Start]) -> Terms:
        """The same for every poll of the street."""
        return LEVELS.terms(starts, self.last_event_at, self.street_id)

    def rules(self) -> Rules:
        """As its service level says."""
        return LEVELS.rules()

    def outbox_facts(self) -> dict[str, Any]:
        """What is told of a poll."""
        return {"state": self.state, "question": self.question, "chair": self.chair_id, "turnout": self.turnout}


class PollLevel(LevelVersion):
    """How long a vote and its count take."""

    VOCABULARY = Vocabulary(("voting", "count"), ("end", "void"), always=("voting", "count"))


class PollTarget(ClockTarget):
    version = models.ForeignKey(PollLevel, models.CASCADE, related_name="targets")


class PollRung(ClockRung):
    version = models.ForeignKey(PollLevel, models.CASCADE, related_name="rungs")


LEVELS: Levels[ServiceLevel] = Levels(lambda: PollLevel)


class OfStreet(models.Model):
    street = models.ForeignKey(Street, models.PROTECT, related_name="+")

    class Meta:
        abstract = True


class PollEvent(engine.Event, OfStreet):
    """One thing that happened to a poll."""

    subject = models.ForeignKey(Poll, models.PROTECT, related_name="events")


class PollWords(engine.EventWords, OfStreet):
    """The words of one event."""

    event = models.OneToOneField(PollEvent, models.PROTECT, related_name="words")


class PollOutbox(engine.Outbox, OfStreet):
    """An event that has still to be told."""

    event = models.ForeignKey(PollEvent, models.PROTECT, related_name="+")


class PollSeal(engine.Seal, OfStreet):
    """The heads of polls."""


class PollClock(engine.Clock, OfStreet):
    """Time that runs on a poll."""

    subject = models.ForeignKey(Poll, models.PROTECT, related_name="clock_rows")


class PollFiring(engine.Firing, OfStreet):
    """A rung of a poll's clock that was fired."""

    clock = models.ForeignKey(PollClock, models.PROTECT, related_name="firings")
    event = models.ForeignKey(PollEvent, models.PROTECT, related_name="+")


Poll.EVENTS, Poll.WORDS, Poll.OUTBOX = PollEvent, PollWords, PollOutbox
Poll.CLOCKS, Poll.FIRINGS, Poll.SEALS = PollClock, PollFiring, PollSeal
