"""The columns of a list's rows, and the statement that reads a page of them.

The list's own statement finds the rows of the page. Around it stands what a row shows besides: the next clock, the first picture, who
works on it, and the names. So a page costs one statement, and what stands beside a row is read for the rows of the page alone.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from tickets.access import PHOTOS_OF_REPORTERS, READS_FACE, SEES_WHOLE, Relation, reads_clock
from tickets.clocks import HELPERS, LEADS
from tickets.models.ticket import NEXT
from tickets.reading.deadlines import UNPROMISED
from tickets.states import ClockName

R = Relation


class TicketRow(NamedTuple):
    """A ticket of a page as its reader may see it, with what `deadlines` asks of a ticket."""

    id: uuid.UUID
    code: str
    state: str
    type: str
    channel: str
    category_id: uuid.UUID
    compound_id: uuid.UUID | None
    place: str
    spot: str
    title: str
    urgent: bool
    level: int
    supervised: str
    cosigns: int
    version: int
    submitted_at: datetime
    state_since: datetime
    due_at: datetime | None
    next_due_at: datetime | None
    closed_at: datetime | None
    holder_id: uuid.UUID | None
    desk_id: uuid.UUID
    account_owner_id: uuid.UUID | None
    account_plan_on: date | None
    question_open: bool
    extension_days: int | None
    disputes: int
    urges: int
    rating: int | None
    called_back_at: datetime | None
    # What follows is no column of the ticket's; what the reader may not see is empty.
    coordinator_today: uuid.UUID | None
    holder_name: str | None
    coordinator_name: str | None
    desk_name: str | None
    coordinator_kind: str | None
    account_owner_kind: str | None
    text: str
    words_hidden: str
    public_title: str
    public_text: str
    thumb: uuid.UUID | None
    worker_id: uuid.UUID | None
    worker_name: str | None
    officer_id: uuid.UUID | None
    officer_name: str | None
    promised_at: datetime | None
    # The next clock due that the reader may read.
    clock_name: str | None
    clock_holder_id: uuid.UUID | None
    clock_holder_kind: str | None
    clock_due_at: datetime | None
    clock_running_since: datetime | None

    def kind_of(self, organisation: uuid.UUID) -> str:
        """Of what kind an organisation is whose time the clock may be."""
        if organisation == self.clock_holder_id:
            return self.clock_holder_kind or ""
        if organisation == self.coordinator_today:
            return self.coordinator_kind or ""
        return self.account_owner_kind or "" if organisation == self.account_owner_id else ""


class PartRow(NamedTuple):
    """A part in a ticket: the columns of the assignment."""

    id: uuid.UUID
    ticket_id: uuid.UUID
    organisation_id: uuid.UUID
    role: str
    step: int
    next_due_at: datetime | None
    opened_at: datetime | None
    signed_at: datetime | None
    closed_at: datetime | None
    outcome: str
    worker_id: uuid.UUID | None


class PageLine(NamedTuple):
    """A row of a page: a ticket, and the part in it where the list is one of parts."""

    ticket: TicketRow
    part: PartRow | None = None


_OWN = TicketRow._fields[: TicketRow._fields.index("coordinator_today")]
NEEDED = (
    *_OWN,
    *("coordinator_id", "area_id", "officer_id", "reporter_id", "redacted_events"),
    *("text", "words_hidden", "public_title", "public_text"),
)
"""The columns of a ticket that a list's own statement finds."""
_WIDTH, _OF_PART = len(TicketRow._fields), len(PartRow._fields)
_BEGINNING = 200
"""Characters of a text that are enough for its first words."""


