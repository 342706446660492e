"""Clients that are generated from docs/openapi.yaml come out whole, and carry a report to its confirmation over real HTTP."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from socketserver import BaseServer
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import pytest
from django.core.handlers.wsgi import WSGIHandler

from community import signin
from launcher.family import PROJECT
from tests.connections import one_connection
from tests.npm import needs_node, workshop
from tickets.models import Ticket

DOCUMENT = PROJECT / "docs" / "openapi.yaml"
HERE = Path(__file__).parent


class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def walk(cast):
    """`walk(command, …)` runs a client against this very process, which answers from the test's own transaction; what it prints."""

    def run(*command: str, cwd: Path, **environment: str) -> dict[str, str]:
        with WSGIServer(("127.0.0.1", 0), Quiet) as server:
            server.set_app(WSGIHandler())
            server.timeout = 0.1
            tokens = {name.upper(): signin.issue(cast[name], "").secret for name in ("resident", "dispatcher")}
            given = {**os.environ, **tokens, "LINLI": f"http://127.0.0.1:{server.server_port}", **environment}
            with subprocess.Popen(command, cwd=cwd, env=given, stdout=subprocess.PIPE, text=True) as client:
                serve(server, client)
                assert client.returncode == 0
                return json.loads(client.stdout.read())

    return run


def serve(server: BaseServer, client: subprocess.Popen[str]) -> None:
    """Answer one request after the other until the client has ended."""
    end = time.monotonic() + 60
    while client.poll() is None:
        assert time.monotonic() < end
        with one_connection():
            server.handle_request()


def arrived(answer: dict[str, str], resident) -> bool:
    """Whether the report has come to its end, as the database has it, too."""
    ticket = Ticket.objects.get(pk=answer["id"])
    assert (ticket.reporter, ticket.category.code) == (resident, "CL07")
    return (answer["state"], answer["rating"], answer["newest"], ticket.state) == ("closed", 5, answer["id"], "closed")


@pytest.mark.django_db
def test_a_python_client_is_generated_without_warnings_and_walks_to_the_confirmation(walk, cast, tmp_path):
    generate = ["openapi-python-client", "generate", "--path", str(DOCUMENT), "--meta", "none", "--fail-on-warning"]
    tools = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    made = subprocess.run(
        [str(Path(sys.executable).parent / generate[0]), *generate[1:], "--output-path", str(tmp_path / "linli_client")],
        env=tools, capture_output=True, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    assert "warning" not in (made.stdout + made.stderr).lower()
    answer = walk(sys.executable, str(HERE / "walk.py"), cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert arrived(answer, cast["resident"])


@needs_node
@pytest.mark.django_db
def test_a_typescript_client_is_generated_and_walks_to_the_confirmation(walk, cast):
    place = workshop(HERE / "typescript")
    tools = place / "node_modules" / ".bin"
    made = subprocess.run(
        [tools / "openapi-typescript", DOCUMENT, "--output", "api.d.ts"],
        cwd=place, capture_output=True, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    assert "warn" not in (made.stdout + made.stderr).lower()
    built = subprocess.run([tools / "tsc", "--project", "."], cwd=place, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    answer = walk("node", "built/walk.js", cwd=place)
    assert arrived(answer, cast["resident"])
