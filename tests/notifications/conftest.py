"""A receiver of our own on the loopback, and a channel that speaks to it."""

from contextlib import closing

import pytest

from tests.fakes.receiver import receiving
from tests.notifications.post import Wire


@pytest.fixture
def receiver():
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def patience(request):
    """How long a client waits, in seconds: as long as it always does, but for a test of servers that keep silent."""
    return {"connect": 0.3, "read": 0.3, "total": 0.6} if request.node.get_closest_marker("silent") else {}


@pytest.fixture
def wire(receiver):
    """A channel that posts to it."""
    channel = Wire(receiver.url)
    with closing(channel.client):
        yield channel