@dataclass(frozen=True, slots=True)
class PageShape:
    """The columns of a list's own statement: those of PartRow where it lists `parts`, those in NEEDED of the ticket, and the `made` ones.

    Its rows are shown to somebody who is in this `relation` to each, in the order of `keys`, which all rise or all fall.
    """

    relation: Relation
    parts: bool
    made: tuple[str, ...]
    keys: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """What the columns are called: those of a ticket by the way from its part."""
        return (*self._of_part, *(self._of_ticket(name) for name in NEEDED), *self.made)

    @property
    def places(self) -> tuple[int, ...]:
        """Where the keys stand in a row of the page, which has a PartRow's columns for a part, a TicketRow's, and the `made` ones."""
        beyond = len(self._of_part) + len(TicketRow._fields)
        found = {name: at for at, name in enumerate((*self._of_part, *map(self._of_ticket, _OWN)))}
        found |= {name: beyond + at for at, name in enumerate(self.made)}
        return tuple(found[key.removeprefix("-")] for key in self.keys)

    def line(self, row: Sequence[Any]) -> PageLine:
        """A row of the page by its columns."""
        if not self.parts:
            return PageLine(TicketRow._make(row[:_WIDTH]))
        return PageLine(TicketRow._make(row[_OF_PART : _OF_PART + _WIDTH]), PartRow._make(row[:_OF_PART]))

    def around(self, sql: str) -> str:
        """The statement that reads the page whose rows `sql` finds. The day is its first parameter, before those of `sql`."""
        whole = self.relation in SEES_WHOLE
        own = _Columns("told", self._of_ticket(""))
        made = {**{name: own[name] for name in _OWN}, **_words(self.relation, own), **_names(self.relation, own)}
        if whole:
            made |= _of_whole(self.relation, own)
        shown = [
            *(f'told."{name}"' for name in self._of_part),
            *(made.get(name, "NULL") for name in TicketRow._fields),
            *(f'told."{name}"' for name in self.made),
        ]
        page = _Columns("page", self._of_ticket(""))
        keys = ", ".join(f'told."{key.removeprefix("-")}"{" DESC" if key.startswith("-") else ""}' for key in self.keys)
        return f"""
WITH told AS MATERIALIZED (
SELECT page.*,
  CASE WHEN {page["coordinator_id"]} <> {page["desk_id"]}
    THEN coalesce(committee.id, {page["desk_id"]}) ELSE {page["coordinator_id"]} END AS coordinator_today,
  {_FOUND if whole else _NOT_FOUND}
FROM (SELECT %s::date AS day) AS reader CROSS JOIN ({sql}) AS page ({", ".join(f'"{one}"' for one in self.columns)})
LEFT JOIN community_area area ON area.id = {page["area_id"]}
LEFT JOIN community_organisation committee ON committee.id = area.committee_id AND committee.active
  AND (committee.dissolved_on IS NULL OR reader.day < committee.dissolved_on)
{self._beside(page) if whole else ""}
), named AS MATERIALIZED (
SELECT jsonb_object_agg(id, name) AS names, jsonb_object_agg(id, kind) AS kinds FROM (
  SELECT id, name, kind FROM community_organisation WHERE id = ANY (ARRAY(
    SELECT DISTINCT unnest(ARRAY[{own["holder_id"]}, coordinator_today, {own["desk_id"]}, {own["account_owner_id"]}, clock_holder_id])
    FROM told))
  UNION ALL
  SELECT id, name, '' FROM community_person WHERE id = ANY (ARRAY(
    SELECT DISTINCT unnest(ARRAY[led_by, {own["officer_id"]}]) FROM told))
) AS parties)
SELECT {", ".join(shown)} FROM told CROSS JOIN named ORDER BY {keys}
"""  # noqa: S608 - all words are our own

    @property
    def _of_part(self) -> tuple[str, ...]:
        return PartRow._fields if self.parts else ()

    def _of_ticket(self, name: str) -> str:
        return f"ticket__{name}" if self.parts else name

    def _beside(self, page: "_Columns") -> str:
        """Who leads the work, and the next clock due that the reader may read: of a part the clocks of its own organisation first."""
        readable = [name for name in ClockName.values if reads_clock(name, frozenset({self.relation}))]
        next_ones = quoted(name for name in readable if name in NEXT)
        wanted, own = f"name IN ({next_ones})", ""
        if self.parts:
            of_part = quoted(name for name in readable if name in LEADS | HELPERS)
            own = f"(holder_id IS NOT DISTINCT FROM page.organisation_id AND name IN ({of_part}))"
            wanted = f"({wanted} OR {own})"
        return f"""
LEFT JOIN LATERAL (
  SELECT worker_id FROM tickets_assignment
  WHERE ticket_id = {page["id"]} AND role = 'lead' AND opened_at IS NOT NULL
  ORDER BY open DESC, opened_at DESC, id DESC LIMIT 1
) AS led ON true
LEFT JOIN LATERAL (
  SELECT name, holder_id, due_at, running_since FROM tickets_ticketclock
  WHERE subject_id = {page["id"]} AND stopped_at IS NULL AND running_since IS NOT NULL AND {wanted}
  ORDER BY {f"{own} DESC, " if own else ""}due_at, epoch, id LIMIT 1
) AS clock ON true"""  # noqa: S608


