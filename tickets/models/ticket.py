"""The ticket: its states, its moves and what must always be true of it."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol, Self

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, Subquery, When
from django.db.models.expressions import RawSQL
from django.utils.functional import Promise

from community.models.organisations import STREET_KINDS
from community.receivers import local_day, receives
from tickets.access import OF_RESIDENTS
from tickets.clocks import HELPERS, LEADS, clock_plan
from tickets.models import service_level as service_levels
from tickets.models.assignment import Assignment
from tickets.models.category import disposal_keys
from tickets.models.clock import TicketClock, TicketFiring
from tickets.models.follower import Follower
from tickets.models.history import TicketEvent, TicketOutbox, TicketSeal, TicketWords
from tickets.models.parts import TicketParts
from tickets.models.witness import witnesses
from tickets.moves.account import AccountMoves
from tickets.moves.answers import AnswerMoves
from tickets.moves.clock import ClockMoves
from tickets.moves.dispatch import DispatchMoves
from tickets.moves.endings import EndingMoves
from tickets.moves.helpers import HelperMoves
from tickets.moves.oversight import OversightMoves
from tickets.moves.privacy import PrivacyMoves
from tickets.moves.residents import ResidentMoves
from tickets.moves.triage import TriageMoves
from tickets.moves.work import WorkMoves
from tickets.service_level import whole
from tickets.states import ENDED, HELPING, OPEN, AssignmentRole, ClockName, Outcome, Secrecy, State
from tickets.windows import TWO_HOURS
from web.constraints import KnownValues
from web.words import bilingual
from workflow import calendars
from workflow.actor import Actor
from workflow.audit import UNKNOWN, sum_of_rows
from workflow.clocks import RECALENDAR, RECALENDAR_LABEL, Start, Terms
from workflow.models import Clock, Witness
from workflow.moves import moves
from workflow.prepared import Prepared

S = State
C = ClockName
# What the next step of a ticket may be; the others run beside it.
NEXT = frozenset(C) - {C.CALLBACK, C.REPORT, C.ASSIST, C.SUCCESSION}
FACETS = (
    *("state", "type", "channel", "level", "urgent", "supervised", "question_open"),
    *("desk", "holder", "coordinator", "category", "compound", "community"),
)
"""The columns by which the open tickets of a street are counted and filtered."""


def _by_key[R: models.Model](rows: Iterable[R], name: str) -> dict[uuid.UUID, list[R]]:
    found: dict[uuid.UUID, list[R]] = {}
    for row in rows:
        found.setdefault(row.__dict__[name], []).append(row)
    return found


_KEYS = [uuid.UUID(int=1)]


def _assignments(day: date, **tickets: object) -> models.QuerySet[Assignment]:
    found: models.QuerySet[Assignment] = (
        Assignment.objects.filter(**tickets)
        .annotate(
            staffed=receives("organisation", day),
            kind=F("organisation__kind"),
            head_office=F("organisation__parent"),
            worker_name=F("worker__name"),
            takes_turns=F("organisation__rota__in_turn"),
        )
        .order_by("id")
    )
    return found


# Of one ticket by its id: with an array of them PostgreSQL plans anew each time, which takes it longer than to read the rows.
_ASSIGNMENTS: Prepared[Assignment] = Prepared(
    lambda ticket, day: _assignments(day, ticket=ticket), ticket=uuid.UUID(int=1), day=date(1, 1, 1)
)
_ASSIGNMENTS_OF_SEVERAL: Prepared[Assignment] = Prepared(
    lambda tickets, day: _assignments(day, ticket__id__any_of=tickets), tickets=_KEYS, day=date(1, 1, 1)
)
_CLOCKS: Prepared[Clock] = Prepared(
    lambda ticket: TicketClock.objects.live().filter(subject=ticket).order_by("epoch", "id"), ticket=uuid.UUID(int=1)
)
_CLOCKS_OF_SEVERAL: Prepared[Clock] = Prepared(
    lambda tickets: TicketClock.objects.live().filter(subject__id__any_of=tickets).order_by("epoch", "id"),
    tickets=_KEYS,
)
_CLOCKS_TO_READ: Prepared[Clock] = Prepared(
    lambda ticket: TicketClock.objects.live_or_late().filter(subject=ticket).order_by("epoch", "id"),
    ticket=uuid.UUID(int=1),
)
_CLOCKS_OF_ENDED: Prepared[Clock] = Prepared(
    lambda ticket: TicketClock.objects.filter(subject=ticket).order_by("epoch", "id"), ticket=uuid.UUID(int=1)
)


class HasTime(Protocol):
    """What tells how much of a clock's time is left."""

    started_at: datetime
    due_at: datetime
    paused: timedelta


