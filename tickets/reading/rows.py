"""Tickets in lists: what a row shows follows from what the reader is to every ticket of the list.

A page's rows are read by one statement, and what stands beside them (clocks, pictures, who works on them, names of organisations)
by three more, however many rows there are.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from datetime import date, datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import Any

from django.db import connection
from django.db.models import Count

from community.receivers import local_day
from notifications.models import Message
from tickets import catalogue
from tickets.access import PARTS, PHOTOS_OF_REPORTERS, READS_FACE, RESIDENTS, SEES_WHOLE, STAFF, Relation, reads_clock
from tickets.clocks import HELPERS, LEADS
from tickets.face import face_spot, face_text
from tickets.models.ticket import NEXT
from tickets.reading import deadlines
from tickets.reading.face import shown_title
from tickets.reading.parties import named, worker
from tickets.states import AssignmentRole, ClockName, Source, State, clock_label, state_label
from tickets.titles import spoken
from web.words import Words, in_english
from workflow.actor import Actor

R = Relation
FIRST_WORDS = 60

ASSIGNMENT_ROW = (
    *("id", "ticket_id", "organisation_id", "role", "step", "next_due_at"),
    *("opened_at", "signed_at", "closed_at", "outcome", "worker_id"),
)


@dataclass(slots=True)
class TicketRow:
    """A ticket of a page, with what `deadlines` asks of a ticket."""

    id: uuid.UUID
    code: str
    state: str
    type: str
    channel: str
    category_id: uuid.UUID
    compound_id: uuid.UUID | None
    community_id: uuid.UUID | None
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
    coordinator_id: uuid.UUID | None
    desk_id: uuid.UUID
    account_owner_id: uuid.UUID | None
    account_plan_on: date | None
    question_open: bool
    extension_days: int | None
    disputes: int
    urges: int
    rating: int | None
    called_back_at: datetime | None
    # What follows is found out for the page, and no column.
    coordinator_today: uuid.UUID | None = None
    kinds: Mapping[uuid.UUID, str] = field(default_factory=dict)
    text: str = ""
    words_hidden: str = ""
    public_title: str = ""
    public_text: str = ""


# The columns of a list's rows; what is not needed there is not read.
ROW = tuple(one.name for one in fields(TicketRow) if one.default is MISSING and one.default_factory is MISSING)
# What a row leaves empty but for those who may see it.
_NOT_FOR_ALL = (
    *("spot", "first_words", "thumb", "worker", "question_open", "extension_days", "disputes", "urges", "rating"),
    *("plan_date", "clock", "desk", "officer", "called_back_at", "promised_at", "needs_me", "unread"),
)


@dataclass(frozen=True, slots=True)
class Beside:
    """What a row shows besides the ticket's own columns."""

    committee: uuid.UUID | None
    thumb: uuid.UUID | None
    public_thumb: uuid.UUID | None
    officer: uuid.UUID | None
    officer_name: str
    worker: uuid.UUID | None
    worker_name: str


# The committee of the area as it is today, the first picture of all and the first that is shown to others than the parties
# (`access.shows_photo`), who answers for it, who works on it, the beginning of the text, and what stands in its place for neighbours.
BESIDE = """
SELECT t.id,
  (SELECT o.id FROM community_area a JOIN community_organisation o ON o.id = a.committee_id
   WHERE a.id = t.area_id AND o.active AND (o.dissolved_on IS NULL OR %(day)s < o.dissolved_on)),
  (SELECT p.id FROM tickets_photo p WHERE p.ticket_id = t.id ORDER BY p.event_seq, p.id LIMIT 1),
  (SELECT p.id FROM tickets_photo p WHERE p.ticket_id = t.id AND p.event_seq <> ALL (t.redacted_events)
   AND NOT ((p.kind = ANY (%(of_reporters)s) OR p.uploader_id IS NOT DISTINCT FROM t.reporter_id)
            AND (t.words_hidden <> '' OR t.public_title <> '' OR t.public_text <> ''))
   ORDER BY p.event_seq, p.id LIMIT 1),
  f.id, coalesce(f.name, ''), w.id, coalesce(w.name, ''),
  left(t.text, 200), t.words_hidden, t.public_title, left(t.public_text, 200)
FROM tickets_ticket t
LEFT JOIN LATERAL (
  SELECT s.worker_id FROM tickets_assignment s
  WHERE s.ticket_id = t.id AND s.role = 'lead' AND s.opened_at IS NOT NULL
  ORDER BY s.open DESC, s.opened_at DESC, s.id DESC LIMIT 1
) led ON true
LEFT JOIN community_person w ON w.id = led.worker_id
LEFT JOIN community_person f ON f.id = t.officer_id
WHERE t.id = ANY(%(ids)s)
"""