_FOUND = """led.worker_id AS led_by, clock.name AS clock_name, clock.holder_id AS clock_holder_id, clock.due_at AS clock_due_at,
  clock.running_since AS clock_running_since"""
_NOT_FOUND = "NULL::uuid AS led_by, NULL::uuid AS clock_holder_id"


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns of a ticket in a table, by their names."""

    table: str
    prefix: str

    def __getitem__(self, name: str) -> str:
        return f'{self.table}."{self.prefix}{name}"'


def _words(relation: Relation, own: _Columns) -> dict[str, str]:
    """The words of the ticket, as far as what the reader sees of them follows from them."""
    hidden = {name: own[name] if relation in READS_FACE else "''" for name in ("words_hidden", "public_title")}
    if relation not in SEES_WHOLE:
        return {"text": "''", "public_text": "''", **hidden}
    public = f"left({own['public_text']}, {_BEGINNING})" if relation in READS_FACE else "''"
    return {"text": f"left({own['text']}, {_BEGINNING})", "public_text": public, **hidden}


def _names(relation: Relation, own: _Columns) -> dict[str, str]:
    """Whose the ticket is, by name."""
    officer = {"officer_id": own["officer_id"], "officer_name": f"names ->> {own['officer_id']}::text"}
    return {
        "coordinator_today": "coordinator_today",
        "holder_name": f"names ->> {own['holder_id']}::text",
        "coordinator_name": "names ->> coordinator_today::text",
        "desk_name": f"names ->> {own['desk_id']}::text",
        **(officer if relation == R.STREET else {}),
    }


def _of_whole(relation: Relation, own: _Columns) -> dict[str, str]:
    """What those see who see the whole ticket."""
    # What is shown to others than the parties, as `access.shows_photo` has it.
    shown = f"""AND event_seq <> ALL ({own["redacted_events"]})
    AND NOT ((kind IN ({quoted(PHOTOS_OF_REPORTERS)}) OR uploader_id IS NOT DISTINCT FROM {own["reporter_id"]})
      AND ({own["words_hidden"]} <> '' OR {own["public_title"]} <> '' OR {own["public_text"]} <> ''))"""
    return {
        "thumb": f"""(SELECT id FROM tickets_photo
    WHERE ticket_id = {own["id"]} {shown if relation in READS_FACE else ""} ORDER BY event_seq, id LIMIT 1)""",  # noqa: S608
        "worker_id": "led_by",
        "worker_name": "names ->> led_by::text",
        "promised_at": f"""CASE WHEN {own["due_at"]} IS NULL AND {own["state"]} IN ({quoted(UNPROMISED)})
    THEN (SELECT due_at FROM tickets_ticketclock
      WHERE subject_id = {own["id"]} AND name = '{ClockName.OVERALL.value}' AND stopped_at IS NULL ORDER BY epoch, id LIMIT 1)
    ELSE {own["due_at"]} END""",  # noqa: S608
        "coordinator_kind": "kinds ->> coordinator_today::text",
        "account_owner_kind": f"kinds ->> {own['account_owner_id']}::text",
        "clock_name": "clock_name",
        "clock_holder_id": "clock_holder_id",
        "clock_holder_kind": "kinds ->> clock_holder_id::text",
        "clock_due_at": "clock_due_at",
        "clock_running_since": "clock_running_since",
    }


def quoted(words: Iterable[str]) -> str:
    """Words of the code's own, as they stand in a statement."""
    return ", ".join(f"'{word}'" for word in sorted(map(str, words)))
