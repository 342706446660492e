import http.client
import http.server
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest

from config import probe
from launcher.family import PROJECT, Family, Trouble
from launcher.run import LogFollower, await_health, free_port, parser, wants_demo
from tests.launcher.conftest import READY, await_end, environment
from tests.processes import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc")


def healthz(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/healthz")
    answer = connection.getresponse()
    report = answer.status, json.loads(answer.read())
    connection.close()
    return report


def cmdline(member):
    with open(f"/proc/{member[0]}/cmdline") as file:
        return file.read().replace("\0", " ")


def test_a_server_serves_on_the_next_port_leaves_nothing_when_killed_and_finds_its_data_again(launch, home):
    with socket.socket() as taken:
        port = free_port(18200)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        first = launch("--port", str(port))
        first.await_words(READY)
        used = int(re.findall(f"Port {port} is taken; using (\\d+)", first.words())[0])
        status, report = healthz(used)
        assert (status, report["status"]) == (200, "ok")
        assert probe.web("localhost", used)
        assert not probe.web("stranger.example", used)
        postman = next(member for member in first.descendants() if "celeryd: postman@" in cmdline(member))
        # Links in messages lead to this server.
        assert f"SITE_URL=http://127.0.0.1:{used}\0" in Path(f"/proc/{postman[0]}/environ").read_text()

        refused = launch()
        assert refused.process.wait(20) == 1
        assert f"is running already on {home} (process {first.process.pid})" in refused.words()
        assert "stopped" not in refused.words()
        assert healthz(used)[0] == 200
        assert managed(home, "address") == f"http://127.0.0.1:{used}\n"
        assert "[X] 0001_initial" in managed(home, "showmigrations", "sessions")
    where = f"host={home / 'run'} user=linli dbname=linli"
    with psycopg.connect(where) as connection:
        connection.execute("CREATE TABLE kept (word text); INSERT INTO kept VALUES ('still here')")

    members = first.signal(signal.SIGKILL)
    first.process.wait(15)
    # Launcher, warden, Valkey, PostgreSQL, granian and its two, worker and its child, sweeper and its child, postman, beat: at the least.
    assert len(members) >= 13
    await_end(members)
    assert not probe.web("localhost", used)

    second = launch("--port", str(port))
    second.await_words(READY)
    with psycopg.connect(where) as connection:
        assert connection.execute("SELECT word FROM kept").fetchone() == ("still here",)

    # What dies takes all with it, and is named with the end of its log.
    members = second.descendants()
    (beat,) = (member for member in members if "--app config.celery --quiet beat" in cmdline(member))
    assert sum("celeryd: postman@" in cmdline(member) for member in members) == 1
    os.kill(beat[0], signal.SIGKILL)
    assert second.process.wait(20) == 1
    await_end(members)
    assert "beat has stopped by itself (exit code -9)" in second.words()


def managed(home, *command):
    """What `make manage` prints for `command` on the server of `home`."""
    asked = [sys.executable, "-m", "launcher.manage", *command]
    done = subprocess.run(asked, cwd=PROJECT, env=environment(home), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_with_the_demo_a_report_is_filed_the_stories_are_told_and_ctrl_c_stops_everything(launch, tmp_path):
    home, port, began = tmp_path / "home", free_port(18400), time.monotonic()
    running = launch("--port", str(port), demo="--demo", at=home)
    running.await_words(READY, patience=150)
    sys.stdout.write(f"Ready after {time.monotonic() - began:.1f} s\n")
    phone = "19900000001"
    assert phone in running.words()
    assert "45 tickets: 50 %" in running.words()

    # README's lines as they stand there, from top to bottom; at no time does anything ask to wait.
    first, second = README_LINES
    filed = shell(first, home)
    listed = json.loads(filed.stdout.splitlines()[-1]) if filed.stdout else {}
    assert filed.returncode == 0, filed.stderr
    assert [one["state"] for one in listed["results"]][:1] == ["dispatched"], filed.stdout

    told = subprocess.run(
        ["make", "-s", "demo"], cwd=PROJECT, env=environment(home), capture_output=True, text=True, timeout=120
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert "4 个故事" in told.stdout
    assert "请我们稍候" not in told.stdout

    for _ in range(3):
        assert "token" in json.loads(signed_in(f"LINLI={make('address', home)}\n{second}", home))

    unknown = subprocess.run(
        ["make", "-s", "token", "PERSON=stranger"], cwd=PROJECT, env=environment(home), capture_output=True, text=True
    )
    assert "'stranger' is none of the demo's people" in unknown.stderr
    assert "Traceback" not in unknown.stderr
    running.await_words("The demo's whole month of tickets is there", patience=120)

    members = running.signal(signal.SIGINT)
    assert running.process.wait(15) == 0
    await_end(members)
    assert "Stopped." in running.words()


README_LINES = [
    block for block in re.findall(r"```sh\n(.*?)```", (PROJECT / "README.md").read_text(), re.DOTALL) if "curl" in block
]


def make(target, home):
    """What a target of make's prints."""
    done = subprocess.run(["make", "-s", target], cwd=PROJECT, env=environment(home), capture_output=True, text=True)
    return done.stdout.strip()


def shell(lines, home):
    """Run lines of the shell against the server on `home`; curl fails where it is refused."""
    script = f'set -euo pipefail\ncurl() {{ command curl --fail-with-body "$@"; echo; }}\n{lines}'
    return subprocess.run(
        ["bash", "-c", script], cwd=PROJECT, env=environment(home), capture_output=True, text=True, timeout=120
    )


def signed_in(lines, home):
    """What the last of README's lines for an app prints; the code is read from the log of SMS, as in the terminal."""
    log = home / "log" / "sms.log"
    before = log.stat().st_size if log.exists() else 0
    script = f'set -euo pipefail\ncurl() {{ command curl --fail-with-body "$@"; echo; }}\n{lines}'
    with subprocess.Popen(
        ["bash", "-c", script],
        cwd=PROJECT,
        env=environment(home),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        wait_until(lambda: log.exists() and log.stat().st_size > before, 30)
        said, _ = process.communicate(log.read_text().split()[-1] + "\n", timeout=60)
    assert process.returncode == 0, said
    return said.splitlines()[-1]


@pytest.mark.parametrize(
    ("named", "asked", "loaded"),
    [
        (False, [], True), (False, ["--no-demo"], False), (False, ["--demo"], True),
        (True, [], False), (True, ["--no-demo"], False), (True, ["--demo"], True),
    ],
)  # fmt: skip
def test_the_demo_goes_into_a_named_database_only_when_asked_for(monkeypatch, named, asked, loaded):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    if named:
        monkeypatch.setenv("DATABASE_URL", "postgres://somebody@db.example/linli")
    assert wants_demo(parser().parse_args(asked)) is loaded


def test_a_benchmark_leaves_a_named_database_alone():
    named = environment(Path("unused")) | {"DATABASE_URL": "postgres://somebody@db.example/linli"}
    done = subprocess.run([sys.executable, "-m", "bench.http"], cwd=PROJECT, env=named, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Unset DATABASE_URL" in done.stderr


def test_a_free_port_is_taken_as_it_is():
    port = free_port(18400)
    assert free_port(port) == port


@pytest.mark.parametrize("port", ["0", "-1", "65536", "http", "８０"])
def test_what_is_no_port_is_refused(capsys, port):
    with pytest.raises(SystemExit):
        parser().parse_args([f"--port={port}"])
    assert "give a number from 1 to 65535" in capsys.readouterr().err


class Stranger(http.server.BaseHTTPRequestHandler):
    """Answers as Django does to a name that is not in ALLOWED_HOSTS."""

    def do_GET(self):
        self.send_error(400)

    def log_message(self, *arguments):
        pass


def test_a_web_server_that_does_not_answer_to_its_address_is_told_from_one_that_is_away():
    with http.server.HTTPServer(("127.0.0.1", 0), Stranger) as server, Family() as family:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(Trouble, match=r"ALLOWED_HOSTS, where it is set, must name 127\.0\.0\.1"):
            await_health(family, server.server_port)
        server.shutdown()


def test_new_lines_of_the_sms_log_are_shown_and_old_ones_are_not(tmp_path, capsys):
    log = tmp_path / "sms.log"
    log.write_text("old\n")
    follower = LogFollower(log, "[sms] ")
    with log.open("a") as file:
        file.write("13800000000 1234\nhalf a li")
        file.flush()
        follower.echo()
        assert capsys.readouterr().out == "[sms] 13800000000 1234\n"
        file.write("ne\n")
    follower.echo()
    assert capsys.readouterr().out == "[sms] half a line\n"
