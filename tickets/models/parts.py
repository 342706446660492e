"""A ticket with its assignments: what follows from them and from its columns, and changes that several moves share."""

import uuid
from collections.abc import Collection, Sequence
from datetime import date, datetime
from functools import cache
from operator import attrgetter
from typing import Any

from community.receivers import local_day
from community.serving import Service
from community.zones import zone_of
from tickets.models import service_level as service_levels
from tickets.models.assignment import Assignment
from tickets.models.columns import TicketColumns
from tickets.service_level import Limits
from tickets.states import AssignmentRole, ClockName, Outcome, Secrecy, TicketType
from tickets.windows import Window
from workflow import calendars
from workflow.actor import Actor
from workflow.clocks import Rules, own_days
from workflow.instances import fresh
from workflow.models import Clock

C = ClockName


@cache
def _rules(zone: str) -> Rules:
    return Rules(
        calendar=lambda number: calendars.calendar(number, zone),
        ladder=lambda policy, clock: service_levels.level(policy).ladder(clock),
    )


class TicketParts(TicketColumns):
    """A ticket with its parts.

    What moves, guards and permissions look at, and what several moves do. `gather` fetches the assignments. The mixins of moves derive
    from it, and `Ticket` from the mixins.
    """

    assignments: list[Assignment]
    moment: datetime
    asker: Actor
    kinds: dict[uuid.UUID, str]
    late: list[Clock]
    spare_id: uuid.UUID
    own_urges: list[datetime]
    own_comments: Sequence[datetime]
    committee_now: uuid.UUID | None
    committee_until: date | None
    residents_committee_now: uuid.UUID | None
    category_has_face: bool

    class Meta:
        abstract = True

    @property
    def has_public_face(self) -> bool:
        """Whether neighbours may read its public face and cosign it."""
        return self.secrecy == Secrecy.OPEN and not self.confined and self.__dict__.get("category_has_face", True)

    @property
    def confined(self) -> bool:
        """Whether only its reporter and the street may see it, because it accuses somebody or reports a wrongdoing."""
        return bool(self.accused) or self.type == TicketType.REPORT

    @property
    def covered(self) -> bool:
        """Whether neighbours read other words than the reporter's: those that the street wrote in their place, or none."""
        return bool(self.words_hidden or self.public_title or self.public_text)

    @property
    def committee_today(self) -> uuid.UUID | None:
        """The present committee of the area, which may differ from that of the day of filing; None once it is dissolved."""
        if "committee_now" not in self.__dict__:
            return self.committee_id
        until = self.committee_until
        return self.committee_now if until is None or local_day(self.moment) < until else None

    @property
    def residents_committee_today(self) -> uuid.UUID | None:
        """The present residents' committee of the community."""
        return self.__dict__.get("residents_committee_now", self.residents_committee_id)

    @property
    def coordinator_today(self) -> uuid.UUID | None:
        """The coordinator: the street's section, or the present committee in the place of the committee that was asked."""
        coordinator = self.coordinator_id
        if coordinator is None or coordinator == self.desk_id:
            return coordinator
        return self._committee_or_desk()

    @property
    def leads(self) -> list[Assignment]:
        """The assignments that lead it now or in a later step."""
        return [one for one in self.assignments if one.role == AssignmentRole.LEAD and (one.open or one.waiting)]

    @property
    def lead(self) -> Assignment | None:
        """The holder's assignment."""
        for one in self.assignments:
            if one.open and one.role == AssignmentRole.LEAD:
                return one
        return None

    @property
    def last_lead(self) -> Assignment | None:
        """The assignment of the holder, or of the last holder."""
        led = [one for one in self.assignments if one.role == AssignmentRole.LEAD and one.opened_at is not None]
        # Of two that opened at the same moment, the one made later.
        return self.lead or max(reversed(led), key=attrgetter("opened_at"), default=None)

    @property
    def extensions_of_lead(self) -> tuple[int, int]:
        """How often the holder was given more time on this ticket, and how many days in all."""
        lead = self.lead
        theirs = [one for one in self.assignments if lead and one.organisation_id == lead.organisation_id]
        return sum(one.extensions for one in theirs), sum(one.extended for one in theirs)

    @property
    def days_to_extend(self) -> int:
        """How many more days the holder can be given: those of the class, less what it has had."""
        own = next((own_days(one) for one in self.clocks if one.name == C.HANDLE), 0)
        return max(0, own - self.extensions_of_lead[1])

    @property
    def limits(self) -> Limits:
        """The limits of its service level on how often something may be done."""
        return service_levels.level(self.policy).limits

    @property
    def promise(self) -> dict[str, datetime] | None:
        """The moment that was promised to the resident, and since when it counts, as another ticket may take it over."""
        if self.due_at is None:
            return None
        begun = [one.started_at for one in self.clocks if one.name in (C.PROMISE, C.HANDLE)]
        return {"since": min([*begun, self.due_at], default=self.due_at), "due_at": self.due_at}

    @property
    def step_given_at(self) -> datetime | None:
        """When the holders of all steps were named: by the dispatch to the first of them."""
        first = [one.opened_at for one in self.assignments if one.role == AssignmentRole.LEAD and one.step == 1]
        return max((at for at in first if at is not None), default=None)

    @property
    def next_step(self) -> Assignment | None:
        """The assignment that leads the next step."""
        later = [one for one in self.assignments if one.role == AssignmentRole.LEAD and one.waiting]
        return min(later, key=lambda one: one.step, default=None)

    def rules(self) -> Rules:
        """Ladders by the service level's number; calendars in the street's time zone."""
        known: Rules | None = self.__dict__.get("_found_rules")
        if known is not None:
            return known
        found = self.__dict__["_found_rules"] = _rules(zone_of(self.street_id))
        return found

    def window_ends(self, window: Window, since: datetime) -> datetime:
        """The end of a window that began at `since`, under the service level of that moment."""
        budget = service_levels.level(self.policy, since).window(window, self.disposal_class)
        return self.rules().calendar(calendars.newest(self.street_id)).due(since, budget)

    def _enter(self, at: datetime) -> None:
        self.state_since = at
        # A question is over with the state in which it was asked.
        self.question_open = False

    def assign(
        self, organisation: uuid.UUID, role: AssignmentRole, at: datetime, *, step: int = 1, waiting: bool = False
    ) -> Assignment:
        """Add an assignment. A `waiting` one leads a later step."""
        one = fresh(
            Assignment,
            street_id=self.street_id,
            ticket_id=self.pk,
            organisation_id=organisation,
            role=role,
            step=step,
            open=not waiting,
            opened_at=None if waiting else at,
        )
        self.assignments.append(one)
        self.stage(one)
        return one

    def _close(self, one: Assignment, at: datetime, outcome: Outcome) -> None:
        one.open, one.outcome, one.closed_at, one.next_due_at = False, outcome, at, None
        self.stage(one)

    def _release(self, helpers: Sequence[Assignment], at: datetime, outcome: Outcome) -> None:
        """Close the assignments of helpers; the event names them."""
        for one in helpers:
            self._close(one, at, outcome)
        if helpers:
            self.note(released=[one.organisation_id for one in helpers])

    def _close_assignments(self, at: datetime, outcome: Outcome) -> None:
        for one in self.assignments:
            if one.open or one.waiting:
                self._close(one, at, outcome)

    def _close_lead(self, at: datetime, outcome: Outcome, keep: Collection[uuid.UUID] = ()) -> None:
        """Close the holder's assignment with its open requests, the later steps, and its co-handlers but for `keep`.

        Whistled departments were called by the street, and stay.
        """
        self.question_open, self.extension_days = False, None
        for one in self.leads:
            self._close(one, at, outcome)
        helpers = [one for one in self._open_in(AssignmentRole.CO_HANDLER) if one.organisation_id not in keep]
        self._release(helpers, at, outcome)

    def _open_in(self, role: AssignmentRole) -> list[Assignment]:
        return [one for one in self.assignments if one.open and one.role == role]

    def hand_to(
        self,
        holder: uuid.UUID,
        co_handlers: Sequence[uuid.UUID],
        next_steps: Sequence[uuid.UUID],
        at: datetime,
        contract: Service | None = None,
    ) -> None:
        """Give the ticket to a holder, with its co-handlers and those who lead after it. Sets the due moment once.

        The holder's time is measured by the service level in effect, and by its `contract` here where it has one.
        """
        self._enter(at)
        self.assign(holder, AssignmentRole.LEAD, at)
        for step, organisation in enumerate(next_steps, start=2):
            self.assign(organisation, AssignmentRole.LEAD, at, step=step, waiting=True)
        self._ask_to_help([one for one in co_handlers if one != holder], at)
        self.policy = service_levels.in_effect(at, self.street_id).number
        self._measure_by(contract)
        self._promise()
        self._note_whether_to_contact()

    def _promise(self) -> None:
        """Promise the resident a call-back, once in the ticket's life; not where an organisation found it."""
        if self.inspector_id is not None:
            return
        called = any(one.name == C.CALLBACK for one in self.__dict__.get("clocks", ()))
        if not called and not self.reopenings and self.called_back_at is None:
            self.note(promised=True)

    def _note_whether_to_contact(self) -> None:
        """Say in the event that there is no resident for a new lead to contact first."""
        if self.inspector_id is not None:
            self.note(no_contact=True)

    def _promise_whole(self) -> None:
        """Promise the due moment of the whole for a ticket that was solved without a holder: in coordination or by an answer."""
        if self.due_at is None:
            self.due_at = next((one.due_at for one in self.clocks if one.name == C.OVERALL), None)
            self._promise()

    def _ask_to_help(self, organisations: Sequence[uuid.UUID], at: datetime) -> None:
        """Make the organisations co-handlers that are none yet; the event names them."""
        helping = {one.organisation_id for one in self._open_in(AssignmentRole.CO_HANDLER)}
        asked = [one for one in dict.fromkeys(organisations) if one not in helping]
        for organisation in asked:
            self.assign(organisation, AssignmentRole.CO_HANDLER, at)
        if asked:
            self.note(helping=asked)

    def _measure_by(self, contract: Service | None) -> None:
        self.standard, self.contract_terms = (contract.standard, contract.terms) if contract else (0, "")

    def _committee_or_desk(self) -> uuid.UUID:
        """The coordinator: the committee of the place, or the desk where there is none or the ticket is for the street alone."""
        committee = self.committee_today
        return committee if committee and not self.confined else self.desk_id

    def _coordinate_at(self, coordinator: uuid.UUID, at: datetime) -> None:
        self._enter(at)
        self.coordinator_id = coordinator

    def _reassign(self, organisation: uuid.UUID, at: datetime) -> Assignment:
        """Give the ticket back to the organisation that led it, as a new assignment that is signed already."""
        one = self.assign(organisation, AssignmentRole.LEAD, at)
        one.signed_at = at
        self.note(lead=organisation)
        return one

    def _ask_to_succeed(self, successor: uuid.UUID | None) -> None:
        """Ask a follower to take the place of the reporter who left. The event says that somebody is asked, but not who."""
        self.successor_id = successor
        self.note(asked=successor is not None)

    def file_under(self, leaf: Any) -> None:
        """Take category and classes from a leaf of the catalogue."""
        self.category_id = leaf.id
        self.disposal_class = leaf.disposal_class
        self.response_class = leaf.response_class
        self.urgent = leaf.urgent
        self.after_photo = leaf.after_photo
        self.category_has_face = leaf.public_face

    def locate(self, place: Any, name: str) -> None:
        """Set the place, which is called `name`, and the committees that answer for it."""
        self.compound_id, self.area_id, self.community_id = place.compound_id, place.area_id, place.community_id
        self.place = name
        self.committee_id = place.committee.id if place.committee else None
        self.residents_committee_id = place.residents_committee.id if place.residents_committee else None
        self.committee_now, self.committee_until = self.committee_id, None
        self.residents_committee_now = self.residents_committee_id
