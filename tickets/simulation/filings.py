"""Which reports a run will see, and when: drawn from its seed alone."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from community.models import Compound, Person
from community.receivers import local_day
from tickets.simulation import behaviour
from tickets.simulation.behaviour import Wish
from tickets.simulation.crowd import Crowd
from tickets.simulation.hours import Hours
from tickets.simulation.words import Sample, samples
from tickets.states import Channel, Secrecy, State, TicketType


@dataclass(frozen=True, slots=True)
class Filing:
    """A report that will be made at `at`. With a `fate`, its ticket shall end there; `twin_of` is the number of one on the same."""

    number: int
    at: datetime
    sample: Sample
    compound: Compound | None
    reporter: Person
    secrecy: str
    channel: str
    fate: State | None = None
    twin_of: int | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """What is to be simulated: how many tickets, in how many days, up to when. `wishes` end in given states; see `behaviour.WISHES`."""

    days: int
    tickets: int
    seed: int
    until: datetime
    wishes: Sequence[Wish] = ()

    @property
    def begin(self) -> datetime:
        """The moment at which the run begins."""
        return self.until - timedelta(days=self.days)


def filings(span: Span, crowd: Crowd) -> list[Filing]:
    """The reports that will be made, in the order of their moments; drawn from the seed alone, whatever becomes of them."""
    dice = random.Random(span.seed)  # noqa: S311
    wished = _wished(span, crowd, dice)
    crowded = [len(crowd.residents[one.pk]) for one in crowd.compounds]
    outside = [one for one in samples() if one.category in behaviour.OUTSIDE]
    drawn: list[Filing] = []
    while len(drawn) + len(wished) < span.tickets:
        number = len(wished) + len(drawn)
        public = dice.random() < behaviour.PUBLIC_GROUND
        compound = dice.choices(crowd.compounds, crowded)[0]
        sample = dice.choice(outside if public else samples())
        secrecy = Secrecy.OPEN
        if sample.type in (TicketType.COMPLAINT, TicketType.REPORT):
            secrecy = dice.choices(list(Secrecy), behaviour.SECRECY)[0]
        one = Filing(
            number=number,
            at=_hour(span, dice),
            sample=sample,
            compound=None if public else compound,
            reporter=dice.choice(crowd.residents[compound.pk]),
            secrecy=secrecy,
            channel=dice.choices([*behaviour.CHANNELS], [*behaviour.CHANNELS.values()])[0],
        )
        drawn.append(one)
        open_to_all = secrecy == Secrecy.OPEN and not public and sample.type in (TicketType.HELP, TicketType.COMPLAINT)
        others = [person for person in crowd.residents[compound.pk] if person.pk != one.reporter.pk]
        if (
            len(drawn) + len(wished) < span.tickets
            and dice.random() < behaviour.TWINS
            and open_to_all
            and others
            and (at := one.at + _hours(dice.uniform(behaviour.TWIN.low, behaviour.TWIN.high))) < span.until
        ):
            drawn.append(
                Filing(number + 1, at, sample, compound, dice.choice(others), secrecy, Channel.APP, twin_of=number)
            )
    return sorted(wished + drawn, key=lambda one: (one.at, one.number))


def _wished(span: Span, crowd: Crowd, dice: random.Random) -> list[Filing]:
    compounds = {one.code: one for one in crowd.compounds}
    numbers = {wish.fate: number for number, wish in enumerate(span.wishes)}
    found = []
    for number, wish in enumerate(span.wishes):
        sample = next(one for one in samples() if (one.category, one.type) == (wish.category, wish.type))
        compound = compounds[wish.compound] if wish.compound else None
        people = crowd.residents[(compound or crowd.compounds[0]).pk]
        found.append(
            Filing(
                number=number,
                at=span.until - _hours(dice.uniform(*wish.hours)),
                sample=sample,
                compound=compound,
                reporter=people[number % len(people)],
                secrecy=Secrecy.OPEN,
                channel=Channel.APP,
                fate=wish.fate,
                twin_of=numbers[State.ON_ACCOUNT] if wish.fate == State.MERGED else None,
            )
        )
    return found


def _hour(span: Span, dice: random.Random) -> datetime:
    """A moment of the span, at an hour at which people report."""
    while True:
        day = Hours.today().start_of(local_day(span.begin)) + timedelta(days=dice.randrange(span.days + 1))
        hour = dice.choices(range(24), behaviour.HOURS)[0]
        at = day + _hours(hour + dice.random())
        if span.begin < at < span.until:
            return at


def _hours(number: float) -> timedelta:
    return timedelta(seconds=round(number * 3600))
