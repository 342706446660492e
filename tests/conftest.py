"""What every test can ask for: the demo street, loaded once, its cast, and channels made of paper; and no way out to the network."""

import os
import socket
import time
from collections.abc import Iterator, Mapping
from copy import copy
from datetime import timedelta
from functools import cache, reduce
from io import StringIO
from math import inf
from operator import or_
from types import MappingProxyType
from typing import Any

import pytest
import redis
import time_machine
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import connection
from django.db.models import Q
from django.test import Client
from django.utils import translation
from hypothesis import HealthCheck, settings
from rest_framework.test import APIClient

from community import demo, signin
from community.api.views import NetLimit, OwnLimit, PhoneLimit
from community.models import Person, Street, WechatAccount
from config.celery import app
from launcher.clocks import OFFSET
from notifications.topics import ChannelName
from tests.notifications.letters import Paper
from tests.tickets.paths import Scene
from workflow import versions

# The same cases each time, however busy the machine is.
settings.register_profile(
    "suite", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")

TEMPLATE = os.environ.get("LINLI_TEST_TEMPLATE")
SHAPES = {ChannelName.SMS: "sms", ChannelName.WECHAT: "wechat"}


class Cast(Mapping[str, Person]):
    """Copies of people, each made when it is asked for: a test may change them. Reading all anew was a quarter of what a test costs."""

    def __init__(self, loaded: Mapping[str, Person]) -> None:
        self._loaded, self._copies = loaded, dict[str, Person]()

    def __getitem__(self, key: str) -> Person:
        if key not in self._copies:
            self._copies[key] = copy(self._loaded[key])
        return self._copies[key]

    def __contains__(self, key: object) -> bool:
        return key in self._loaded

    def __iter__(self) -> Iterator[str]:
        return iter(self._loaded)

    def __len__(self) -> int:
        return len(self._loaded)


@pytest.fixture(autouse=True, scope="session")
def no_way_out() -> Iterator[None]:
    """The tests' own process connects to nothing but this machine."""
    connect = socket.socket.connect

    def local_only(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in {"127.0.0.1", "::1", "localhost"}:
            raise AssertionError(f"A test tried to connect to {address!r}.")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", local_only)
        yield


@pytest.fixture(autouse=True, scope="session")
def clock() -> Iterator[None]:
    """The tests' clock is as far from this machine's as PostgreSQL's is, where the suite runs at another time."""
    offset = os.environ.get(OFFSET)
    if not offset:
        yield
        return
    away = timedelta(seconds=int(offset))
    with time_machine.travel(away, tick=True) as traveller:
        # The journey takes its time before it starts, and has arrived too late by as much.
        arrived = time.time() - time_machine.escape_hatch.time.time()
        traveller.shift(away.total_seconds() - arrived)
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings):
    """The test database is a copy of one that `launcher.check` has made, where it has made one."""
    connection.settings_dict["TEST"]["TEMPLATE"] = TEMPLATE


@pytest.fixture(scope="session")
def django_db_setup(clock, django_db_setup, django_db_blocker):
    """The test database, with the demo street and all reference data in it for the whole session."""
    if TEMPLATE:
        return
    with django_db_blocker.unblock():
        call_command("load_reference", stdout=StringIO())
        call_command("load_demo", stdout=StringIO())


@pytest.fixture(autouse=True, scope="session")
def no_versions_read_by_the_clock():
    """Published versions are read anew where a test asks for it, and never amid statements that are being counted.

    The value is after how many seconds a server reads them.
    """
    seconds = versions.REREAD_SECONDS
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(versions, "REREAD_SECONDS", inf)
        yield seconds


@cache
def patient_redis() -> redis.Redis:
    """The tests' own Valkey. Linli's client waits a tenth of a second for it, which a busy machine outlasts."""
    return redis.Redis.from_url(os.environ["REDIS_URL"])


@pytest.fixture(autouse=True)
def own_limits(monkeypatch):
    """Every test counts from nought: a whole suite asks for one cast, signs in from one address, with a few phones."""
    for limit in (NetLimit, PhoneLimit, OwnLimit):
        monkeypatch.setattr(limit, "requests", 100_000)
    server = patient_redis()
    for pattern in ("limit:*", "linli:*:allauth:rl:*"):
        if counted := list(server.scan_iter(pattern, count=1000)):
            server.delete(*counted)


@pytest.fixture(autouse=True)
def own_language():
    """Every test begins in Chinese: a request leaves its language to its thread, and only the next request changes that."""
    translation.deactivate()


@pytest.fixture
def transactional_db(django_db_setup, django_db_blocker):
    """The test database without a test transaction, for threads; nothing is flushed: who writes here removes it again.

    Has pytest-django's own name, by which it knows that a test database is needed and that such tests come last.
    """
    with django_db_blocker.unblock():
        yield
        connection.close()


@pytest.fixture
def street(db):
    """The demo street."""
    return Street.objects.get(code="xueyuanlu")


@pytest.fixture(scope="session")
def loaded_cast(django_db_setup, django_db_blocker):
    """The people of the demo street by key, as they were loaded."""
    with django_db_blocker.unblock():
        return demo.cast()


@pytest.fixture
def cast(db, loaded_cast):
    """The people of the demo street by key: resident, neighbour, chair, dispatcher, worker, desk_officer, outsider …"""
    return Cast(loaded_cast)


@pytest.fixture
def scene(cast):
    """The demo street at work through the engine itself, at moments that the test decides."""
    return Scene(cast)


@pytest.fixture
def administrator(client, cast):
    """A browser in which the administrator of the whole server is signed in."""
    client.force_login(cast["administrator"])
    return client


@pytest.fixture
def staff(client, cast):
    """`staff("general_officer", "tickets.view_ticket")` is a browser in which that person is, with these permissions alone."""

    def signed_in(who: str, *permissions: str) -> Client:
        person = cast[who]
        person.is_staff = True
        person.save(update_fields=["is_staff"])
        wanted = [permission.split(".") for permission in permissions]
        found = Permission.objects.filter(
            reduce(or_, (Q(content_type__app_label=app, codename=name) for app, name in wanted))
        )
        assert found.count() == len(wanted)
        person.groups.clear()
        person.user_permissions.set(found)
        client.force_login(person)
        return client

    return signed_in


def client_of(person: Person, account: WechatAccount | None = None) -> APIClient:
    """A client of the API with a live token of the person's, which may be one for a WeChat account."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {signin.issue(person, '', account).secret}")
    return client


@pytest.fixture
def sign_in():
    """`sign_in(person)` is a client of the API with a live token of that person's."""
    return client_of


@pytest.fixture
def at_api(sign_in, cast):
    """`at_api("resident")` is that person's client of the API."""
    return lambda who: sign_in(cast[who])


@pytest.fixture
def paper(monkeypatch) -> Mapping[ChannelName, Paper]:
    """Every channel, none of which goes anywhere, in the place of those that the server is set up for."""
    made = {name: Paper(name, SHAPES.get(name, "text")) for name in ChannelName}
    for module in ("post", "digests", "api.settings"):
        monkeypatch.setattr(f"notifications.{module}.channels", lambda: made)
    return MappingProxyType(made)


@pytest.fixture
def broker_away(monkeypatch) -> None:
    """Nobody listens where the broker should be, and no connection to it is left."""
    monkeypatch.setattr(app.conf, "broker_url", "redis://127.0.0.1:1/0")
    monkeypatch.setattr(app, "_pool", None)
    monkeypatch.setattr(app.amqp, "_producer_pool", None)
