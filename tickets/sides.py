"""Which organisations stand on which side of an event: read from the facts that were written with it, never from the ticket of today."""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from tickets.models import TicketEvent, TicketOutbox
from tickets.news import Facts, Side
from tickets.states import State


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    """An event with the facts of its moment. `parties` are the organisations that had a part in the ticket before the event or after it."""

    event: TicketEvent
    facts: Facts
    parties: Collection[uuid.UUID] = ()

    @classmethod
    def of(cls, row: TicketOutbox) -> Self:
        """The event of a row of the outbox."""
        return cls(row.event, row.facts, row.audience)

    @property
    def was(self) -> Facts:
        """The values that the event changed."""
        before: Facts = self.facts.get("was") or {}
        return before

    @property
    def left(self) -> Sequence[tuple[uuid.UUID, str, datetime]]:
        """Who followed the ticket when it happened, and has left since: the person, why they followed it, and since when."""
        return [
            (uuid.UUID(person), kind, datetime.fromisoformat(since))
            for person, kind, since in self.facts.get("left") or ()
        ]

    @property
    def named(self) -> tuple[Side, ...]:
        """The sides that the event itself names as its audience."""
        return tuple(map(Side, self.event.data.get("audience") or ()))

    @property
    def desk(self) -> uuid.UUID:
        """The street's section that answers for the ticket."""
        return uuid.UUID(self.facts["desk"])

    @property
    def accused(self) -> frozenset[uuid.UUID]:
        """The organisations that the ticket accuses, or accused before the event."""
        return frozenset(map(uuid.UUID, {*self.facts["accused"], *(self.was.get("accused") or ())}))

    def organisations(self, side: Side) -> set[uuid.UUID]:
        """The organisations on this side, but for head offices and the street's own office."""
        return {uuid.UUID(one) for one in self._of(side) if one}

    def _of(self, side: Side) -> Iterable[str | None]:
        facts, was = self.facts, self.was
        helping, helped = set(facts["helper"]), set(was.get("helper") or facts["helper"])
        match side:
            case Side.HOLDER:
                return [facts["handler"] or (self._fired() if side in self.named else None)]
            case Side.FORMER_HOLDER:
                return [was.get("handler")]
            case Side.HELPER:
                fired = self._fired()
                return {fired} if fired in helping else helping
            case Side.NEW_HELPER:
                return helping - set(was["helper"]) if "helper" in was else helping if self._created else set()
            case Side.RELEASED:
                return helped - helping - {facts["handler"]}
            case Side.COORDINATOR:
                # A ladder that names the coordinator means the street where that coordinates.
                return {facts["coordinator"]} - (set() if side in self.named else {facts["desk"]})
            case Side.FORMER_COORDINATOR:
                left = was.get("state") == State.COORDINATING and facts["state"] != State.COORDINATING
                return {was.get("coordinator") or (facts["coordinator"] if left else None)} - {facts["desk"]}
            case Side.COMMITTEE | Side.RESIDENTS_COMMITTEE:
                return [] if facts["confined"] else [facts[side.value]]
            case Side.DESK:
                return [facts["desk"]]
            case Side.INSPECTOR:
                return [facts.get("inspector")]
            case Side.OWNER:
                return [facts["owner"] or (facts["desk"] if side in self.named else None)]
        return []

    @property
    def _created(self) -> bool:
        return not self.event.source

    def _fired(self) -> str | None:
        return (self.event.data.get("fired") or {}).get("holder") or None