def risk_begins(clock: HasTime) -> datetime:
    """The moment at which four fifths of the clock's time are gone."""
    return max(clock.started_at, clock.due_at - max(clock.due_at - clock.started_at - clock.paused, timedelta(0)) / 5)


_ABSORBED = """
WITH RECURSIVE absorbed AS (
  SELECT id FROM tickets_ticket WHERE merged_into_id = %s
  UNION SELECT t.id FROM absorbed JOIN tickets_ticket t ON t.merged_into_id = absorbed.id
) SELECT id FROM absorbed
"""
_ABSORBING = """
WITH RECURSIVE absorbing AS (
  SELECT merged_into_id AS id FROM tickets_ticket WHERE id = %s AND merged_into_id IS NOT NULL
  UNION SELECT t.merged_into_id FROM absorbing JOIN tickets_ticket t ON t.id = absorbing.id
  WHERE t.merged_into_id IS NOT NULL
) SELECT id FROM absorbing
"""


LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def due_by(moment: datetime) -> Q:
    """The condition for what is due next by the moment.

    It names a beginning as well: of what lies before a moment alone, a plan for all values expects a third of all rows, and reads the
    whole table for them.
    """
    return Q(next_due_at__gt=LONG_AGO, next_due_at__lte=moment)


class TicketQuerySet(models.QuerySet["Ticket"]):
    """Queries of tickets."""

    def open(self) -> "TicketQuerySet":
        """Tickets that have not ended."""
        return self.filter(next_due_at__isnull=False)

    def overdue(self, at: datetime) -> "TicketQuerySet":
        """Open tickets with something that was due by `at`."""
        return self.filter(due_by(at))

    def at_risk(self, at: datetime) -> "TicketQuerySet":
        """Open tickets with nothing overdue at `at`, where four fifths of the time for something are gone."""
        return self.filter(next_due_at__gt=at, at_risk_at__gt=LONG_AGO, at_risk_at__lte=at)

    def absorbed_by(self, ticket_id: uuid.UUID) -> "TicketQuerySet":
        """Tickets that were merged into the ticket, directly or through others."""
        return self.filter(pk__in=RawSQL(_ABSORBED, [ticket_id]))  # noqa: S611 - parameters are bound

    def absorbing(self, ticket_id: uuid.UUID) -> "TicketQuerySet":
        """The ticket into which it was merged, and those into which that was merged in turn."""
        return self.filter(pk__in=RawSQL(_ABSORBING, [ticket_id]))  # noqa: S611 - parameters are bound


