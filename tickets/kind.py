"""The ticket as a kind of subject."""

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.utils import timezone
from prometheus_client import Metric

from casework.kinds import Kind, register
from tickets import actions, announce, handover, photos, queries
from tickets.access import READS, STANDS_IN_FOR, Relation, relations, sees
from tickets.escalation import TicketClimber
from tickets.figures import figures
from tickets.models import Ticket
from tickets.models.ticket import OTHERS
from web.management.looping import Duty
from web.words import Words, bilingual
from workflow.actor import Actor
from workflow.errors import StaleVersion
from workflow.models import Event
from workflow.moves import Move, moves
from workflow.sweep import Climber
from workflow.writing import lock

MINUTE, HOUR = 60.0, 3600.0


def _hand_over() -> Words | None:
    """Dispatch the open tickets of contracts that have ended anew."""
    swept = handover.sweep()
    if not swept.subjects and not swept.failed:
        return None
    failed = swept.failed
    return bilingual(
        f"{swept.subjects} 件工单已转交{f'，{failed} 件未能转交，留待再试' if failed else ''}。",
        f"{swept.subjects} tickets passed on{f', {failed} could not be and wait' if failed else ''}.",
    )


def _purge_photos() -> None:
    """Delete the photos that nobody attached within 24 hours, and their files."""
    while photos.purge_unattached(timezone.now()):
        pass


def _hold_both(key: uuid.UUID, inputs: Mapping[str, Any], by: Actor) -> tuple[Ticket, Mapping[str, Any]]:
    try:
        ticket, into = lock(Ticket, key, inputs["into"], by=by)
    except Ticket.DoesNotExist:
        (ticket,) = lock(Ticket, key, by=by)
        into = None
    return ticket, {**inputs, "into": into}


def _hold_split(key: uuid.UUID, inputs: Mapping[str, object], by: Actor) -> tuple[Ticket, Mapping[str, object]]:
    above = Ticket.objects.absorbing(key).values_list("pk", flat=True)
    locked = {one.pk: one for one in lock(Ticket, key, *above, by=by)}
    ticket, masters = locked.pop(key), []
    following = ticket.merged_into_id
    while following is not None:
        if following not in locked:
            raise StaleVersion()
        masters.append(locked[following])
        following = locked[following].merged_into_id
    return ticket, {**inputs, "masters": masters}


class _Tickets(Kind[Ticket]):
    name = "tickets"
    model = Ticket
    teller = announce.TELLER
    urls = "tickets.api.urls"
    events = OTHERS
    # Heads that were kept before there were other kinds name no kind.
    sealed_as = ""

    def hold(
        self, move: str, key: uuid.UUID, inputs: Mapping[str, object], *, by: Actor
    ) -> tuple[Ticket, Mapping[str, object]]:
        """Lock the ticket, and with it, by one statement in id order, the others that a merger or a split concerns.

        In the inputs of a merger the other ticket stands in the place of its id, None when there is none; a split is given the
        tickets that took this one in, the nearest first. Raises StaleVersion when another merger or split came in between.
        """
        match move:
            case "merge":
                return _hold_both(key, inputs, by)
            case "split":
                return _hold_split(key, inputs, by)
        return super().hold(move, key, inputs, by=by)

    def sees(self, subject: Ticket, actor: Actor) -> bool:
        return bool(sees(subject, actor))

    def act(self, move: str, subject: Ticket, *, by: Actor, version: int | None, inputs: Mapping[str, object]) -> Event:
        return actions.act(move, subject, by=by, version=version, inputs=inputs)

    def absent(self, key: uuid.UUID, by: Actor) -> None:
        Ticket.gather_nothing(key, by)

    def read(self, key: uuid.UUID, actor: Actor) -> Ticket:
        return queries.visible_ticket(key, actor)

    def readable(self, subject: Ticket, actor: Actor) -> Collection[str]:
        mine = set(relations(subject, actor))
        return [visibility for visibility, readers in READS.items() if readers & mine]

    def offered_on_behalf(self, subject: Ticket, actor: Actor) -> list[tuple[Move, str]]:
        """The moves that the street may make now in another party's place (代办), and none in its own."""
        state, own = str(subject.state), {move.name for move in self.offered(subject, actor)}
        return [
            (move, party)
            for move in moves(Ticket).values()
            if move.name not in own
            for party in STANDS_IN_FOR
            if move.refusal(subject, state, replace(actor, on_behalf=party)) is None
        ]

    def climber(self) -> Climber[Ticket]:
        return TicketClimber(Ticket)

    def upkeep(self) -> Iterable[Duty]:
        return Duty(_hand_over, MINUTE, "hand_over"), Duty(_purge_photos, HOUR, "purge_photos")

    def reference(self, subject: Ticket) -> str:
        return subject.code

    def changed_photos(self) -> Iterable[tuple[uuid.UUID, uuid.UUID, Words]]:
        return ((photo.ticket_id, photo.pk, reason) for photo, reason in photos.changed_files() if photo.ticket_id)

    def figures(self) -> Iterable[Metric]:
        return figures()

    def for_people(self, move: Move) -> bool:
        permissions: list[Any] = [transition.permission for transition in move.meta.transitions.values()]
        return any(permission.relations != {Relation.CLOCK} for permission in permissions)


TICKETS = register(_Tickets())
