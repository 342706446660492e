"""A real server for real browsers, shared by all tests of this folder; each begins with a street that has no tickets."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from django.contrib.sessions.models import Session
from django.db import connections
from playwright.sync_api import Browser, Playwright, sync_playwright

from console.models import DisplayKey, Export
from launcher import home as homes
from launcher.run import HOST, background_command, web_command
from tests.conftest import Cast
from tests.console.browser import database
from tests.console.browser.looking import Looking
from tests.console.browser.other import chromium_109, need
from tests.processes import own_port, start, wait_until
from tests.tickets.committed import remove
from tickets.models import Ticket

CHROMIUM = shutil.which("chromium")


@dataclass(frozen=True)
class Site:
    """A web server that answers at `address`, and keeps files in `media`."""

    address: str
    port: int
    media: Path


@pytest.fixture(scope="session")
def player() -> Iterator[Playwright]:
    """Playwright, started once."""
    with pytest.MonkeyPatch.context() as patch:
        # Playwright runs a loop in this thread, and Django would take every query for one in a coroutine.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        play = sync_playwright().start()
        try:
            yield play
        finally:
            # While its loop runs, this thread has connections of its own.
            connections.close_all()
            play.stop()


@pytest.fixture(scope="session")
def chromium(player) -> Iterator[Browser]:
    """Debian's Chromium, started once."""
    need(CHROMIUM, "Debian's package chromium")
    with player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"]) as browser:
        yield browser


@pytest.fixture(scope="session")
def oldest(player) -> Iterator[Browser]:
    """The oldest Chromium that the console supports, started once."""
    program = chromium_109()
    with player.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"]) as browser:
        assert browser.version.startswith("109.")
        yield browser


@pytest.fixture(scope="session")
def site(django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[Site]:
    """The web server, on a database of its own."""
    port = own_port()
    media = tmp_path_factory.mktemp("media")
    with django_db_blocker.unblock(), database.made():
        command = web_command(port, 1)[1:]
        server = start(*command, **database.environment(), MEDIA_ROOT=str(media), SITE_URL=f"http://{HOST}:{port}")
        try:
            wait_until(lambda: answers(f"http://{HOST}:{port}/robots.txt"))
            yield Site(f"http://{HOST}:{port}", port, media)
        finally:
            end(server)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process with all that it has started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def answers(address: str) -> bool:
    """Whether the server is there."""
    try:
        with urlopen(address, timeout=5) as answer:  # noqa: S310 - our own server
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


@pytest.fixture
def db(site, django_db_blocker) -> Iterator[None]:
    """The server's database, in which what a test leaves behind is removed."""
    with django_db_blocker.unblock(), database.entered():
        yield
        remove(list(Ticket.objects.values_list("pk", flat=True)))
        Session.objects.all().delete()
        Export.objects.all().delete()
        DisplayKey.objects.all().delete()


@pytest.fixture
def cast(db, loaded_cast) -> Mapping[str, object]:
    """The people of the demo street."""
    return Cast(loaded_cast)


@pytest.fixture
def looking(request, site, cast) -> Iterator[Looking]:
    """Opens pages as people of the cast. Nothing may go wrong on them: no error in the console, nothing that the policy refuses.

    In Debian's Chromium at 1440 pixels, or in the browser and at the width that `everywhere` names.
    """
    engine, width = getattr(request, "param", ("chromium", 1440))
    made = Looking(request.getfixturevalue(engine), site.address, cast, width)
    try:
        yield made
    finally:
        made.close()
    assert made.wrong == []


@pytest.fixture
def crew(db, site, tmp_path) -> Iterator[None]:
    """Worker, sweeper, postman and beat beside the web server, for tests of what goes on by itself."""
    command = background_command(homes.Home(tmp_path, 0))[1:]
    background = start(*command, **database.environment(), MEDIA_ROOT=str(site.media))
    try:
        yield
    finally:
        end(background)
