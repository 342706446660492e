"""What narrows and orders the lists of tickets: the parameters of their addresses, checked, and as conditions of queries.

A reader narrows a list by what its rows show them, and by nothing else: a filter on what they may not see would tell it.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import DateTimeField, Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from rest_framework import serializers
from rest_framework.request import Request

from casework.inputs import Identifier
from tickets.access import READS, SEES_WHOLE, STAFF, Relation
from tickets.models import Assignment, Category, TicketClock, TicketEvent
from tickets.search import Wanted
from tickets.states import (
    HIGHEST_LEVEL,
    AssignmentRole,
    Channel,
    ClockName,
    Outcome,
    Source,
    State,
    SupervisionKind,
    TicketType,
)
from web.bodies import Body
from web.fields import Line
from web.parameters import Moment
from web.problems import Fault, invalid
from web.words import bilingual
from workflow.actor import Actor

MOST_VALUES = 50
FAR_FUTURE = datetime(9999, 1, 1, tzinfo=ZoneInfo("UTC"))
_NOT_HERE = bilingual("该列表不支持此参数。", "This list does not take this parameter.")
_BAD_WORDS = bilingual("搜索词过长或含有控制字符。", "The search words are too long, or hold control characters.")
_BAD_PERSON = bilingual("应为 me、none 或人员的 UUID。", "It must be me, none, or a person's UUID.")
_BAD_SORT = bilingual("该状态的列表不能这样排序。", "A list of this status has no such order.")


class Several(serializers.ListField):
    """Values divided by commas, of which a row has one; the parameter may be repeated as well."""

    def __init__(self, child: serializers.Field[Any, Any, Any, Any], **options: Any):
        super().__init__(child=child, required=False, max_length=MOST_VALUES, **options)

    def to_internal_value(self, data: Any) -> list[Any]:
        """The values; the first that is none is refused in the parameter's own name."""
        given = [one for text in ([data] if isinstance(data, str) else data) for one in str(text).split(",")]
        if len(given) > MOST_VALUES:
            self.fail("max_length", max_length=MOST_VALUES)
        try:
            return list(dict.fromkeys(self.child.run_validation(one) for one in given))
        except serializers.ValidationError as error:
            raise serializers.ValidationError(error.detail) from None


class Somebody(Line):
    """`me`, `none` or somebody's id."""

    def to_internal_value(self, data: Any) -> Any:
        """The word or the id."""
        text = super().to_internal_value(data)
        if text in ("me", "none"):
            return text
        try:
            return uuid.UUID(text)
        except ValueError:
            raise serializers.ValidationError(str(_BAD_PERSON), code="invalid") from None


class SearchWords(Line):
    """What is searched for, 50 characters at most; nothing where it is empty."""

    def __init__(self) -> None:
        super().__init__(
            required=False,
            allow_blank=True,
            help_text="Words in title, text or code, whatever their width, case or spaces; for those who see the whole ticket also in its "
            "spot and its 12345 number. A ticket's number finds it whatever filters stand.",
        )

    def to_internal_value(self, data: Any) -> Any:
        """The words and numbers. Too long ones are refused."""
        text = str(data).strip()
        if len(text) > 50 or any(ord(one) < 32 or ord(one) == 127 for one in text):
            raise serializers.ValidationError(str(_BAD_WORDS), code="too_long")
        return Wanted.read(text)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """As the field's own, with the words instead of a text."""
        found = super().run_validation(data)
        return Wanted.read("") if found == "" else found


def _one_of(choices: Sequence[str], words: str) -> Several:
    return Several(serializers.ChoiceField(choices=list(choices)), help_text=words)


def _id(words: str) -> Identifier:
    return Identifier(required=False, help_text=words)


def _day(words: str) -> serializers.DateField:
    return serializers.DateField(required=False, help_text=words)


def _yes(words: str) -> serializers.BooleanField:
    return serializers.BooleanField(required=False, help_text=words)


