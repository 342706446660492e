"""A Linli server in the shape of production: the image's own files and packages, production settings, every process."""

import contextlib
import http.client
import json
import os
import secrets
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.processes import own_port, wait_until, with_us
from tests.production.image import Image, build, services
from tests.workers import redis_database

HOST = "linli.example"
DATABASE = "linli_in_production"
# Tokens for a resident and an officer of the demo street, and no public password left: both are for this server alone.
PEOPLE = """
from community import signin
from community import demo
from community.models import Person
demo.load(lambda *_: None)
Person.objects.exclude(password="").update(password="!")
resident, officer = (demo.cast()[who] for who in ("resident", "desk_officer"))
home = resident.residencies.first()
print("TOKENS", signin.issue(resident, "").secret, signin.issue(officer, "", second_factor=True).secret, home.compound_id)
"""


@dataclass
class Production:
    """A running server: where it is, who may file, and its processes by name."""

    image: Image
    port: int
    services: dict[str, tuple[list[str], dict[str, str]]]
    logs: Path
    token: str = ""
    officer: str = ""
    compound: str = ""
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def run(self, name: str, *command: str) -> str:
        """What `command` (without one: the service's own) prints in the environment of the service `name`."""
        own, environment = self.services[name]
        done = subprocess.run(
            command or own, cwd=self.image.project, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, f"{command or own}\n{done.stdout}{done.stderr}"
        return done.stdout

    def start(self, name: str) -> None:
        """Start the service `name`."""
        command, environment = self.services[name]
        with (self.logs / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command,
                cwd=self.image.project,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=with_us(),
            )

    def stop(self, name: str, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop the service `name`, with all of its own."""
        process = self.processes.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def log(self, name: str) -> str:
        """What the service `name` has written."""
        return (self.logs / f"{name}.log").read_text()

    def ask(
        self, path: str, body: object = None, headers: Mapping[str, str] | None = None, port: int = 0
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and content of an answer; asked as a proxy asks that has ended TLS."""
        given = {"Host": HOST, "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7", **(headers or {})}
        content = None if body is None else json.dumps(body)
        if content is not None:
            given["Content-Type"] = "application/json"
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=30)) as connection:
            connection.request("GET" if body is None else "POST", path, content, given)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()

    def health(self) -> dict[str, Any]:
        """What /healthz says; nothing while nobody answers."""
        try:
            return dict(json.loads(self.ask("/healthz")[2]))
        except (OSError, http.client.HTTPException, ValueError):
            return {}

    def signed_in(self) -> dict[str, str]:
        """The header of the resident."""
        return {"Authorization": f"Bearer {self.token}"}

    def file(self, words: str = "楼前垃圾桶满了两天，请尽快清运。") -> dict[str, Any]:
        """File a ticket as the resident; what the API answers."""
        report = {"category": "CL03", "compound": self.compound, "text": words}
        status, _, content = self.ask("/api/v1/tickets", report, self.signed_in())
        assert status == 201, content.decode()
        return dict(json.loads(content))


def server_url(database: str) -> str:
    """Where `database` is on the tests' own PostgreSQL."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database}").geturl()


def administer(statement: str) -> None:
    """Let the tests' PostgreSQL make or drop a database."""
    with psycopg.connect(server_url("postgres"), autocommit=True) as connection:
        connection.execute(statement)


def settings_file() -> dict[str, str]:
    """What an operator puts into `.env`."""
    return {
        "POSTGRES_PASSWORD": "set-apart",
        "REDIS_PASSWORD": "set-apart",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "AUDIT_KEY": secrets.token_urlsafe(48),
        "ALLOWED_HOSTS": HOST,
        "TRUSTED_PROXIES": "1",
        "SITE_URL": f"https://{HOST}",
        "SMS_PROVIDER": "",
    }


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The image, made once."""
    return build(tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="session")
def production(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    """The whole server, on the tests' own database, which the one-shot migration finds as it should be."""
    administer(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    template = os.environ.get("LINLI_TEST_TEMPLATE", "template1")
    administer(f"CREATE DATABASE {DATABASE} TEMPLATE {template}")
    port = own_port()
    found = services(image, settings_file())
    for command, environment in found.values():
        environment |= {"DATABASE_URL": server_url(DATABASE), "REDIS_URL": redis_database(7)}
        command[:] = ["127.0.0.1" if part == "0.0.0.0" else str(port) if part == "8000" else part for part in command]
    server = Production(image, port, found, tmp_path_factory.mktemp("log"))
    try:
        server.run("migrate")
        told = server.run("web", "python", "manage.py", "shell", "--verbosity", "0", "--command", PEOPLE)
        server.token, server.officer, server.compound = told.split()[-3:]
        for name in ("web", "worker", "sweeper", "postman", "beat"):
            server.start(name)
        yield server
    finally:
        for name in list(server.processes):
            server.stop(name)
        administer(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")


@pytest.fixture
def healthy(production: Production) -> Production:
    """The server, when it says that everything is there."""
    wait_until(lambda: production.health().get("status") == "ok", 60)
    return production
