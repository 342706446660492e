"""The clocks of tickets, and which rungs of their ladders have been fired."""

import uuid
from collections.abc import Iterable

from django.db import models
from django.db.models import F, Q

from community.models.places import street_reference
from tickets.models.history import TicketEvent
from tickets.states import ClockName
from web.constraints import KnownValues
from web.words import bilingual
from workflow.models import Clock, Firing


class TicketClockQuerySet(models.QuerySet["TicketClock"]):
    """Clocks, narrowed."""

    def live(self) -> "TicketClockQuerySet":
        """Those that run or are paused."""
        return self.filter(stopped_at__isnull=True)

    def running(self, names: Iterable[str]) -> "TicketClockQuerySet":
        """Those of these names whose time runs."""
        return self.live().filter(running_since__isnull=False, name__in=sorted(names))

    def callbacks(self, streets: Iterable[uuid.UUID]) -> "TicketClockQuerySet":
        """The call-backs that are still to be made in these streets."""
        waiting = self.live().filter(running_since__isnull=False, name__constant=ClockName.CALLBACK)
        return waiting.filter(street__in=sorted(streets))

    def live_or_late(self) -> "TicketClockQuerySet":
        """Those that run or are paused, and those that were stopped after their due moment."""
        return self.filter(Q(stopped_at__isnull=True) | Q(breached_at__isnull=False))


class TicketClock(Clock):
    """Time that runs on a ticket."""

    street = street_reference()
    subject = models.ForeignKey(
        "tickets.Ticket",
        models.PROTECT,
        db_constraint=False,
        related_name="clock_rows",
        db_index=False,
        verbose_name=bilingual("工单", "ticket"),
    )

    objects = TicketClockQuerySet.as_manager()

    class Meta(Clock.Meta):
        verbose_name = bilingual("工单时限", "ticket clock")
        verbose_name_plural = bilingual("工单时限", "ticket clocks")
        constraints = [
            *Clock.Meta.constraints,
            models.UniqueConstraint(
                F("subject"), F("name"), F("holder_id"), F("epoch"), F("street"), name="ticketclock_epoch"
            ),
            KnownValues(condition=Q(name__in=ClockName.values), name="ticketclock_name_known"),
        ]
        indexes = [
            *Clock.Meta.indexes,
            models.Index(
                F("street"),
                F("due_at"),
                F("id"),
                condition=Q(name=ClockName.CALLBACK, stopped_at__isnull=True, running_since__isnull=False),
                name="ticketclock_callbacks",
            ),
        ]


class TicketFiring(Firing):
    """That a rung of a ticket's clock was fired."""

    street = street_reference()
    clock = models.ForeignKey(TicketClock, models.PROTECT, related_name="firings", db_index=False)
    event = models.ForeignKey(TicketEvent, models.PROTECT, related_name="+", db_index=False, db_constraint=False)

    class Meta:
        verbose_name = bilingual("阶梯触发", "rung fired")
        verbose_name_plural = bilingual("阶梯触发", "rungs fired")
        constraints = [models.UniqueConstraint(F("clock"), F("rung"), F("street"), name="ticketfiring_once")]