@dataclass(slots=True)
class RunningClock:
    """A clock of a ticket of a page that runs; that of the whole time also where it stands still."""

    ticket: uuid.UUID
    name: str
    holder_id: uuid.UUID | None
    started_at: datetime
    due_at: datetime
    paused: timedelta
    running_since: datetime | None
    stopped_at: datetime | None = None
    over: timedelta | None = None
    pause_reason: str = ""


CLOCKS = f"""
SELECT subject_id, name, holder_id, started_at, due_at, paused, running_since FROM tickets_ticketclock
WHERE subject_id = ANY(%s) AND stopped_at IS NULL AND (running_since IS NOT NULL OR name = '{ClockName.OVERALL.value}')
ORDER BY epoch, id
"""  # noqa: S608 - all words are our own

NAMES = "SELECT id, name, kind FROM community_organisation WHERE id = ANY(%s)"


class Gathered:
    """The rows of a page with all that they show, for one reader at the actor's moment."""

    def __init__(self, rows: Iterable[Sequence[Any]], actor: Actor):
        """Each of `rows` begins with the columns in ROW. Three statements; none where there are no rows."""
        self.now, self.english = actor.at, in_english()
        self.lines = [TicketRow(*row[: len(ROW)]) for row in rows]
        self.clocks: dict[uuid.UUID, list[RunningClock]] = {}
        self.beside: dict[uuid.UUID, Beside] = {}
        self.names: dict[uuid.UUID, str] = {}
        self.unread: dict[uuid.UUID, int] = {}
        if self.lines:
            self._gather()

    def mark_unread(self, person: uuid.UUID) -> None:
        """Count how much the person has not read of each ticket. One statement."""
        keys = [one.id for one in self.lines]
        unread = Message.objects.filter(person_id=person, inbox=True, read_at=None, subject_id__in=keys)
        self.unread = dict(unread.order_by().values_list("subject_id").annotate(count=Count("pk")))

    def _gather(self) -> None:
        keys = [one.id for one in self.lines]
        with connection.cursor() as cursor:
            cursor.execute(CLOCKS, [keys])
            for row in cursor.fetchall():
                self.clocks.setdefault(row[0], []).append(RunningClock(*row))
            cursor.execute(BESIDE, {"ids": keys, "day": local_day(self.now), "of_reporters": [*PHOTOS_OF_REPORTERS]})
            beside = {row[0]: row[1:] for row in cursor.fetchall()}
        for line in self.lines:
            *others, line.text, line.words_hidden, line.public_title, line.public_text = beside[line.id]
            self.beside[line.id] = Beside(*others)
            if line.coordinator_id is not None and line.coordinator_id != line.desk_id:
                line.coordinator_today = self.beside[line.id].committee or line.desk_id
            else:
                line.coordinator_today = line.coordinator_id
        named = {
            pk
            for line in self.lines
            for pk in (line.holder_id, line.coordinator_today, line.desk_id, line.account_owner_id)
        } | {clock.holder_id for clocks in self.clocks.values() for clock in clocks}
        kinds = {}
        with connection.cursor() as cursor:
            cursor.execute(NAMES, [[pk for pk in named if pk]])
            for pk, name, kind in cursor.fetchall():
                self.names[pk], kinds[pk] = name, kind
        for line in self.lines:
            line.kinds = kinds

    def row(self, line: TicketRow, relation: Relation, organisation: uuid.UUID | None = None) -> dict[str, Any]:
        """One ticket as somebody in this relation to it sees it in a list; `organisation` has the part that the list is about."""
        leaf, beside = catalogue.leaf_by_id(line.category_id), self.beside[line.id]
        thumb = beside.public_thumb if relation in READS_FACE else beside.thumb
        whole, staff, face = relation in SEES_WHOLE, relation in STAFF, relation in READS_FACE
        # Written out: lists are read more than anything else.
        shown = {
            "id": line.id,
            "code": line.code,
            "state": line.state,
            "state_label": _label(state_label, line.state, line.channel, self.english),
            "state_since": line.state_since,
            "type": line.type,
            "channel": line.channel,
            "source": Source.of(line.channel).value,
            "category": {"code": leaf.code, "name": leaf.name_en if self.english else leaf.name_zh},
            "compound": line.compound_id,
            "place": line.place,
            "title": shown_title(line) if face else spoken(line.title),
            "urgent": line.urgent,
            "level": line.level,
            "supervised": line.supervised,
            "cosigns": line.cosigns,
            "version": line.version,
            "submitted_at": line.submitted_at,
            "due_at": line.due_at,
            "next_due_at": line.next_due_at,
            "overdue": past(line.next_due_at, self.now),
            "closed_at": line.closed_at,
            "holder": line.holder_id,
            "holder_name": self._name(line.holder_id),
            "coordinator": line.coordinator_today,
            "coordinator_name": self._name(line.coordinator_today),
            **dict.fromkeys(_NOT_FOR_ALL),
        }
        if whole:
            shown |= {
                "spot": face_spot(line) if face else line.spot,
                "first_words": _beginning((face_text(line) or "") if face else line.text),
                "thumb": f"/api/v1/photos/{thumb}/thumb" if thumb else None,
                "worker": worker(beside.worker, beside.worker_name, staff),
                "question_open": line.question_open,
                "extension_days": line.extension_days,
                "disputes": line.disputes,
                "urges": line.urges,
                "rating": line.rating,
                "plan_date": line.account_plan_on,
                "clock": self._pressing(line, relation, organisation),
                "promised_at": deadlines.promised(line.due_at, line.state, self.clocks.get(line.id, ())),
            }
        if relation in RESIDENTS:
            shown |= {
                "needs_me": relation == R.REPORTER and (line.question_open or line.state == State.REPLIED),
                "unread": self.unread.get(line.id, 0),
            }
        if staff:
            shown |= {"desk": named(line.desk_id, self.names), "called_back_at": line.called_back_at}
        if relation == R.STREET and beside.officer:
            shown["officer"] = {"id": beside.officer, "name": beside.officer_name}
        return shown

    def _name(self, organisation: uuid.UUID | None) -> str:
        return self.names.get(organisation, "") if organisation else ""

    def _pressing(self, line: TicketRow, relation: Relation, organisation: uuid.UUID | None) -> dict[str, Any] | None:
        """The next clock due that the reader may read. A list of parts shows the clocks of the organisation's own part first."""
        mine = frozenset({relation})
        running = [
            one for one in self.clocks.get(line.id, ()) if one.running_since is not None and reads_clock(one.name, mine)
        ]
        own = [one for one in running if organisation and one.holder_id == organisation and one.name in LEADS | HELPERS]
        due = min(own or [one for one in running if one.name in NEXT], key=attrgetter("due_at"), default=None)
        if due is None:
            return None
        return self.clock_row(due, line, reporter=relation == R.REPORTER)

    def clock_row(self, clock: RunningClock, line: TicketRow, *, reporter: bool = False) -> dict[str, object]:
        """A clock as a row shows it."""
        return {
            "name": clock.name,
            "label": _label(clock_label, clock.name, line.channel, self.english),
            "state": deadlines.state_of(clock, self.now).value,
            "holder": clock.holder_id,
            "due_at": clock.due_at,
            "remaining_seconds": deadlines.seconds_until(clock.due_at, self.now),
            "words": deadlines.in_both(clock, line, self.now, reporter=reporter)[self.english],
        }


