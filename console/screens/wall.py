"""The oversight wall at a desk: what is late or due today, where that is, and when tickets were received."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from django.utils.functional import cached_property

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
        """What was received lately. A process keeps it for all who sit in the same organisations: past days, in which hardly anything
        changes, for an hour, and today for a minute.
        """
        scope, now = self._board.scope, self.actor.at
        first, today = wall.first_days(now)
        mine = (scope, today, *sorted(str(seat.organisation_id) for seat in self.actor.seats))
        past = _past.of(mine, lambda: wall.received_by_hour(scope, self.actor, first, today))
        return wall.received(now, past, _today.of(mine, lambda: wall.received_by_hour(scope, self.actor, today)))


def forget() -> None:
    """Count anew what was received; for tests."""
    _past.forget()
    _today.forget()
