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
def wire(receiver):
    """A channel that loses patience soon."""
    channel = Wire(receiver.url, connect=0.3, read=0.3, total=0.6)
    with closing(channel.client):
        yield channel
