"""The engine is tried through the ticket, its first subject: tables make the keys and locks real."""

import pytest

from tests.tickets.paths import Scene


@pytest.fixture
def scene(cast):
    """The demo street at work through the engine itself, at moments that the test decides."""
    return Scene(cast)