# The API and the documents list the moves in the order of these classes.
class Ticket(
    TriageMoves,
    DispatchMoves,
    WorkMoves,
    HelperMoves,
    AccountMoves,
    AnswerMoves,
    EndingMoves,
    ResidentMoves,
    OversightMoves,
    ClockMoves,
    PrivacyMoves,
    TicketParts,
):
    """A resident's problem, from the first report to the last signature."""

    objects = TicketQuerySet.as_manager()

    VERSIONED = ("state", "holder_id", "coordinator_id", "due_at")
    SHARED = ("street_id",)
    EVENTS = TicketEvent
    WORDS = TicketWords
    OUTBOX = TicketOutbox
    CLOCKS = TicketClock
    FIRINGS = TicketFiring
    SEALS = TicketSeal

    class Meta:
        verbose_name = bilingual("工单", "ticket")
        verbose_name_plural = bilingual("工单", "tickets")
        constraints = [
            models.UniqueConstraint(fields=["street", "code"], name="ticket_code"),
            KnownValues(condition=Q(state__in=State.values), name="ticket_state_known"),
            models.CheckConstraint(
                condition=Q(state__in=OPEN, next_due_at__isnull=False, closed_at__isnull=True)
                | Q(state__in=ENDED, next_due_at__isnull=True, closed_at__isnull=False),
                name="ticket_open_is_due",
            ),
            models.CheckConstraint(
                condition=Q(state=S.MERGED, merged_into__isnull=False)
                | (~Q(state=S.MERGED) & Q(merged_into__isnull=True)),
                name="ticket_merged_has_master",
            ),
            models.CheckConstraint(condition=Q(level__lte=5), name="ticket_level_known"),
            models.CheckConstraint(condition=Q(rating=None) | Q(rating__range=(1, 5)), name="ticket_rating_known"),
        ]
        indexes = [
            models.Index(
                F("street"),
                F("next_due_at"),
                F("id"),
                condition=Q(next_due_at__isnull=False),
                name="ticket_street_open",
            ),
            models.Index(
                F("area"), F("next_due_at"), F("id"), condition=Q(next_due_at__isnull=False), name="ticket_area_open"
            ),
            models.Index(
                F("street"),
                F("closed_at").desc(),
                F("id").desc(),
                condition=Q(closed_at__isnull=False),
                name="ticket_street_ended",
            ),
            models.Index(
                F("area"),
                F("closed_at").desc(),
                F("id").desc(),
                condition=Q(closed_at__isnull=False),
                name="ticket_area_ended",
            ),
            models.Index(F("reporter"), F("id").desc(), name="ticket_reporter"),
            models.Index(F("inspector"), F("id").desc(), condition=Q(inspector__isnull=False), name="ticket_inspector"),
            models.Index(F("compound"), F("id").desc(), name="ticket_compound"),
            models.Index(
                F("street"), F("hotline_number"), condition=~Q(hotline_number=""), name="ticket_hotline_number"
            ),
            models.Index(F("merged_into"), condition=Q(merged_into__isnull=False), name="ticket_merged"),
            # What is open by what it is, for filters on rare values and for counts.
            *(
                models.Index(
                    F("street"),
                    F(name),
                    F("next_due_at"),
                    condition=Q(next_due_at__isnull=False),
                    name=f"ticket_open_{name}",
                )
                for name in FACETS
            ),
            models.Index(
                F("street"), F("next_due_at"), condition=Q(extension_days__isnull=False), name="ticket_open_extension"
            ),
            models.Index(
                F("street"),
                F("next_due_at"),
                condition=~Q(supervised="") & Q(next_due_at__isnull=False),
                name="ticket_supervised",
            ),
            models.Index(F("street"), F("at_risk_at"), condition=Q(next_due_at__isnull=False), name="ticket_at_risk"),
            models.Index(F("officer"), F("next_due_at"), condition=Q(officer__isnull=False), name="ticket_officer"),
            # A caller's tickets; nobody is found by what they said in secret.
            models.Index(
                F("contact_phone"),
                F("id").desc(),
                condition=~Q(contact_phone="") & ~Q(secrecy=Secrecy.ANONYMOUS),
                name="ticket_phone",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"

    @classmethod
    def for_move(cls, person_id: uuid.UUID | None) -> models.QuerySet[Self]:
        """Tickets with what their permissions read: what the actor is to them, and today's committees of the place."""
        mine = Follower.objects.filter(ticket=OuterRef("pk"), person=person_id)
        spoken = mine.filter(disputed_at__isnull=False)
        urged = TicketEvent.objects.filter(subject=OuterRef("pk"), verb__constant="urge", actor=person_id)
        commented = TicketEvent.objects.filter(subject=OuterRef("pk"), verb__constant="comment", actor=person_id)
        active = Q(area__committee__active=True)
        rows: Any = super().for_move(person_id)
        found: models.QuerySet[Self] = rows.annotate(
            follows=Subquery(mine.values("kind")[:1]),
            spoke=Exists(spoken),
            has_rated=Exists(mine.filter(rated_at__isnull=False)),
            own_urges=ArraySubquery(urged.order_by("at").values("at")),
            own_comments=ArraySubquery(commented.values("at")),
            committee_now=Case(When(active, then=F("area__committee"))),
            committee_until=Case(When(active, then=F("area__committee__dissolved_on"))),
            residents_committee_now=F("community__residents_committee"),
            category_has_face=F("category__public_face"),
        )
        return found

    @classmethod
    def gather(cls, subjects: Sequence[Self], by: Actor) -> None:
        """Fetch the live clocks, and the assignments in the order in which they were made, with whether their organisations have
        somebody today.
        """
        keys, day = [one.pk for one in subjects], local_day(by.at)
        if len(keys) == 1:
            parts, running = _ASSIGNMENTS.rows(ticket=keys[0], day=day), _CLOCKS.rows(ticket=keys[0])
        else:
            parts, running = _ASSIGNMENTS_OF_SEVERAL.rows(tickets=keys, day=day), _CLOCKS_OF_SEVERAL.rows(tickets=keys)
        assignments, clocks = _by_key(parts, "ticket_id"), _by_key(running, "subject_id")
        for one in subjects:
            one.assignments, one.clocks = assignments.get(one.pk, []), clocks.get(one.pk, [])
            one._begin(by)

    def gather_to_read(self, by: Actor) -> None:
        """Fetch what `gather` does, and the clocks that were stopped late besides; of a ticket that has ended, all of them."""
        self.assignments = _ASSIGNMENTS.rows(ticket=self.pk, day=local_day(by.at))
        clocks = (_CLOCKS_OF_ENDED if self.state in ENDED else _CLOCKS_TO_READ).rows(ticket=self.pk)
        self.clocks = [one for one in clocks if one.stopped_at is None]
        self.late = [one for one in clocks if one.stopped_at is not None]
        self._begin(by)

    def gather_parts(self, by: Actor) -> None:
        """Fetch the assignments, for an actor who may have one of them."""
        self.assignments = _ASSIGNMENTS.rows(ticket=self.pk, day=local_day(by.at)) if by.seats else []
        self._begin(by)

    @staticmethod
    def gather_nothing(absent: uuid.UUID, by: Actor) -> None:
        """Run the queries of `gather` for a ticket that does not exist, so that the time they take does not tell which tickets exist."""
        _ASSIGNMENTS.rows(ticket=absent, day=local_day(by.at))
        _CLOCKS.rows(ticket=absent)

    def _begin(self, by: Actor) -> None:
        self.moment, self.asker = max(by.at, self.last_event_at), by
        self.kinds = {part.organisation_id: getattr(part, "kind", "") for part in self.assignments}

    def kind_of(self, organisation: uuid.UUID) -> str:
        """Of what kind an organisation is, as far as that has been gathered; else empty."""
        return self.kinds.get(organisation, "")

    def sealed_rows(self) -> Sequence[models.Model]:
        """The parts that organisations have in it."""
        return self.assignments

    @classmethod
    def unsealed(cls) -> Q:
        """The condition for tickets whose row or followers were never sealed."""
        return super().unsealed() | Q(followers_seal=UNKNOWN)

    @classmethod
    def seal_parts(cls, subjects: Sequence[Self]) -> tuple[str, ...]:
        """Seal the followers as they are."""
        followers = _by_key(Follower.objects.filter(ticket__in=[one.pk for one in subjects]), "ticket_id")
        for one in subjects:
            one.followers_seal = sum_of_rows(b"", added=followers.get(one.pk, []))
        return ("followers_seal",)

    @classmethod
    def gather_sealed(cls, subjects: Sequence[Self]) -> None:
        """Fetch their assignments."""
        rows = Assignment.objects.filter(ticket__in=[one.pk for one in subjects]).order_by("id")
        found = _by_key(rows, "ticket_id")
        for one in subjects:
            one.assignments = found.get(one.pk, [])

    @classmethod
    def witnesses(cls, subjects: Sequence[Self]) -> Witness[Self]:
        """The check of the columns that follow from events alone."""
        return witnesses(subjects)

    clock_plan = staticmethod(clock_plan)

    def shift(self, clock: Clock, by: timedelta) -> None:
        """Move the promise to the resident with the holder's clock, until the promise has a clock of its own."""
        if clock.name == C.HANDLE and self.due_at is not None:
            self.due_at += by

    def terms(self, starts: Sequence[Start]) -> Terms:
        """The budgets that the service level, or the contract, gives the clocks about to start."""
        found = {one.name: self._budget(one.name) for one in starts if one.follows is None}
        return Terms(
            self.policy,
            calendars.newest(self.street_id),
            {name: str(budget) for name, budget in found.items() if budget is not None},
        )

    def _budget(self, clock: str) -> str | None:
        known = service_levels.level(self.policy, self.last_event_at)
        urgent = ("urgent",) if self.urgent or self.disposal_class in TWO_HOURS else ()
        disposal = disposal_keys(self.disposal_class)
        match clock:
            case C.OVERALL:
                return whole(known.budget(C.COORDINATE, *urgent) or "0d", self._budget(C.HANDLE) or "0d")
            case C.PLAN:
                assert self.account_plan_on is not None
                return f"{(self.account_plan_on - local_day(self.last_event_at)).days}d,no_roll"
            case C.HANDLE | C.CALLBACK | C.PROMISE:
                name, keys = C.HANDLE, disposal
            case C.SIGN | C.CONTACT | C.ARRIVE:
                name, keys = C(clock), (self.response_class,)
            case C.ASSIST if self.disposal_class in TWO_HOURS and not known.measures(clock, *disposal):
                # A version from before helpers were measured by class: they have no longer than the holder.
                return self._budget(C.HANDLE)
            case C.ASSIST:
                name, keys = C.ASSIST, (*disposal, *urgent)
            case _:
                name, keys = C(clock), urgent
        return known.budget(name, *keys, standard=self.standard, terms=self._contract_terms())

    def _contract_terms(self) -> Mapping[str, str]:
        return dict(one.split("=", 1) for one in self.contract_terms.split())

    def reckon(self, at: datetime) -> None:
        """Bring holder, due moments and the end up to date with state, assignments and clocks."""
        ended = self.state in ENDED
        if ended:
            self.question_open, self.extension_days, self.successor_id = False, None, None
            self._close_assignments(at, Outcome.DONE if self.state == S.CLOSED else Outcome.ENDED)
        lead = self.lead
        self.holder_id = lead.organisation_id if lead else None
        self.closed_at = (self.closed_at or at) if ended else None
        running = [] if ended else [one for one in self.clocks if one.running_since is not None and one.name in NEXT]
        self.next_due_at = min((one.due_at for one in running), default=None)
        self.at_risk_at = min((risk_begins(one) for one in running), default=None)
        promises = {one.name: one.due_at for one in self.clocks if one.name in (C.HANDLE, C.PROMISE)}
        if C.PROMISE in promises:
            self.due_at = promises[C.PROMISE]
        elif self.due_at is None:
            self.due_at = promises.get(C.HANDLE)
        for assignment in self.assignments:
            if assignment.open:
                due = self._due_of(assignment)
                if assignment.next_due_at != due:
                    assignment.next_due_at = due
                    self.stage(assignment)

    def _due_of(self, assignment: Assignment) -> datetime | None:
        """When the organisation of this assignment has to act next."""
        names = LEADS if assignment.role == AssignmentRole.LEAD else HELPERS
        organisation = assignment.organisation_id
        own = [
            one.due_at
            for one in self.clocks
            if one.name in names and one.running_since is not None and one.holder_id == organisation
        ]
        return min(own, default=self.next_due_at)

    def parties(self) -> Iterable[uuid.UUID]:
        """The organisations that have a part in the ticket now."""
        working = [one.organisation_id for one in self.assignments if one.open]
        return [one for one in {self.desk_id, self.coordinator_today, self.inspector_id, *working} if one is not None]

    def outbox_facts(self) -> dict[str, object]:
        """What the ticket is about, its place and its parties; no words that people wrote."""
        lead = self.lead
        dues: dict[str, datetime] = {}
        for one in self.clocks:
            if one.name not in dues or one.due_at < dues[one.name]:
                dues[one.name] = one.due_at
        return {
            "code": self.code,
            "channel": self.channel,
            "category": self.category_id,
            "place": self.place,
            "state": str(self.state),
            "level": self.level,
            "urgent": self.urgent or self.disposal_class in TWO_HOURS,
            "confined": self.confined,
            "dues": dues,
            "due": self.due_at,
            "reporter": self.reporter_id,
            "inherited": self.inherited,
            "successor": self.successor_id,
            "inspector": self.inspector_id,
            "accused": list(self.accused),
            "desk": self.desk_id,
            "officer": self.officer_id,
            "coordinator": self.coordinator_today,
            "committee": self.committee_today,
            "residents_committee": self.residents_committee_today,
            "handler": lead.organisation_id if lead else None,
            "worker": lead.worker_id if lead else None,
            "helper": sorted(one.organisation_id for one in self.assignments if one.open and one.role in HELPING),
            "owner": self.account_owner_id,
            "plan": self.account_plan_on,
        }

    def acts_for(self, by: Actor, verb: str) -> uuid.UUID | None:
        """The actor's organisation that has a part in the ticket; a resident acts for themselves, wherever they sit."""
        if not by.seats:
            return None
        # A member of the organisation that found it answers for that organisation, as a reporter does for themselves.
        for_themselves = verb in OF_RESIDENTS and not (verb == "answer" and self.inspector_id)
        if not by.on_behalf and (by.person_id == self.reporter_id or for_themselves):
            return None
        concerned = {self.coordinator_today, self.committee_today, self.residents_committee_today, self.inspector_id}
        concerned |= {one.organisation_id for one in self.assignments}
        theirs = [seat for seat in by.seats if seat.organisation_id in concerned]
        streets = [seat for seat in by.seats if seat.kind in STREET_KINDS and seat.street_id == self.street_id]
        return next((seat.organisation_id for seat in theirs + streets), None)


# What is in a ticket's history and is no move: its birth, that staff found it by its caller's number, and a new calendar.
LOOKED_UP = "look_up"
REPORTED = bilingual("上报", "Reported")
OTHERS = {
    "submit": REPORTED,
    LOOKED_UP: bilingual("来电查询", "Looked up for a caller"),
    RECALENDAR: RECALENDAR_LABEL,
}


def move_label(verb: str) -> Promise:
    """The label of an event."""
    move = moves(Ticket).get(verb)
    return move.label if move else OTHERS.get(verb, REPORTED)
