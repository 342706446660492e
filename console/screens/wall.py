"""The oversight wall at a desk: what is late or due today, where that is, and when tickets were received."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import ClassVar

from django.utils.functional import cached_property

from community.models.organisations import STREET_KINDS
from console import charts
from console.board import Board
from console.navigation import watches
from console.screens.displays import leads
from console.watched import WatchedScreen
from tickets.reading import wall
from tickets.reading.wall import Received
from web.keeping import KeptForAWhile
from web.words import Words, bilingual
from workflow.actor import Actor

EACH = 8
_past: KeptForAWhile[Mapping[datetime, int]] = KeptForAWhile(3600)
_today: KeptForAWhile[Mapping[datetime, int]] = KeptForAWhile(60)


class WallScreen(WatchedScreen):
    """What the reader watches over, most urgent first."""

    entry: ClassVar[str] = "wall"
    template: ClassVar[str] = "console/wall.html"
    title: ClassVar[Words] = bilingual("超时墙", "Oversight wall")
    by_time: ClassVar[bool] = True

    def admits(self, actor: Actor) -> bool:
        """The street's staff, and committees for their places."""
        return watches(actor)

    @cached_property
    def _board(self) -> Board:
        return Board.of(self.actor, EACH)

    def fingerprint(self) -> str:
        """Changes with the columns, the places and the figures."""
        return self._board.fingerprint()

    def shown(self) -> Mapping[str, object]:
        """What the wall shows."""
        board, received = self._board, self._lately()
        return {
            "board": board,
            "received": received,
            "line": charts.line(received.days, bilingual("近 30 天每天收件", "Received a day over the last 30 days")),
            "heat": charts.heat(
                received.hours, bilingual("近 30 天何时收件", "When it was received over the last 30 days")
            ),
            "hours": range(24),
            "by_weekday": list(zip(charts.WEEKDAYS, received.hours, strict=True)),
            "leads": leads(self.actor),
        }

    def _lately(self) -> Received:
        """What was received lately. A process keeps it for all who watch over the same: of a street past days, in which
        hardly anything changes, for an hour, and the rest for a minute.
        """
        scope, actor = self._board.scope, self.actor
        first, today = wall.first_days(actor.at)
        streets = {seat.street_id for seat in actor.seats if seat.kind in STREET_KINDS}
        offices = {seat.organisation_id for seat in actor.seats}
        count = partial(wall.received_by_hour, scope, actor)
        if scope != "street":
            return wall.received(actor.at, _today.of((scope, today, *_sorted(offices)), partial(count, first)))
        here = (today, *_sorted(streets))
        found = (
            _past.of(here, partial(count, first, today, accusing=False)),
            _today.of(here, partial(count, today, accusing=False)),
            # Which of these count depends on where one sits.
            _today.of((*here, *_sorted(offices)), partial(count, first, accusing=True)),
        )
        return wall.received(actor.at, *found)


def _sorted(ids: Iterable[uuid.UUID | None]) -> list[str]:
    return sorted(map(str, ids))


def forget() -> None:
    """Count anew what was received; for tests."""
    _past.forget()
    _today.forget()
