"""A receiver of our own on the loopback, and channels made of paper in the place of those that a server is set up for."""

from collections.abc import Mapping
from contextlib import closing
from types import MappingProxyType

import pytest

from notifications.topics import ChannelName
from tests.fakes.receiver import receiving
from tests.notifications.letters import Paper
from tests.notifications.post import Wire

SHAPES = {ChannelName.SMS: "sms", ChannelName.WECHAT: "wechat"}


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


@pytest.fixture
def paper(monkeypatch) -> Mapping[ChannelName, Paper]:
    """Every channel, none of which goes anywhere."""
    made = {name: Paper(name, SHAPES.get(name, "text")) for name in ChannelName}
    for module in ("post", "digest", "api.settings"):
        monkeypatch.setattr(f"notifications.{module}.channels", lambda: made)
    return MappingProxyType(made)
