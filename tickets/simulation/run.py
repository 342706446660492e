"""The run itself: what happens when, in one order, under a clock of its own; between two things that people do the real sweep."""

import heapq
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from io import BytesIO
from itertools import count

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection

from casework import duties
from tickets import catalogue
from tickets.demo.pictures import picture
from tickets.escalation import TicketClimber
from tickets.imaging import Pictures, normalise
from tickets.kind import TICKETS
from tickets.models import Photo, Ticket
from tickets.models.photo import PhotoKind
from tickets.simulation.crowd import Crowd
from tickets.simulation.filings import Filing, Span, filings
from tickets.simulation.hours import Hours
from tickets.simulation.life import Life
from workflow import moment
from workflow.actor import Actor
from workflow.models import Event
from workflow.sweep import Due
from workflow.writing import Draft

COLOURS = {"report": "#7a5c3e", "progress": "#6e6a3e", "after": "#3e7a4f", "dispute": "#2e2e3e"}
# After how many tickets PostgreSQL is told anew how large its tables have grown: nobody else sees them before the end.
ANALYSED = frozenset({50, 200, 800, 3200, 12800})


class SimulationStuck(Exception):
    """The sweep could not do what was due."""


class Listener(TicketClimber):
    """The sweep's own climber, which is told who is due and remembers whom it called on."""

    known: set[uuid.UUID]
    # A run is kept or taken back as a whole: it needs no savepoint for each rung.
    apart = False

    def __init__(self) -> None:
        super().__init__(Ticket)
        self.known = set()
        self.drafts: dict[uuid.UUID, Draft[Ticket]] = {}

    def fire(self, draft: Draft[Ticket], due: Due, *, by: Actor, facts: Mapping[str, object]) -> None:
        """Fire as ever."""
        super().fire(draft, due, by=by, facts=facts)
        self.known.discard(draft.subject.pk)
        self.drafts[draft.subject.pk] = draft


@dataclass(slots=True)
class Run:
    """One run. `lives` are its tickets in the order in which they were filed, once `go` has returned."""

    crowd: Crowd
    span: Span
    tell: Callable[[datetime], None] = lambda moment: None
    lives: list[Life] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    photos: list[uuid.UUID] = field(default_factory=list)
    _files: list[tuple[str, bytes]] = field(default_factory=list)
    _pictures: dict[str, Pictures] = field(default_factory=dict)
    _queue: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)
    _rungs: list[tuple[datetime, int]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)
    _by_ticket: dict[uuid.UUID, Life] = field(default_factory=dict)
    _by_filing: dict[int, Life] = field(default_factory=dict)
    _listener: Listener = field(default_factory=Listener)
    hours: Hours = field(init=False)
    leads: Mapping[str, str] = field(init=False)
    now: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.now = self.span.begin
        self.hours = Hours.today()
        self.leads = {code: leaf.lead for code, leaf in catalogue.current(self.now).by_code.items()}

    def go(self) -> None:
        """Let everything happen up to the end, in the transaction of the caller's. Raises SimulationStuck."""
        with connection.cursor() as cursor:
            # The same few statements come again and again: PostgreSQL would plan each anew, which takes longer than carrying it out.
            cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        for filing in filings(self.span, self.crowd):
            self.at(filing.at, partial(self._file, filing))
        while (due := self._next()) is not None and due[0] <= self.span.until:
            self.now, is_rung = due
            self.crowd.turn(self.now)
            with moment.at(self.now):
                if is_rung:
                    self._sweep()
                else:
                    heapq.heappop(self._queue)[2]()
            self.tell(self.now)
        self.tell(self.span.until)

    def at(self, when: datetime, action: Callable[[], None]) -> None:
        """Let `action` happen at the moment `when`."""
        heapq.heappush(self._queue, (when, next(self._numbers), action))

    def master(self, filing: int) -> Life | None:
        """The ticket that a filing became; None where it has not."""
        return self._by_filing.get(filing)

    def happened(self, ticket: Ticket, *events: Event) -> None:
        """Let the ticket's life go on after these events; a ticket of somebody else's has none."""
        life = self._by_ticket.get(ticket.pk)
        if life is None:
            return
        life.ticket = ticket
        for event in events:
            life.heard(event)
        if (fires := life.fires_at) is not None:
            heapq.heappush(self._rungs, (fires, life.number))

    def _next(self) -> tuple[datetime, bool] | None:
        """The moment of what comes next, and whether it is a rung; a rung goes before what people do in the same moment."""
        while self._rungs and self.lives[self._rungs[0][1]].fires_at != self._rungs[0][0]:
            heapq.heappop(self._rungs)
        rung = self._rungs[0][0] if self._rungs else None
        if self._queue and (rung is None or self._queue[0][0] < rung):
            return self._queue[0][0], False
        return None if rung is None else (rung, True)

    def _sweep(self) -> None:
        """Fire what is due now, on our own tickets alone."""
        listener = self._listener
        while self._rungs and self._rungs[0][0] <= self.now:
            fires, number = heapq.heappop(self._rungs)
            if self.lives[number].fires_at == fires:
                listener.known.add(self.lives[number].ticket.pk)
        listener.drafts.clear()
        swept = duties.sweep(TICKETS, listener, limit=len(listener.known))
        if swept.failed or listener.known:
            raise SimulationStuck(f"At {self.now} not everything that is due can be done.")
        for draft in list(listener.drafts.values()):
            self.happened(draft.subject, *draft.events)

    def _file(self, filing: Filing) -> None:
        life = Life(self, filing, len(self.lives))
        ticket = life.file()
        self.lives.append(life)
        self._by_ticket[ticket.pk] = self._by_filing[filing.number] = life
        self.crowd.names[str(ticket.pk)] = f"ticket {life.number}"
        self.happened(ticket)
        life.begin()
        if len(self.lives) in ANALYSED:
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE tickets_ticket, tickets_ticketevent, tickets_ticketclock, tickets_assignment")

    def photo(self, kind: PhotoKind, uploader: uuid.UUID) -> uuid.UUID:
        """A photo that its uploader has just taken; its files are written once everything has been committed."""
        if kind not in self._pictures:
            self._pictures[kind] = normalise(BytesIO(picture(kind, COLOURS[kind])))
        drawn = self._pictures[kind]
        photo = Photo.objects.create(
            uploader_id=uploader,
            kind=kind,
            width=drawn.width,
            height=drawn.height,
            bytes=len(drawn.full),
            sha256=drawn.sha256,
        )
        self._files += [(photo.full, drawn.full), (photo.thumb, drawn.thumb)]
        self.crowd.names[str(photo.pk)] = f"photo {len(self.photos)}"
        self.photos.append(photo.pk)
        return photo.pk

    def store_pictures(self) -> None:
        """Write the files of the photos."""
        for name, content in self._files:
            default_storage.save(name, ContentFile(content))
