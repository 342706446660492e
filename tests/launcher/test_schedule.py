"""Which tests share a process where the suite runs in several."""

import pytest

from launcher.family import PROJECT
from tests.workers import BROWSERS, START_SERVERS, ServersTogether


@pytest.mark.parametrize("place", START_SERVERS)
def test_what_starts_servers_stays_in_one_process(place):
    assert (PROJECT / place).exists()
    together = "browsers" if place == BROWSERS else "servers"
    scope = ServersTogether._split_scope(ServersTogether.__new__(ServersTogether), f"{place}test_x.py::test_y[a::b]")
    assert scope == together


def test_others_go_wherever_there_is_room():
    one = "tests/tickets/test_moves.py::test_y[a]"
    assert ServersTogether._split_scope(ServersTogether.__new__(ServersTogether), one) == one
