"""Which tests share a process where the suite runs in several."""

import pytest

from launcher.family import PROJECT
from tests.workers import START_SERVERS, ByFile


@pytest.mark.parametrize("place", START_SERVERS)
def test_what_starts_servers_stays_in_one_process(place):
    assert (PROJECT / place).exists()
    assert ByFile._split_scope(ByFile.__new__(ByFile), f"{place}test_x.py::test_y[a::b]") == "servers"


def test_others_stay_with_their_file():
    one = "tests/tickets/test_moves.py"
    assert ByFile._split_scope(ByFile.__new__(ByFile), f"{one}::test_y[a]") == one
