"""How invented people behave: every delay and every chance of the simulation, in one place.

Nothing here looks at a deadline. The same people do the same under another service level, unless its ladder presses them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tickets.states import Channel, State

S = State


class When(StrEnum):
    """At what times of the day something happens."""

    ANY = "any"
    DAY = "day"  # from seven in the morning to ten at night
    OFFICE = "office"  # in the working hours of the street's calendar
    EVENING = "evening"  # from seven to half past nine


@dataclass(frozen=True, slots=True)
class Delay:
    """Between `low` and `high` hours, and then until such a time of the day comes."""

    low: float
    high: float
    when: When = When.ANY


@dataclass(frozen=True, slots=True)
class Worker:
    """A kind of organisation that work is given to. `share` is its part in a hundred companies.

    `effort` times the usual hours of the class is what the work takes; `convinces` is the chance that the resident is content
    with it, and `spurred` the chance that it hurries when the level is raised. A worker who never signs has no `signs`.
    """

    name: str
    share: int
    signs: Delay | None
    signs_urgent: Delay | None
    contacts: Delay
    effort: float
    convinces: float
    spurred: float
    hours: When = When.DAY
    returns: float = 0.04
    asks: float = 0.1
    extends: float = 0.08
    reports: float = 0.4


FAST = Worker(
    "fast", 55, signs=Delay(0.05, 0.7, When.DAY), signs_urgent=Delay(0.01, 0.06), contacts=Delay(0.05, 0.7, When.DAY),
    effort=0.55, convinces=0.93, spurred=0.8,
)  # fmt: skip
SLOW = Worker(
    "slow", 35, signs=Delay(0.2, 2.6, When.DAY), signs_urgent=Delay(0.02, 0.2), contacts=Delay(0.2, 3.0, When.DAY),
    effort=1.5, convinces=0.78, spurred=0.5, returns=0.08, asks=0.14, extends=0.25, reports=0.2,
)  # fmt: skip
ABSENT = Worker(
    "absent", 10, signs=None, signs_urgent=None, contacts=Delay(0.3, 4.0, When.DAY), effort=1.5, convinces=0.5, spurred=0.0
)  # fmt: skip
STREET = Worker(
    "street", 0, signs=Delay(0.05, 0.45, When.OFFICE), signs_urgent=Delay(0.01, 0.07), contacts=Delay(0.1, 1.2, When.OFFICE),
    effort=0.9, convinces=0.86, spurred=0.9, hours=When.OFFICE, returns=0.0,
)  # fmt: skip
COMPANIES = (FAST, SLOW, ABSENT)

# Hours of work by class; others take those of LONG_WORK.
WORK: Mapping[str, tuple[float, float]] = {
    "IMM": (0.2, 1.2),
    "H2": (0.3, 1.8),
    "H24": (3, 20),
    "LIGHT-I": (2, 9),
    "LIGHT-O": (2, 9),
    "D7": (20, 150),
}
LONG_WORK = (60.0, 260.0)
HURRIED = Delay(1, 8, When.DAY)
AGAIN = 0.4
"""What work that is done once more takes of the usual hours."""
BEFORE_ARRIVAL = Delay(0.03, 0.4)
BEFORE_PROGRESS = Delay(0.5, 20, When.DAY)
BEFORE_QUESTION = Delay(0.5, 20, When.DAY)
BEFORE_EXTENSION = Delay(10, 60, When.DAY)
RETURN = Delay(0.3, 2.5, When.DAY)


@dataclass(frozen=True, slots=True)
class Resident:
    """A kind of reporter, as `share` in a hundred; reporters who never answer a reply have no `confirms`."""

    name: str
    share: int
    confirms: Delay | None
    answers: Delay | None
    urges: float
    thanks: float


RESIDENTS = (
    Resident("quick", 45, Delay(0.3, 14, When.DAY), Delay(0.3, 10, When.DAY), urges=0.35, thanks=0.12),
    Resident("slow", 30, Delay(20, 130, When.DAY), Delay(10, 90, When.DAY), urges=0.15, thanks=0.06),
    Resident("silent", 25, None, None, urges=0.05, thanks=0.0),
)
COSIGNED, COSIGNERS = 0.22, 3
COSIGN = Delay(0.1, 12, When.DAY)
WITHDRAWN, WITHDRAW = 0.02, Delay(0.3, 12, When.DAY)
URGE, URGE_AGAIN, URGED_AGAIN = Delay(30, 110, When.DAY), Delay(25, 60, When.DAY), 0.35
BEFORE_DISPUTE = Delay(0.5, 30, When.DAY)
REOPENED, REOPENED_UNSOLVED, REOPEN = 0.02, 0.5, Delay(20, 240, When.DAY)
BEFORE_THANKS = Delay(0.5, 30, When.DAY)
RATINGS_CONTENT = (0, 1, 8, 38, 53)
RATINGS_NOT = (30, 35, 25, 8, 2)
CALLED_BACK_CONTENT = 0.85


@dataclass(frozen=True, slots=True)
class OfficeHabits:
    """The street: its desk, its task force and its lead, who work in office hours; what is urgent they see to at once."""

    triages: Delay = Delay(0.1, 1.2, When.OFFICE)
    triages_urgent: Delay = Delay(0.02, 0.2)
    corrects: float = 0.04
    rejects: float = 0.05
    hands_on: float = 0.15
    merges: Delay = Delay(0.3, 4, When.OFFICE)
    coordinates: Delay = Delay(1, 20, When.OFFICE)
    coordinates_urgent: Delay = Delay(0.03, 0.3)
    records: float = 0.5
    dispatches: float = 0.45
    replies: Delay = Delay(4, 60, When.OFFICE)
    replies_urgent: Delay = Delay(0.3, 1.8)
    upholds: float = 0.45
    designates: float = 0.35
    reviews: Delay = Delay(0.5, 12, When.OFFICE)
    grants: float = 0.6
    refuses: float = 0.2
    decides_extension: Delay = Delay(0.5, 14, When.OFFICE)
    accounts: Mapping[str, float] = field(default_factory=lambda: {"LT": 0.35, "VOTE": 0.6, "D15": 0.08})
    puts_on_account: Delay = Delay(20, 150, When.OFFICE)
    plans_days: tuple[int, int] = (6, 150)
    reports_on_account: float = 0.8
    reports: Delay = Delay(300, 690, When.OFFICE)
    rescues: float = 0.75
    rescue: Delay = Delay(0.1, 0.7)
    calls_back: float = 0.75
    call_back: Delay = Delay(0.3, 9, When.OFFICE)
    terminates: float = 0.005
    termination: Delay = Delay(30, 90, When.OFFICE)
    stands_in: float = 0.5
    stand_in: Delay = Delay(4, 60, When.OFFICE)


@dataclass(frozen=True, slots=True)
class Committee:
    """A committee that meets in the evening, or lets a matter lie."""

    meets: Delay = Delay(3, 46, When.EVENING)
    neglects: float = 0.12
    dispatches: Delay = Delay(0.2, 3, When.ANY)


@dataclass(frozen=True, slots=True)
class Department:
    """A department of the district that is whistled."""

    reports_in: Delay = Delay(1, 22, When.OFFICE)
    comes: float = 0.85
    declines: float = 0.08
    finishes: Delay = Delay(10, 130, When.OFFICE)


OFFICE, COMMITTEE, DEPARTMENT = OfficeHabits(), Committee(), Department()

# How many of a hundred reports are filed in each hour of the day; by each channel of residents; open, confidential, anonymous.
HOURS = (1, 0, 0, 0, 0, 1, 2, 5, 9, 9, 7, 6, 4, 4, 5, 5, 5, 6, 8, 9, 7, 4, 2, 1)
CHANNELS = {Channel.APP: 74, Channel.PHONE: 12, Channel.COUNTER: 4, Channel.HOTLINE: 10}
SECRECY = (80, 15, 5)
PUBLIC_GROUND = 0.06
OUTSIDE = frozenset({"TR01", "TR03", "TR04", "PK07"})
"""What is reported on public ground."""
TWINS, TWIN = 0.05, Delay(0.1, 1.5)
WITH_PHOTO = 0.15
UNKNOWN_CALLER = 0.4


@dataclass(frozen=True, slots=True)
class Wish:
    """A report on `category` at `compound` (empty: public ground), filed `hours` before the end, that shall end in the state `fate`."""

    fate: State
    type: str
    category: str
    compound: str
    hours: tuple[float, float]


# So that no list of the demo is empty when the run ends: every state, and everybody who signs in there.
WISHES = (
    Wish(S.CLOSED, "help", "RP06", "X01", (30, 46)),
    Wish(S.TERMINATED, "help", "NB02", "X01", (30, 46)),
    Wish(S.REJECTED, "consult", "UT05", "X01", (6, 20)),
    Wish(S.WITHDRAWN, "complaint", "PK04", "X01", (6, 20)),
    Wish(S.MERGED, "help", "RP02", "X01", (10, 20)),
    Wish(S.REPLIED, "help", "CL05", "X01", (20, 40)),
    Wish(S.ON_ACCOUNT, "help", "RP02", "X01", (30, 46)),
    Wish(S.COORDINATING, "complaint", "PK02", "X01", (4, 20)),
    Wish(S.COORDINATING, "help", "TR01", "", (4, 20)),
    Wish(S.RETURNING, "help", "RP09", "X02", (3, 8)),
    Wish(S.IN_PROGRESS, "help", "CL02", "X02", (5, 16)),
    Wish(S.IN_PROGRESS, "complaint", "IL03", "X01", (5, 16)),
    Wish(S.IN_PROGRESS, "help", "NB02", "X01", (5, 16)),
    Wish(S.IN_PROGRESS, "help", "PK05", "X70", (0.5, 1)),
    Wish(S.IN_PROGRESS, "help", "UT01", "X01", (0.1, 0.15)),
    Wish(S.SUBMITTED, "consult", "CL03", "X01", (0.2, 0.8)),
    Wish(S.DISPATCHED, "complaint", "CL01", "X01", (0.1, 0.5)),
    Wish(S.IN_PROGRESS, "help", "EL01", "X01", (0.05, 0.1)),
)

# What must happen on the way to an end that was wished for; everything else that is left to chance stays away.
DECISIONS: Mapping[State, frozenset[str]] = {
    S.RETURNING: frozenset({"returns"}),
    S.ON_ACCOUNT: frozenset({"accounts"}),
    S.REJECTED: frozenset({"rejects"}),
    S.WITHDRAWN: frozenset({"withdraws"}),
    S.TERMINATED: frozenset({"terminates"}),
    S.REPLIED: frozenset({"dispatches"}),
    S.CLOSED: frozenset({"dispatches", "content"}),
}
