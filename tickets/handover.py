"""When a service contract ends, its provider's open tickets pass to the provider that serves the place now, each once.

A ticket passes on where its lead was given it before the end, under that contract, and serves the place for its category no longer. What
somebody gives the old provider afterwards stays with it. Batch by batch, each a transaction of its own: a worker that dies leaves
the rest to the next one. That a contract is done is remembered, so that it is not looked at for ever.
"""

import logging
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import batched

from django.db import OperationalError, transaction
from django.db.models import DateField, Exists, OuterRef, Q
from django.db.models.functions import Cast

from community import timers
from community.models import ContractFiring, Organisation, ServiceContract
from community.serving import Serving, who_serves
from tickets import catalogue
from tickets.catalogue import Leaf
from tickets.models import Assignment, Ticket
from tickets.routing import Routing, contract_of, covers, in_scope, renders, route, successor
from tickets.states import AssignmentRole, State
from workflow import moment
from workflow.actor import Actor
from workflow.sweep import BATCH, Swept, note_sweep
from workflow.writing import Draft, store

logger = logging.getLogger(__name__)
SWEEP = "tickets.handover"
# What waits for a resident or stands on account asks who is live when it goes on; what is coordinated has no holder.
PASSED_ON = (State.DISPATCHED, State.IN_PROGRESS, State.RETURNING)
SETTLED = timedelta(minutes=10)
"""How long a move that began before the contract ended may take; only after that the contract is done."""


@dataclass(slots=True)
class Ended:
    """A contract that is over, with the organisations that may have worked under it and their head offices."""

    contract: ServiceContract
    end: datetime
    family: Mapping[uuid.UUID, uuid.UUID | None]
    places: dict[uuid.UUID | None, Serving] = field(default_factory=dict)

    @classmethod
    def of(cls, contract: ServiceContract) -> "Ended":
        """The contract with its provider, the provider's head office and its offices."""
        provider = contract.provider_id
        family = Organisation.objects.filter(Q(pk=provider) | Q(branches=provider) | Q(parent=provider))
        return cls(contract, timers.end_of(contract), dict(family.values_list("pk", "parent_id")))

    def serving(self, ticket: Ticket, at: datetime) -> Serving:
        """Who serves the ticket's place at `at`; one query for each place."""
        if ticket.compound_id not in self.places:
            found = who_serves(compound_id=ticket.compound_id, street_id=ticket.street_id, at=at)
            self.places[ticket.compound_id] = found
        return self.places[ticket.compound_id]

    def parted(self, one: Assignment, leaf: Leaf, serving: Serving) -> bool:
        """Whether the open assignment was made under the contract and its organisation no longer serves the place for the category."""
        return (
            one.open
            and one.organisation_id in self.family
            and one.opened_at is not None
            and one.opened_at < self.end
            and in_scope(self.contract.scope, leaf.code)
            and not any(
                covers(service, leaf.code) and renders(service, one.organisation_id, self.family[one.organisation_id])
                for service in serving.services
            )
        )


def sweep(between: Callable[[], None] | None = None) -> Swept:
    """Pass on the open tickets of every contract that has ended. `between` is called after each batch."""
    at, total = moment.now(), Swept()
    for contract in _over(at):
        swept, whole = _pass_on(Ended.of(contract), at, between)
        total += swept
        if whole and at >= timers.end_of(contract) + SETTLED:
            _note_done(contract, at)
    note_sweep(SWEEP)
    return total


def _over(at: datetime) -> list[ServiceContract]:
    """The contracts that have ended, and are not done."""
    done = ContractFiring.objects.filter(
        contract=OuterRef("pk"), rung=timers.HANDED_ON, due_on=Cast(OuterRef("ends_on") + timers.DAY, DateField())
    )
    near = at.date() + timers.DAY
    found = ServiceContract.objects.filter(~Exists(done), ends_on__lt=near).select_related(
        "street", "area", "compound__area", "provider"
    )
    return [one for one in found.order_by("ends_on", "pk") if timers.end_of(one) <= at]


def _note_done(contract: ServiceContract, at: datetime) -> None:
    assert contract.ends_on is not None
    told = timers.concerned([contract], at)[contract.pk]
    row = timers.firing(contract, timers.HANDED_ON, contract.ends_on + timers.DAY, at, told)
    timers.tell([row])


