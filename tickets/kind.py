"""The ticket as a kind of subject."""

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from casework.kinds import Kind, register
from tickets import actions, merging, queries
from tickets.access import READS, STANDS_IN_FOR, Relation, relations, sees
from tickets.figures import figures
from tickets.models import Ticket
from workflow.actor import Actor
from workflow.models import Event
from workflow.moves import Move, moves


class _Tickets(Kind[Ticket]):
    name = "tickets"
    model = Ticket

    def hold(
        self, move: str, key: uuid.UUID, inputs: Mapping[str, Any], *, by: Actor
    ) -> tuple[Ticket, Mapping[str, Any]]:
        return merging.hold(move, key, inputs, by=by)

    def sees(self, subject: Ticket, actor: Actor) -> bool:
        return bool(sees(subject, actor))

    def act(self, move: str, subject: Ticket, *, by: Actor, version: int | None, inputs: Mapping[str, Any]) -> Event:
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

    def figures(self) -> Iterable[Any]:
        return figures()

    def for_people(self, move: Move) -> bool:
        permissions: list[Any] = [transition.permission for transition in move.meta.transitions.values()]
        return any(permission.relations != {Relation.CLOCK} for permission in permissions)


TICKETS = register(_Tickets())
