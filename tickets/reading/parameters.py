"""The parameters that lists of tickets take, read into plain query objects: from the address of an API call or of a page alike."""

import uuid
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any

from django.http import QueryDict
from rest_framework import serializers

from casework.inputs import Identifier
from tickets.reading.counts import FACETS
from tickets.reading.filters import SORTS, Filter
from tickets.reading.lists import SCOPES, Pressing, PressingList, QueueList, ScopedList
from tickets.search import Wanted
from tickets.states import (
    HIGHEST_LEVEL,
    AssignmentRole,
    Channel,
    ClockName,
    Source,
    State,
    SupervisionKind,
    TicketType,
)
from web.bodies import Body
from web.fields import LineField
from web.parameters import Moment
from web.problems import faults, invalid
from web.words import bilingual

MOST_VALUES = 50
MOST_FACETS = 5
_BAD_WORDS = bilingual("搜索词过长或含有控制字符。", "The search words are too long, or hold control characters.")
_BAD_PERSON = bilingual("应为 me、none 或人员的 UUID。", "It must be me, none, or a person's UUID.")
_TOO_MANY = bilingual("一次最多按五项统计。", "By five facets at most.")


class Several(serializers.ListField):
    """Several values, divided by commas; a row must have one of them. The parameter may be repeated as well."""

    def __init__(self, child: serializers.Field[Any, Any, Any, Any], **options: Any):
        super().__init__(child=child, required=False, max_length=MOST_VALUES, **options)

    def to_internal_value(self, data: str | list[str]) -> list[object]:
        """The values; the first that is none is refused in the parameter's own name."""
        given = [one for text in ([data] if isinstance(data, str) else data) for one in str(text).split(",")]
        if len(given) > MOST_VALUES:
            self.fail("max_length", max_length=MOST_VALUES)
        try:
            return list(dict.fromkeys(self.child.run_validation(one) for one in given))
        except serializers.ValidationError as error:
            raise serializers.ValidationError(error.detail) from None


class Somebody(LineField):
    """`me`, `none` or somebody's id."""

    def to_internal_value(self, data: str) -> Any:
        """The word or the id."""
        text = super().to_internal_value(data)
        if text in ("me", "none"):
            return text
        try:
            return uuid.UUID(text)
        except ValueError:
            raise serializers.ValidationError(str(_BAD_PERSON), code="invalid") from None


class SearchWords(LineField):
    """What is searched for, 50 characters at most; nothing where it is empty."""

    def __init__(self) -> None:
        super().__init__(
            required=False,
            allow_blank=True,
            help_text="Words in title, text or code, whatever their width, case or spaces; for those who see the whole ticket also in its "
            "spot and its 12345 number. A ticket's number finds it whatever filters stand.",
        )

    def to_internal_value(self, data: object) -> Any:
        """The words and numbers. Too long ones are refused."""
        text = str(data).strip()
        if len(text) > 50 or any(ord(one) < 32 or ord(one) == 127 for one in text):
            raise serializers.ValidationError(str(_BAD_WORDS), code="too_long")
        return Wanted.read(text)

    def run_validation(self, data: object = serializers.empty) -> object:
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
    category = Several(LineField(max_length=8), help_text="Only these categories, by their codes.")
    group = Several(LineField(max_length=8), help_text="Only these groups of categories, by their codes.")
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


SORT = serializers.ChoiceField(
    choices=[sign + name for name in SORTS for sign in ("", "-")],
    required=False,
    help_text="In which order; with a minus the latest or highest first. `next_due_at` orders open ones, `closed_at` ended ones.",
)


class By(Body):
    """By what to count."""

    by = Several(
        serializers.ChoiceField(choices=list(FACETS)),
        default=["state"],
        help_text="By what, up to five, divided by commas; each is counted without its own filter.",
    )

    def validate_by(self, value: list[str]) -> list[str]:
        """Each costs a statement, so they are few."""
        if len(value) > MOST_FACETS:
            raise serializers.ValidationError(str(_TOO_MANY), code="too_many")
        return value


class TicketsQuery(Filters):
    """What narrows and orders the list of tickets."""

    scope = serializers.ChoiceField(choices=list(SCOPES), default="mine", help_text="Through which relation.")
    status = serializers.ChoiceField(
        choices=["open", "ended", "all"],
        required=False,
        help_text="Open ones by the next due moment; ended ones latest first; all of them by age. Left out: all of `mine`, "
        "`followed` and `compound`, the open ones of the other scopes.",
    )
    sort = SORT