class Filters(Body):
    """What narrows every list of tickets. Several values are divided by commas, and one of them must be the row's."""

    state = _one_of(State.values, "Only these states.")
    category = Several(Line(max_length=8), help_text="Only these categories, by their codes.")
    group = Several(Line(max_length=8), help_text="Only these groups of categories, by their codes.")
    type = _one_of(TicketType.values, "Only these types.")
    channel = _one_of(Channel.values, "Only what came this way.")
    source = _one_of(  # type: ignore[assignment]
        Source.values,
        "`residents`: what they reported; `proactive`: what organisations found by themselves.",
    )
    level = Several(
        serializers.IntegerField(min_value=0, max_value=HIGHEST_LEVEL), help_text="Only these levels of escalation."
    )
    urgent = _yes("Only what is urgent, or what is not.")
    supervised = _one_of(["true", "false", *SupervisionKind.values], "Whether the street supervises it, or how.")
    holder = _id("Only what this organisation holds.")
    coordinator = _id("Only what this organisation was asked to coordinate.")
    desk = _id("Only what this section of the street answers for; for staff.")
    worker = Somebody(required=False, help_text="`me`, `none` or a person: who works on it.")
    officer = Somebody(
        required=False, help_text="`me`, `none` or a person: who of the street answers for it; for the street alone."
    )
    compound = _id("Only this compound.")
    community = _id("Only this community.")
    clock = _one_of(ClockName.values, "Only where one of these clocks runs; for staff.")
    helper = _one_of(["asked", "reported_in", "declined", "done"], "Only where a helper stands so; for staff.")
    extension_pending = _yes("Whether an extension was asked for and is not decided.")
    question_open = _yes("Whether the resident was asked and has not answered.")
    needs_me = _yes("Whether it waits for the answer or the confirmation of its reporter; in `mine`.")
    submitted_from = _day("Filed on this day or later.")
    submitted_to = _day("Filed on this day or before.")
    due_from = _day("To be settled on this day or later.")
    due_to = _day("To be settled on this day or before.")
    closed_from = _day("Ended on this day or later.")
    closed_to = _day("Ended on this day or before.")
    updated_after = Moment(
        required=False, help_text="Only where something has happened since, that the reader may read of."
    )
    q = SearchWords()


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


def allowed(relation: Relation) -> frozenset[str]:
    """The filters on what somebody in this relation to every row of a list may see of it."""
    found = FOR_EVERYBODY
    if relation in SEES_WHOLE:
        found |= FOR_PARTIES
    if relation == Relation.REPORTER:
        found |= FOR_REPORTERS
    if relation == Relation.STREET:
        found |= FOR_STREET
    return found | FOR_STAFF if relation in STAFF else found


@cache
def _shared(query: type[Body]) -> Body:
    return query()


def read(request: Request, query: type[Body]) -> dict[str, Any]:
    """The request's parameters as `query` knows them. Raises a 400 Problem for bad values."""
    fields, params = _shared(query).fields, request.query_params
    names = [name for name in params if name in fields]
    data = {name: params.getlist(name) if isinstance(fields[name], Several) else params[name] for name in names}
    return dict(_shared(query).run_validation(data))


def refuse_foreign(given: Mapping[str, Any], relation: Relation) -> None:
    """Refuse filters on what the reader of a list may not see. Raises a 400 Problem."""
    if foreign := sorted((given.keys() & _shared(Filters).fields.keys()) - allowed(relation)):
        raise invalid(*(Fault(name, "not_here", _NOT_HERE) for name in foreign))


def conditions(given: Mapping[str, Any], actor: Actor, relation: Relation, prefix: str = "") -> Q:
    """What rows must be, which are tickets or lead to theirs by `prefix`; the words to search for are left out."""
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
    return Assignment.objects.filter(wanted, role__in=(AssignmentRole.CO_HANDLER, AssignmentRole.WHISTLED))


