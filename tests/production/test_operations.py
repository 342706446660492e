"""The commands of docs/operations.md, run as they stand there: install, start, back up, restore, upgrade, go back."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from launcher import servers
from launcher.family import PROJECT
from tests.processes import own_port, wait_until
from tests.production.conftest import PEOPLE, Production, administer, server_url, settings_file
from tests.production.image import SERVICES, Image, registry
from tests.workers import redis_database

DOCUMENT = (PROJECT / "docs" / "operations.md").read_text()
SITE, RESTORED = "linli_site", "linli_restored"
# In the place of systemd: web alone is started, as its unit says.
SYSTEMCTL = """#!{python}
import os, signal, subprocess, sys, time
from pathlib import Path
if "linli-web" in sys.argv:
    pid = Path({site!r}, "web.pid")
    if pid.exists():
        os.kill(int(pid.read_text()), signal.SIGTERM)
        while Path("/proc", pid.read_text()).exists() and "Z" != Path("/proc", pid.read_text(), "stat").read_text().split()[2]:
            time.sleep(0.05)
    # Whoever starts it ends at once, so it has somebody who ends it when the tests die.
    watched = '(while kill -0 {tests} && kill -0 $$; do sleep 1; done; kill $$) 2>/dev/null &'
    script = watched + ' set -a; . {site}/linli.env; set +a; export LINLI_DATABASE_POOL=true; cd {site}/current; exec {command}'
    with open({site!r} + "/web.log", "ab") as log:
        child = subprocess.Popen(["sh", "-c", script], stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
    pid.write_text(str(child.pid))
"""


SHAPE = """
SELECT 'column', table_name, column_name, data_type || ' ' || is_nullable || ' ' || coalesce(column_default, '')
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
ORDER BY 1, 2, 3, 4
"""


def shape(database: str) -> list[tuple[str, ...]]:
    """The columns, constraints and indexes of a database, without the tables that tests alone have."""
    with psycopg.connect(server_url(database)) as session:
        return [row for row in session.execute(SHAPE) if not row[1].startswith("poll_")]


def chapter(title: str) -> list[str]:
    """The blocks of commands in the chapter of this title, in their order."""
    (text,) = re.findall(rf"^## {title}\n(.*?)(?=^## )", DOCUMENT, re.MULTILINE | re.DOTALL)
    return re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


_, _, INSTALL, FIRST_START = chapter("Without containers")
BACKUP, RESTORE = chapter("Backup and restore")
UPGRADE, GO_BACK = chapter("A new release, and back")


@dataclass
class Site:
    """A machine on which somebody follows the document."""

    root: Path
    environment: dict[str, str]
    server: Production

    def follow(self, commands: str, **names: str) -> str:
        """Run a block of commands; what it prints."""
        environment = {**self.environment, "LINLI": str(self.root), "BACKUP": str(self.root / "backup"), **names}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands], env=environment, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
        return done.stdout

    def settings(self, database: str, media: Path) -> None:
        """Write the file of settings."""
        given = {
            **{name: value for name, value in self.given.items() if value},
            "LINLI_ENV": "production",
            "DATABASE_URL": server_url(database),
            "REDIS_URL": redis_database(7),
            "STATIC_ROOT": f"{self.root}/current/static",
            "MEDIA_ROOT": str(media),
            "LINLI_LOCAL_DIR": f"{self.root}/state",
        }
        (self.root / "linli.env").write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in given.items()))

    given: dict[str, str]

    def answers(self, migrations: bool = True) -> bool:
        """Whether web serves pages with their static files."""
        report = self.server.health()
        if not report or report["migrations"]["ok"] is not migrations:
            return False
        assert report["static_files"] == {"ok": True}
        status, _, content = self.server.ask("/console/signin/")
        return status == 200 and b"/static/" in content


def unpack(image: Image, target: Path) -> Path:
    """A release as it is unpacked: the project's files, and nothing that was made of them."""
    shutil.copytree(image.project, target, ignore=shutil.ignore_patterns("__pycache__", "9999_*"))
    return target


@pytest.fixture(scope="module")
def site(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The machine with a first release, installed and started by the document's commands."""
    root = tmp_path_factory.mktemp("site")
    for place in ("releases", "media", "state", "tools"):
        (root / place).mkdir()
    port = own_port()
    (command,) = re.findall(r"^ExecStart=(.+)$", DOCUMENT, re.MULTILINE)
    command = command.replace("/srv/linli", str(root)).replace("--port 8000", f"--port {port}")
    tool = root / "tools" / "systemctl"
    tool.write_text(SYSTEMCTL.format(python=sys.executable, site=str(root), command=command, tests=os.getpid()))
    tool.chmod(0o755)
    path = f"{root / 'tools'}:{servers.POSTGRES / 'bin'}:{image.root / 'base' / 'bin'}:{os.defpath}"
    server = Production(image, port, {}, root)
    made = Site(root, {**registry(), "PATH": path}, server, settings_file())
    for database in (SITE, RESTORED):
        administer(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        administer(f"CREATE DATABASE {database}")
    made.settings(SITE, root / "media")
    unpack(image, root / "releases" / "one")
    try:
        made.follow(INSTALL, RELEASE="one")
        made.follow(FIRST_START, RELEASE="one")
        shell = 'set -a; . "$LINLI/linli.env"; set +a; cd "$LINLI/current"; venv/bin/python manage.py shell --verbosity 0 --command '
        told = made.follow(shell + shlex.quote(PEOPLE))
        server.token, server.officer, server.compound = told.split()[-3:]
        wait_until(made.answers, 60)
        yield made
    finally:
        pid = root / "web.pid"
        if pid.exists():
            server.processes["web"] = _Adopted(int(pid.read_text()))  # type: ignore[assignment]
            server.stop("web")
        for database in (SITE, RESTORED):
            administer(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")


class _Adopted:
    """A process that systemd's stand-in started."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def wait(self, timeout: float | None = None) -> None:
        """Wait until it is gone."""
        stat = Path(f"/proc/{self.pid}/stat")
        wait_until(lambda: not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z", timeout or 20)


def test_the_units_run_what_the_containers_run(image):
    def shown(words: list[str]) -> list[str]:
        return [Path(word).name if word.startswith("/") else word for word in words if word not in {"0.0.0.0"}]

    rows = dict(re.findall(r"^\| `linli-(\w+)` \| `(.+)` \|$", DOCUMENT, re.MULTILINE))
    for name, command in rows.items():
        assert shown(shlex.split(command)) == shown(SERVICES[name]["command"]), name
    (web,) = re.findall(r"^ExecStart=(.+)$", DOCUMENT, re.MULTILINE)
    assert [word for word in shown(shlex.split(web)) if word != "127.0.0.1"] == shown(image.command)


@pytest.mark.skipif("LINLI_TEST_TEMPLATE" not in os.environ, reason="launcher.prepare has not made the tests' database")
def test_a_schema_that_was_made_quickly_is_that_of_every_other_server(site, django_db_setup):
    quick, slow = shape(connection.settings_dict["NAME"]), shape(SITE)
    assert len(slow) > 500
    assert quick == slow


def test_a_backup_is_restored_into_an_empty_server_and_its_history_holds(site):
    ticket = site.server.file("备份之前的诉求。")["id"]
    (site.root / "media" / "photo.jpg").write_bytes(b"a photo")
    site.follow(BACKUP)
    later = site.server.file("备份之后的诉求。")["id"]
    site.settings(RESTORED, site.root / "restored")
    try:
        site.follow(RESTORE, RELEASE="one")
    finally:
        site.settings(SITE, site.root / "media")
    with psycopg.connect(server_url(RESTORED)) as session:
        found = session.execute("SELECT id::text FROM tickets_ticket").fetchall()
    assert (ticket,) in found
    assert (later,) not in found
    assert (site.root / "restored" / "photo.jpg").read_bytes() == b"a photo"


def test_a_history_that_was_changed_in_the_backup_is_found(site):
    site.server.file("将被改动的诉求。")
    site.follow(BACKUP)
    administer(f"DROP DATABASE {RESTORED} WITH (FORCE)")
    administer(f"CREATE DATABASE {RESTORED}")
    site.settings(RESTORED, site.root / "restored")
    tampering = (
        'set -a; . "$LINLI/linli.env"; set +a; psql --quiet "$DATABASE_URL" --command '
        "\"SET session_replication_role = replica; UPDATE tickets_ticketevent SET verb = 'urge' WHERE seq = 1\"\n"
    )
    commands = RESTORE.replace(
        "venv/bin/python manage.py verify_audit", tampering + "! venv/bin/python manage.py verify_audit"
    )
    assert commands != RESTORE
    try:
        site.follow(commands, RELEASE="one")
    finally:
        site.settings(SITE, site.root / "media")


def test_a_new_release_takes_over_and_the_one_before_comes_back(site):
    two = unpack(site.server.image, site.root / "releases" / "two")
    before = sorted(path.stem for path in (two / "web" / "migrations").glob("0*.py"))[-1]
    (two / "web" / "migrations" / "0999_later.py").write_text(
        "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n"
        f"    dependencies = [('web', '{before}')]\n"
        "    operations = [migrations.RunSQL('CREATE TABLE web_later (id int)')]\n"
    )
    (two / "web" / "static").mkdir(exist_ok=True)
    (two / "web" / "static" / "later.txt").write_text("new in this release")
    site.follow(INSTALL, RELEASE="two")
    # What runs is not touched by that.
    assert site.answers()
    site.server.file("升级之前。")

    site.follow(UPGRADE, RELEASE="two")
    assert os.readlink(site.root / "current") == "releases/two"
    names = json.loads((two / "static" / "staticfiles.json").read_text())["paths"]
    wait_until(lambda: site.answers() and site.server.ask(f"/static/{names['later.txt']}")[0] == 200, 60)
    site.server.file("升级之后。")

    site.follow(GO_BACK, PREVIOUS="one")
    wait_until(lambda: site.answers() and site.server.ask(f"/static/{names['later.txt']}")[0] == 404, 60)
    site.server.file("退回之后。")
    with psycopg.connect(server_url(SITE)) as session:
        session.execute("SELECT FROM web_later")