class TicketCountsQuery(By, TicketsQuery):
    """What is counted of the list of tickets, and by what."""

    sort = None  # type: ignore[assignment]


class QueueQuery(Filters):
    """What narrows and orders a queue."""

    status = serializers.ChoiceField(
        choices=["open", "ended"],
        default="open",
        help_text="Open ones by the next due moment; ended ones latest first.",
    )
    organisation = Identifier(required=False, help_text="One of the caller's organisations; all of them without it.")
    role = Several(serializers.ChoiceField(choices=AssignmentRole.values), help_text="Only these parts in the tickets.")
    sort = SORT


class QueueCountsQuery(By, QueueQuery):
    """What is counted of a queue, and by what."""

    sort = None  # type: ignore[assignment]


class PressingQuery(Filters):
    """What narrows and orders the office's lists."""

    provider = Identifier(required=False, help_text="The same as `holder`.")
    sort = SORT


class PressingCountsQuery(By, PressingQuery):
    """What is counted of the office's lists, and by what."""

    sort = None  # type: ignore[assignment]


@cache
def _shared(query: type[Body]) -> Body:
    return query()


def parse(params: QueryDict, query: type[Body]) -> dict[str, Any]:
    """The values of those parameters that `query` has. Raises a 400 Problem for bad values."""
    fields = _shared(query).fields
    given = (
        (name, tuple(params.getlist(name)) if isinstance(fields[name], Several) else params[name])
        for name in params
        if name in fields
    )
    return dict(_parsed(query, tuple(given)))


@lru_cache(maxsize=1000)
def _parsed(query: type[Body], given: tuple[tuple[str, str | tuple[str, ...]], ...]) -> Mapping[str, Any]:
    """What the parameters say. It depends neither on the caller nor on the time, and the same lists are asked for again and again."""
    data = {name: list(said) if isinstance(said, tuple) else said for name, said in given}
    try:
        return MappingProxyType(_shared(query).run_validation(data))
    except serializers.ValidationError as error:
        raise invalid(*faults(error.detail)) from None


def ticket_list(params: QueryDict) -> ScopedList:
    """The list of tickets that is asked for. Raises a 400 Problem."""
    return _scoped(parse(params, TicketsQuery))


def ticket_counts(params: QueryDict) -> tuple[ScopedList, list[str]]:
    """The list of tickets to count, and by what. Raises a 400 Problem."""
    given = parse(params, TicketCountsQuery)
    return _scoped(given), given["by"]


def queue(params: QueryDict) -> QueueList:
    """The queue that is asked for. Raises a 400 Problem."""
    return _queue(parse(params, QueueQuery))


def queue_counts(params: QueryDict) -> tuple[QueueList, list[str]]:
    """The queue to count, and by what. Raises a 400 Problem."""
    given = parse(params, QueueCountsQuery)
    return _queue(given), given["by"]


def pressing_list(params: QueryDict, which: Pressing) -> PressingList:
    """The list of overdue tickets, or of those at risk, that is asked for. Raises a 400 Problem."""
    return _pressing(parse(params, PressingQuery), which)


def pressing_counts(params: QueryDict, which: Pressing) -> tuple[PressingList, list[str]]:
    """The list of overdue tickets, or of those at risk, to count, and by what. Raises a 400 Problem."""
    given = parse(params, PressingCountsQuery)
    return _pressing(given, which), given["by"]


def _scoped(given: Mapping[str, Any]) -> ScopedList:
    return ScopedList(scope=given["scope"], status=given.get("status"), filter=_filter(given), sort=given.get("sort"))


def _queue(given: Mapping[str, Any]) -> QueueList:
    return QueueList(
        status=given["status"],
        organisation=given.get("organisation"),
        roles=given.get("role"),
        filter=_filter(given),
        sort=given.get("sort"),
    )


def _pressing(given: Mapping[str, Any], which: Pressing) -> PressingList:
    provider = given.get("provider")
    return PressingList(
        which=which,
        filter=_filter(given if provider is None else {**given, "holder": provider}),
        sort=given.get("sort"),
    )


def _filter(given: Mapping[str, object]) -> Filter:
    return Filter({name: value for name, value in given.items() if name in _shared(Filters).fields})
