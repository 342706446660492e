"""The oversight wall at a desk: what is late or due today, where that is, and when tickets were received."""

from collections.abc import Mapping
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
_received: KeptForAWhile[Received] = KeptForAWhile(60)


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
        """What was received lately, which a process keeps for a minute for all who sit in the same organisations."""
        scope = self._board.scope
        mine = tuple(sorted(str(seat.organisation_id) for seat in self.actor.seats))
        return _received.of((scope, mine), lambda: wall.received(scope, self.actor))


def forget() -> None:
    """Count anew what was received; for tests."""
    _received.forget()
