"""Tickets in lists: what a row shows follows from what the reader is to every ticket of the list."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Count

from notifications.models import Message
from tickets import catalogue
from tickets.access import PARTS, READS_FACE, RESIDENTS, SEES_WHOLE, STAFF, Relation
from tickets.face import face_spot, face_text
from tickets.models.ticket import NEXT
from tickets.reading import deadlines
from tickets.reading.columns import PageLine, PartRow, TicketRow, quoted
from tickets.reading.face import shown_title
from tickets.reading.parties import worker
from tickets.states import AssignmentRole, Source, State, clock_label, state_label
from tickets.titles import spoken
from web.words import Words, in_english
from workflow.actor import Actor

FIRST_WORDS = 60


@dataclass(slots=True)
class RunningClock:
    """A clock that runs."""

    name: str
    holder_id: uuid.UUID | None
    due_at: datetime
    running_since: datetime | None
    stopped_at: datetime | None = field(default=None, init=False)
    over: timedelta | None = field(default=None, init=False)
    pause_reason: str = field(default="", init=False)


@dataclass(slots=True)
class PressingClock(RunningClock):
    """A clock that may press, with the kind of the organisation whose time it is."""

    holder_kind: str | None
    started_at: datetime
    paused: timedelta


_CLOCKS = f"""
SELECT c.subject_id, c.name, c.holder_id, c.due_at, c.running_since, o.kind, c.started_at, c.paused
FROM tickets_ticketclock c LEFT JOIN community_organisation o ON o.id = c.holder_id
WHERE c.subject_id = ANY(%s) AND c.stopped_at IS NULL AND c.running_since IS NOT NULL AND c.name IN ({quoted(NEXT)})
ORDER BY c.due_at, c.epoch, c.id
"""  # noqa: S608 - all words are our own


class Gathered:
    """The rows of a page with all that they show, for one reader at the actor's moment."""

    def __init__(self, lines: Sequence[PageLine], actor: Actor):
        self.now, self.english, self.lines = actor.at, in_english(), lines
        self.unread: dict[uuid.UUID, int] = {}

    def mark_unread(self, person: uuid.UUID) -> None:
        """Count how much the person has not read of each ticket. One statement."""
        keys = [one.ticket.id for one in self.lines]
        unread = Message.objects.filter(person_id=person, inbox=True, read_at=None, subject_id__in=keys)
        self.unread = dict(unread.order_by().values_list("subject_id").annotate(count=Count("pk")))

    def tickets(self, relation: Relation) -> list[dict[str, Any]]:
        """The tickets as somebody in this relation to each sees them."""
        seen = _seen(relation)
        return [self._row(one.ticket, seen) for one in self.lines]

    def _row(self, line: TicketRow, seen: "_Seen") -> dict[str, Any]:
        """One ticket as somebody sees it in a list."""
        leaf, english = catalogue.leaf_by_id(line.category_id), self.english
        whole, staff, face, resident, reporter = seen
        # Written out: lists are read more than anything else.
        return {
            "id": line.id,
            "code": line.code,
            "state": line.state,
            "state_label": _label(state_label, line.state, line.channel, english),
            "state_since": line.state_since,
            "type": line.type,
            "channel": line.channel,
            "source": _source(line.channel),
            "category": {"code": leaf.code, "name": leaf.name_en if english else leaf.name_zh},
            "compound": line.compound_id,
            "place": line.place,
            "title": shown_title(line) if face else spoken(line.title) if english else line.title,
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
            "holder_name": line.holder_name or "",
            "coordinator": line.coordinator_today,
            "coordinator_name": line.coordinator_name or "",
            "spot": (face_spot(line) if face else line.spot) if whole else None,
            "first_words": _beginning((face_text(line) or "") if face else line.text) if whole else None,
            "thumb": f"/api/v1/photos/{line.thumb}/thumb" if line.thumb else None,
            "worker": worker(line.worker_id, line.worker_name, staff),
            "question_open": line.question_open if whole else None,
            "extension_days": line.extension_days if whole else None,
            "disputes": line.disputes if whole else None,
            "urges": line.urges if whole else None,
            "rating": line.rating if whole else None,
            "plan_date": line.account_plan_on if whole else None,
            "clock": self._next_clock(line, reporter=reporter),
            "desk": {"id": line.desk_id, "name": line.desk_name or ""} if staff else None,
            "officer": {"id": line.officer_id, "name": line.officer_name or ""} if line.officer_id else None,
            "called_back_at": line.called_back_at if staff else None,
            "promised_at": line.promised_at,
            "needs_me": (reporter and (line.question_open or line.state == State.REPLIED)) if resident else None,
            "unread": self.unread.get(line.id, 0) if resident else None,
        }

    def _next_clock(self, line: TicketRow, *, reporter: bool) -> dict[str, object] | None:
        if line.clock_name is None or line.clock_due_at is None:
            return None
        clock = RunningClock(line.clock_name, line.clock_holder_id, line.clock_due_at, line.clock_running_since)
        return self._clock(clock, line, reporter=reporter)

    def _clock(self, clock: RunningClock, line: TicketRow, *, reporter: bool = False) -> dict[str, object]:
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

    def pressing(self, relation: Relation, presses: Callable[[PressingClock], bool]) -> list[dict[str, Any]]:
        """The rows of the overdue and at-risk lists, with the clocks that put them there. One statement."""
        clocks: dict[uuid.UUID, list[PressingClock]] = {}
        with connection.cursor() as cursor:
            cursor.execute(_CLOCKS, [[one.ticket.id for one in self.lines]])
            for ticket, *clock in cursor.fetchall():
                clocks.setdefault(ticket, []).append(PressingClock(*clock))
        return [
            self._pressing_row(one.ticket, relation, filter(presses, clocks.get(one.ticket.id, ())))
            for one in self.lines
        ]

    def _pressing_row(self, line: TicketRow, relation: Relation, clocks: Iterable[PressingClock]) -> dict[str, Any]:
        assert line.next_due_at is not None
        remaining = deadlines.seconds_until(line.next_due_at, self.now)
        return {
            **self._row(line, _seen(relation)),
            "remaining_seconds": remaining,
            "overdue_seconds": max(0, -remaining),
            "clocks": [
                self._clock(one, line._replace(clock_holder_id=one.holder_id, clock_holder_kind=one.holder_kind))
                for one in clocks
            ],
        }

    def parts(self, relation: Relation | None) -> list[dict[str, Any]]:
        """The parts, each with its ticket as the part lets it be seen, or as somebody in this relation sees it."""
        return [self._part(one.part, one.ticket, relation or PARTS[one.part.role]) for one in self.lines if one.part]

    def _part(self, part: PartRow, line: TicketRow, relation: Relation) -> dict[str, Any]:
        return {
            "role": part.role,
            "role_label": AssignmentRole(part.role).label,
            "organisation": part.organisation_id,
            "step": part.step,
            "next_due_at": part.next_due_at,
            "overdue": past(part.next_due_at, self.now),
            "opened_at": part.opened_at,
            "signed_at": part.signed_at,
            "closed_at": part.closed_at,
            "outcome": part.outcome,
            "worker": part.worker_id,
            "ticket": self._row(line, _seen(relation)),
        }


class _Seen(NamedTuple):
    """What somebody sees of a ticket: all of it, what staff see, its public face alone, a resident's news, or the reporter's."""

    whole: bool
    staff: bool
    face: bool
    resident: bool
    reporter: bool


@cache
def _seen(relation: Relation) -> _Seen:
    return _Seen(
        relation in SEES_WHOLE,
        relation in STAFF,
        relation in READS_FACE,
        relation in RESIDENTS,
        relation == Relation.REPORTER,
    )


@cache
def _source(channel: str) -> str:
    return Source.of(channel).value


@cache
def _label(label: Callable[[str, str], Words], name: str, channel: str, english: bool) -> str:
    """A label in the language that is active, which `english` names."""
    return str(label(name, channel))


def past(due_at: datetime | None, now: datetime) -> bool:
    """Whether something was due by `now`."""
    return due_at is not None and due_at <= now


def _beginning(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= FIRST_WORDS else plain[:FIRST_WORDS].rstrip() + "…"
