"""What narrows and orders lists of tickets: values by name, as conditions of queries.

A reader narrows a list by what its rows show them, and by nothing else: a filter on what they may not see would tell it.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import DateTimeField, Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from tickets import catalogue
from tickets.access import READS, SEES_WHOLE, STAFF, Relation
from tickets.models import Assignment, TicketClock, TicketEvent
from tickets.models.ticket import LONG_AGO, due_by
from tickets.search import Wanted
from tickets.states import HELPING, AssignmentRole, Channel, Outcome, Source, State
from web.problems import Fault, invalid
from web.words import bilingual
from workflow.actor import Actor

FAR_FUTURE = datetime(9999, 1, 1, tzinfo=ZoneInfo("UTC"))
_NOT_HERE = bilingual("该列表不支持此参数。", "This list does not take this parameter.")
_BAD_SORT = bilingual("该状态的列表不能这样排序。", "A list of this status has no such order.")

FACETS_OF_EVERYBODY = (
    *("state", "category", "group", "type", "channel", "source"),
    *("level", "urgent", "supervised", "holder", "coordinator"),
)
"""What a ticket is to everybody who may see it, and so narrows and counts every list."""
FOR_EVERYBODY = frozenset(
    {
        *FACETS_OF_EVERYBODY,
        *("compound", "community", "updated_after", "q"),
        *("submitted_from", "submitted_to", "due_from", "due_to", "closed_from", "closed_to"),
    }
)
FOR_PARTIES = frozenset({"worker", "extension_pending", "question_open"})
FOR_REPORTERS = frozenset({"needs_me"})
FOR_STAFF = frozenset({"desk", "clock", "helper"})
FOR_STREET = frozenset({"officer"})
OF_QUEUES = frozenset({"turn", "late"})
"""Filters of parts in tickets that pages have and the API has not."""
OF_PAGES = frozenset({"next_due"})
"""Filters of every list that pages have and the API has not."""
WORKED_ON = (State.COORDINATING, State.DISPATCHED, State.IN_PROGRESS)
"""The states in which an organisation that has an open part has something to do, unless the resident was asked."""


def allowed(relation: Relation) -> frozenset[str]:
    """The filters on what somebody in this relation to every row of a list may see of it."""
    found = FOR_EVERYBODY | OF_PAGES
    if relation in SEES_WHOLE:
        found |= FOR_PARTIES | OF_QUEUES
    if relation == Relation.REPORTER:
        found |= FOR_REPORTERS
    if relation == Relation.STREET:
        found |= FOR_STREET
    return found | FOR_STAFF if relation in STAFF else found


@dataclass(frozen=True, slots=True)
class Filter:
    """What narrows a list: the wanted values, by the names in `FOR_EVERYBODY` and the sets below it."""

    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def wanted(self) -> Wanted:
        """The words that are searched for."""
        return self.values.get("q") or Wanted.read("")

    def without(self, name: str) -> Self:
        """The filter without one of its values."""
        return type(self)({key: value for key, value in self.values.items() if key != name})

    def conditions(self, actor: Actor, relation: Relation, prefix: str = "") -> Q:
        """The conditions on rows, which are tickets or lead to theirs by `prefix`; the words to search for are left out."""
        return _conditions(self.values, actor, relation, prefix)


def refuse_foreign(names: Iterable[str], relation: Relation) -> None:
    """Refuse filters on what the reader of a list may not see. Raises a 400 Problem."""
    if foreign := sorted(set(names) - allowed(relation)):
        raise invalid(*(Fault(name, "not_here", _NOT_HERE) for name in foreign))


def _conditions(given: Mapping[str, Any], actor: Actor, relation: Relation, prefix: str) -> Q:
    found = Q()
    for name, value in given.items():
        if name in _CONDITIONS:
            found &= _CONDITIONS[name](value, prefix)
    key = OuterRef(f"{prefix}pk" if prefix else "pk")
    if (worker := given.get("worker")) is not None:
        person = _person(worker, actor)
        found &= Q(worker=person) if prefix else Q(Exists(_led_by(person).filter(ticket=key)))
    if (officer := given.get("officer")) is not None:
        found &= Q(**{f"{prefix}officer": _person(officer, actor)})
    if given.get("late"):
        found &= due_by(actor.at)
    if clocks := given.get("clock"):
        found &= Q(Exists(TicketClock.objects.running(clocks).filter(subject=key)))
    if helpers := given.get("helper"):
        found &= Q(Exists(_helping(helpers).filter(ticket=key)))
    if since := given.get("updated_after"):
        found &= _updated(since, relation, prefix, key)
    return found


def _person(said: str | uuid.UUID, actor: Actor) -> uuid.UUID | None:
    if isinstance(said, uuid.UUID):
        return said
    return actor.person_id if said == "me" else None


def _led_by(person: uuid.UUID | None) -> QuerySet[Assignment]:
    return Assignment.objects.open().filter(role=AssignmentRole.LEAD, worker=person)


def _helping(states: Sequence[str]) -> QuerySet[Assignment]:
    stands = {
        "asked": Q(open=True, signed_at=None),
        "reported_in": Q(open=True, signed_at__isnull=False),
        "declined": Q(outcome=Outcome.DECLINED),
        "done": Q(outcome=Outcome.DONE),
    }
    wanted = Q()
    for one in states:
        wanted |= stands[one]
    return Assignment.objects.filter(wanted, role__in=HELPING)


def _updated(since: datetime, relation: Relation, prefix: str, key: OuterRef) -> Q:
    if relation in STAFF:
        return Q(**{f"{prefix}last_event_at__gt": since})
    readable = [visibility for visibility, readers in READS.items() if relation in readers]
    return Q(Exists(TicketEvent.objects.filter(subject=key, at__gt=since, visibility__in=readable)))


def _supervised(values: Sequence[str], prefix: str) -> Q:
    column, found = f"{prefix}supervised", Q()
    # The few that are supervised have an index, which a plan for all values finds by this constant alone.
    none = Q(**{f"{column}__constant": ""})
    for one in values:
        match one:
            case "true":
                found |= ~none
            case "false":
                found |= none
            case _:
                found |= Q(**{column: one}) & ~none
    return found


def _from(values: Sequence[str], prefix: str) -> Q:
    return Q(**{f"{prefix}channel__in": [one for one in Channel.values if Source.of(one) in values]})


def _needs_reporter(value: bool, prefix: str) -> Q:
    waits = Q(**{f"{prefix}question_open": True}) | Q(**{f"{prefix}state": State.REPLIED})
    return waits if value else ~waits


def _turn(value: str, prefix: str) -> Q:
    """`mine`: those who have a part have to do something; `others`: they wait for somebody else."""
    mine = Q(**{f"{prefix}state__in": WORKED_ON, f"{prefix}question_open": False})
    return mine if value == "mine" else ~mine


def _is(column: str) -> Callable[[object, str], Q]:
    return lambda value, prefix: Q(**{f"{prefix}{column}": value})


def _in(column: str) -> Callable[[object, str], Q]:
    return lambda values, prefix: Q(**{f"{prefix}{column}__in": values})


def _leaves(column: str) -> Callable[[Any, str], Q]:
    # By their ids, of which PostgreSQL knows how many tickets have them.
    def condition(values: Sequence[str], prefix: str) -> Q:
        leaves = [one.id for one in catalogue.published_leaves() if getattr(one, column) in values]
        return Q(**{f"{prefix}category__pk__any_of": leaves})

    return condition


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(settings.TIME_ZONE))


def _since(column: str) -> Callable[[Any, str], Q]:
    return lambda day, prefix: Q(**{f"{prefix}{column}__gte": _midnight(day)})


def _until(column: str) -> Callable[[Any, str], Q]:
    return lambda day, prefix: Q(
        **{f"{prefix}{column}__lt": _midnight(min(day, date(9999, 12, 30)) + timedelta(days=1))}
    )


def next_due(span: Sequence[datetime | None], prefix: str = "") -> Q:
    """The condition for what is due next after the first moment, up to the second; without a first one, for all that is due by then."""
    since, until = span
    # See `due_by`.
    return Q(**{f"{prefix}next_due_at__gt": since or LONG_AGO, f"{prefix}next_due_at__lte": until})


_CONDITIONS: Mapping[str, Callable[[Any, str], Q]] = {
    **{name: _in(name) for name in ("state", "type", "channel", "level")},
    **{
        name: _is(name)
        for name in ("urgent", "holder", "coordinator", "desk", "compound", "community", "question_open")
    },
    "category": _leaves("code"),
    "group": _leaves("group"),
    "source": _from,
    "supervised": _supervised,
    "extension_pending": lambda value, prefix: Q(**{f"{prefix}extension_days__isnull": not value}),
    "needs_me": _needs_reporter,
    "turn": _turn,
    "next_due": next_due,
    **{f"{name}_from": _since(f"{name}_at") for name in ("submitted", "due", "closed")},
    **{f"{name}_to": _until(f"{name}_at") for name in ("submitted", "due", "closed")},
}


@dataclass(frozen=True, slots=True)
class Order:
    """The keys of a list's order, and a column that has to be made for it."""

    keys: tuple[str, ...]
    made: Mapping[str, object]


SORTS = ("next_due_at", "due_at", "submitted_at", "state_since", "closed_at", "level")
_SORTS_ONLY = {"next_due_at": "open", "closed_at": "ended"}


def order(sort: str | None, status: str, prefix: str = "") -> Order | None:
    """The order that `sort` asks for; None without `sort`. Raises a 400 Problem where the list has rows without that moment."""
    if sort is None:
        return None
    sign, name = ("-", sort[1:]) if sort.startswith("-") else ("", sort)
    if _SORTS_ONLY.get(name, status) != status:
        raise invalid(Fault("sort", "not_here", _BAD_SORT))
    last = f"{sign}ticket_id" if prefix else f"{sign}id"
    rest = (last, f"{sign}id") if prefix else (last,)
    match name:
        case "submitted_at":
            # Ids rise with the moment of filing.
            return Order(rest, {})
        case "due_at":
            made = Coalesce(F(f"{prefix}due_at"), Value(FAR_FUTURE, output_field=DateTimeField()))
            return Order((f"{sign}promised_at", *rest), {"promised_at": made})
        case "closed_at":
            # A part may be over while its ticket is not.
            return Order((f"{sign}closed_at", *rest), {})
    return Order((f"{sign}{prefix}{name}", *rest), {})