def _pass_on(ended: Ended, at: datetime, between: Callable[[], None] | None) -> tuple[Swept, bool]:
    """Pass on the tickets of a contract. Returns what was done, and whether no ticket was locked by somebody else."""
    total, whole = Swept(), True
    for keys in batched(_candidates(ended), BATCH):
        try:
            with transaction.atomic():
                free, swept = _batch(ended, keys, at)
        except OperationalError:
            # The database is away or busy; that is no fault of a ticket's.
            raise
        except Exception as error:
            logger.warning("A batch of %d tickets failed, and is done one by one: %s", len(keys), type(error).__name__)
            free, swept = _one_by_one(ended, keys, at)
        whole = whole and free
        total += swept
        if between is not None:
            between()
    return total, whole


def _one_by_one(ended: Ended, keys: Sequence[uuid.UUID], at: datetime) -> tuple[bool, Swept]:
    total, whole = Swept(), True
    for key in keys:
        try:
            with transaction.atomic():
                free, swept = _batch(ended, [key], at)
        except OperationalError:
            raise
        except Exception:
            logger.exception("Ticket %s cannot be passed on.", key)
            free, swept = False, Swept(failed=1)
        whole = whole and free
        total += swept
    return whole, total


def _candidates(ended: Ended) -> list[uuid.UUID]:
    """The tickets at places of the contract in which the provider, its head office or offices have led or helped since before its end."""
    contract = ended.contract
    place = Q(ticket__street=contract.street_id)
    if contract.compound_id is not None:
        place &= Q(ticket__compound=contract.compound_id)
    elif contract.area_id is not None:
        place &= Q(ticket__area=contract.area_id) | Q(ticket__compound__area=contract.area_id)
    parts = Assignment.objects.open().filter(
        place,
        organisation__in=list(ended.family),
        role__in=[AssignmentRole.LEAD, AssignmentRole.CO_HANDLER],
        opened_at__lt=ended.end,
        ticket__state__in=PASSED_ON,
    )
    return list(parts.order_by("ticket").values_list("ticket", flat=True).distinct())


def _batch(ended: Ended, keys: Sequence[uuid.UUID], at: datetime) -> tuple[bool, Swept]:
    """Pass on those of the tickets that nobody else has locked, and write them. Returns whether that was all of them."""
    by = Actor.the_clock(at)
    free = Ticket.for_move(None).select_for_update(no_key=True, skip_locked=True, of=("self",))
    tickets = list(free.filter(pk__in=keys).order_by("pk"))
    Ticket.gather(tickets, by)
    drafts = [Draft.of(one) for one in tickets if one.state in PASSED_ON]
    moved = [draft for draft in drafts if _pass(draft, ended, by)]
    if moved:
        store(moved)
    return len(tickets) == len(keys), Swept(subjects=len(moved))


def _pass(draft: Draft[Ticket], ended: Ended, by: Actor) -> bool:
    """Give a ticket, or the helpers' part in it, to the provider that serves its place now. Returns whether that was needed."""
    ticket = draft.subject
    leaf, serving = catalogue.leaf_by_id(ticket.category_id), ended.serving(ticket, by.at)
    leaving = {one.organisation_id for one in ticket.assignments if ended.parted(one, leaf, serving)}
    helpers = [one.organisation_id for one in ticket.assignments if one.open and one.role == AssignmentRole.CO_HANDLER]
    if ticket.lead is None or not leaving & {ticket.lead.organisation_id, *helpers}:
        return False
    routing = route(serving, leaf, ticket.type, ticket.accused)
    facts: dict[str, object] = {
        "ended": ended.contract.code,
        "rule": routing.rule,
        "routing": routing.version,
        "alarms": routing.alarms or None,
    }
    if ticket.lead.organisation_id not in leaving:
        asked = _others(routing, {*leaving, *(one.organisation_id for one in ticket.assignments if one.open)})
        draft.move(Ticket.relieve, by=by, facts=facts, leaving=leaving, co_handlers=asked)
        return True
    holder = successor(routing, serving, leaf, ticket.accused)
    staying = [one for one in helpers if one not in leaving]
    draft.move(
        Ticket.redispatch,
        by=by,
        facts=facts,
        holder=holder.id,
        co_handlers=[*staying, *_others(routing, {*leaving, *staying, holder.id})],
        contract=contract_of(serving, leaf, holder.id, holder.parent_id),
    )
    return True


def _others(routing: Routing, known: Collection[uuid.UUID]) -> list[uuid.UUID]:
    return [one.id for one in routing.co_handlers if one.id not in known]