def _updated(since: datetime, relation: Relation, prefix: str, key: OuterRef) -> Q:
    if relation in STAFF:
        return Q(**{f"{prefix}last_event_at__gt": since})
    readable = [visibility for visibility, readers in READS.items() if relation in readers]
    return Q(Exists(TicketEvent.objects.filter(subject=key, at__gt=since, visibility__in=readable)))


def _supervised(values: Sequence[str], prefix: str) -> Q:
    column, found = f"{prefix}supervised", Q()
    for one in values:
        match one:
            case "true":
                found |= ~Q(**{column: ""})
            case "false":
                found |= Q(**{column: ""})
            case _:
                found |= Q(**{column: one})
    return found


def _from(values: Sequence[str], prefix: str) -> Q:
    return Q(**{f"{prefix}channel__in": [one for one in Channel.values if Source.of(one) in values]})


def _needs_reporter(value: bool, prefix: str) -> Q:
    waits = Q(**{f"{prefix}question_open": True}) | Q(**{f"{prefix}state": State.REPLIED})
    return waits if value else ~waits


def _is(column: str) -> Callable[[Any, str], Q]:
    return lambda value, prefix: Q(**{f"{prefix}{column}": value})


def _in(column: str) -> Callable[[Any, str], Q]:
    return lambda values, prefix: Q(**{f"{prefix}{column}__in": values})


def _leaves(column: str) -> Callable[[Any, str], Q]:
    # By the ids of the categories of all versions, so that the tickets' own index finds them.
    def condition(values: Sequence[str], prefix: str) -> Q:
        leaves = Category.objects.filter(**{f"{column}__in": values})
        return Q(**{f"{prefix}category__in": leaves.values("pk")})

    return condition


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(settings.TIME_ZONE))


def _since(column: str) -> Callable[[Any, str], Q]:
    return lambda day, prefix: Q(**{f"{prefix}{column}__gte": _midnight(day)})


def _until(column: str) -> Callable[[Any, str], Q]:
    return lambda day, prefix: Q(
        **{f"{prefix}{column}__lt": _midnight(min(day, date(9999, 12, 30)) + timedelta(days=1))}
    )


_CONDITIONS: Mapping[str, Callable[[Any, str], Q]] = {
    "state": _in("state"),
    "category": _leaves("code"),
    "group": _leaves("group"),
    "type": _in("type"),
    "channel": _in("channel"),
    "source": _from,
    "level": _in("level"),
    "urgent": _is("urgent"),
    "supervised": _supervised,
    "holder": _is("holder"),
    "coordinator": _is("coordinator"),
    "desk": _is("desk"),
    "compound": _is("compound"),
    "community": _is("community"),
    "extension_pending": lambda value, prefix: Q(**{f"{prefix}extension_days__isnull": not value}),
    "question_open": _is("question_open"),
    "needs_me": _needs_reporter,
    "submitted_from": _since("submitted_at"),
    "submitted_to": _until("submitted_at"),
    "due_from": _since("due_at"),
    "due_to": _until("due_at"),
    "closed_from": _since("closed_at"),
    "closed_to": _until("closed_at"),
}


@dataclass(frozen=True, slots=True)
class Order:
    """The keys of a list's order, and a column that has to be made for it."""

    keys: tuple[str, ...]
    made: Mapping[str, Any]


SORTS = ("next_due_at", "due_at", "submitted_at", "state_since", "closed_at", "level")
_SORTS_ONLY = {"next_due_at": "open", "closed_at": "ended"}
SORT = serializers.ChoiceField(
    choices=[sign + name for name in SORTS for sign in ("", "-")],
    required=False,
    help_text="In which order; with a minus the latest or highest first. `next_due_at` orders open ones, `closed_at` ended ones.",
)


def order(sort: str | None, status: str, prefix: str = "") -> Order | None:
    """The order that is asked for; None without one. Raises a 400 Problem where the list has rows without that moment."""
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