@cache
def _label(label: Callable[[str, str], Words], name: str, channel: str, english: bool) -> str:
    """A label in the language that is active, which `english` names."""
    return str(label(name, channel))


def pressing_row(
    line: TicketRow, gathered: Gathered, relation: Relation, presses: Callable[[RunningClock], bool]
) -> dict[str, Any]:
    """One row of the overdue and at-risk lists, as a reader in this relation sees it, with the clocks that put it there."""
    assert line.next_due_at is not None
    remaining = deadlines.seconds_until(line.next_due_at, gathered.now)
    pressing = [
        one
        for one in gathered.clocks.get(line.id, ())
        if one.running_since is not None and one.name in NEXT and presses(one)
    ]
    return {
        **gathered.row(line, relation),
        "remaining_seconds": remaining,
        "overdue_seconds": max(0, -remaining),
        "clocks": [gathered.clock_row(one, line) for one in sorted(pressing, key=attrgetter("due_at"))],
    }


def queue_row(part: Sequence[Any], line: TicketRow, gathered: Gathered, relation: Relation | None) -> dict[str, Any]:
    """One part of a queue, from the columns in ASSIGNMENT_ROW, with its ticket as the part lets it be seen."""
    _, _, organisation, role, step, next_due_at, opened_at, signed_at, closed_at, outcome, worker = part
    seen = relation or PARTS[role]
    return {
        "role": role,
        "role_label": AssignmentRole(role).label,
        "organisation": organisation,
        "step": step,
        "next_due_at": next_due_at,
        "overdue": past(next_due_at, gathered.now),
        "opened_at": opened_at,
        "signed_at": signed_at,
        "closed_at": closed_at,
        "outcome": outcome,
        "worker": worker,
        "ticket": gathered.row(line, seen, organisation),
    }


def past(due_at: datetime | None, now: datetime) -> bool:
    """Whether something was due by `now`."""
    return due_at is not None and due_at <= now


def _beginning(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= FIRST_WORDS else plain[:FIRST_WORDS].rstrip() + "…"
