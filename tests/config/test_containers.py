"""What can be said of the containers without an engine: the files agree with each other and with the settings."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis
import yaml

from config import probe, pulse
from launcher import servers
from launcher.family import PROJECT

COMPOSE = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
DOCKERFILE = (PROJECT / "Dockerfile").read_text()
OURS = ["migrate", "web", "worker", "sweeper", "postman", "beat"]
SETTINGS = (PROJECT / "config" / "settings.py").read_text()
KNOWN = set(re.findall(r'(?:env\.\w+|secret|number)\(\s*"(\w+)"', SETTINGS))
POOL = {"LINLI_DATABASE_POOL", "LINLI_DATABASE_POOL_SIZE"}
PULSE = {"LINLI_PULSE"}
WATCHED = ["worker", "sweeper", "postman", "beat"]
# What the image and the volumes settle.
SETTLED = {"LINLI_PULSE", "LINLI_ENV", "DATABASE_URL", "REDIS_URL", "MEDIA_ROOT", "STATIC_ROOT", "LINLI_LOCAL_DIR"}
REQUIRED = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "AUDIT_KEY", "ALLOWED_HOSTS", "TRUSTED_PROXIES", "SITE_URL"}


def test_every_process_of_a_server_is_a_service():
    assert set(SERVICES) == {*OURS, "nginx", "postgres", "valkey"}


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_runs_as_root_and_each_has_a_health_check(name):
    service = SERVICES[name]
    assert service["user"] not in {"root", "0", 0}
    check = service["healthcheck"]
    assert check == {"disable": True} if name == "migrate" else check["test"][0] == "CMD"


@pytest.mark.parametrize("name", OURS)
def test_the_environment_of_our_services_is_what_the_settings_read(name):
    environment = SERVICES[name]["environment"]
    assert set(environment) <= KNOWN
    assert set(environment) >= REQUIRED
    assert environment["LINLI_ENV"] == "production"


def test_documentation_containers_and_settings_name_the_same_settings():
    rows = re.findall(r"^\| (`[A-Z].*?) \|", (PROJECT / "docs" / "operations.md").read_text(), re.MULTILINE)
    documented = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert documented == KNOWN
    assert set(SERVICES["web"]["environment"]) == documented - PULSE
    assert set(SERVICES["migrate"]["environment"]) == documented - POOL - PULSE
    for name in WATCHED:
        assert set(SERVICES[name]["environment"]) == documented - POOL


def test_every_setting_is_passed_on_and_the_required_ones_are_starred():
    text = (PROJECT / "docs" / "operations.md").read_text()
    required = set(re.findall(r"^\| `(\w+)` \* \|", text, re.MULTILINE))
    assert required == REQUIRED
    for name, value in SERVICES["web"]["environment"].items():
        if name not in SETTLED:
            assert value.startswith(f"${{{name}:?" if name in required else f"${{{name}:-"), name


def test_valkey_has_its_password_and_stops_when_it_is_told_to(tmp_path):
    shell, option, script = SERVICES["valkey"]["command"]
    server = servers.valkey_server()
    (tmp_path / "valkey-server").symlink_to(server)
    script = script.replace("$$", "$").replace("/data", str(tmp_path))
    script = script.replace("valkey-server -", f"valkey-server - --port 0 --unixsocket {tmp_path}/s")
    environment = {"PATH": f"{tmp_path}:{os.defpath}", "REDIS_PASSWORD": "a1b2c3"}
    process = subprocess.Popen([shell, option, script], env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL)
    try:
        with redis.Redis(unix_socket_path=f"{tmp_path}/s", password="a1b2c3") as client:
            await_answer(client.ping)
            client.set("kept", "1")
        with redis.Redis(unix_socket_path=f"{tmp_path}/s") as client, pytest.raises(redis.AuthenticationError):
            client.ping()
        process.terminate()
        assert process.wait(5) == 0
    finally:
        process.kill()
        process.wait()
    assert not (tmp_path / "s").exists()


def await_answer(ask):
    """Wait until a server answers."""
    end = time.monotonic() + 10
    while True:
        try:
            return ask()
        except redis.ConnectionError:
            assert time.monotonic() < end
            time.sleep(0.05)


@pytest.mark.parametrize("name", [*sorted(REQUIRED - SETTLED), "POSTGRES_PASSWORD", "REDIS_PASSWORD"])
def test_what_is_required_has_no_default(name):
    uses = re.findall(r"\$\{" + name + r"([^}]*)\}", (PROJECT / "docker-compose.yml").read_text())
    assert uses
    assert all(use.startswith(":?") for use in uses)


@pytest.mark.parametrize("name", ["web", *WATCHED])
def test_nothing_starts_before_the_schema_is_there(name):
    needed = SERVICES[name]["depends_on"]
    assert needed["migrate"] == {"condition": "service_completed_successfully"}
    assert needed["postgres"] == needed["valkey"] == {"condition": "service_healthy"}


def test_data_lives_in_named_volumes():
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    # What nginx reads lies beside docker-compose.yml.
    used = {name for name in used if not name.startswith((".", "$"))}
    assert used == set(COMPOSE["volumes"]) == {"postgres", "valkey", "media"}


def test_postgresql_is_18_as_the_code_demands():
    assert SERVICES["postgres"]["image"] == "postgres:18"


def test_every_source_that_the_image_copies_exists_and_reaches_the_builder():
    sources = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert {"config", "tickets", "requirements/production.txt"} <= set(sources)
    allowed = set(re.findall(r"^!(.+)$", (PROJECT / ".dockerignore").read_text(), re.MULTILINE))
    for source in sources:
        assert (PROJECT / source).exists(), source
        assert source in allowed, source


def test_the_image_has_every_app_of_the_project():
    apps = {path.parent.name for path in PROJECT.glob("*/__init__.py")} - {"tests", "launcher", "bench"}
    assert apps == set(re.findall(r"^COPY (\w+) \1$", DOCKERFILE, re.MULTILINE))


def test_the_image_collects_static_files_with_what_the_settings_demand():
    (line,) = re.findall(r"^RUN (LINLI_ENV=.+?)/opt/venv/bin/python", DOCKERFILE, re.MULTILINE | re.DOTALL)
    given = dict(word.split("=", 1) for word in line.replace("\\", " ").split())
    asked = [sys.executable, "-c", "import config.settings"]
    done = subprocess.run(asked, cwd=PROJECT, env=given, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_image_runs_the_python_of_the_project_as_an_ordinary_user():
    wanted = (PROJECT / ".python-version").read_text().strip()
    assert set(re.findall(r"^FROM python:([\d.]+)-slim", DOCKERFILE, re.MULTILINE)) == {wanted}
    last_stage = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER linli$", last_stage, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK .*config\.probe", last_stage, re.MULTILINE)


@pytest.mark.parametrize("name", WATCHED)
def test_a_process_is_asked_for_its_own_pulse(name):
    assert SERVICES[name]["healthcheck"]["test"] == ["CMD", "python", "-m", "config.probe", "pulse"]
    file = Path(SERVICES[name]["environment"]["LINLI_PULSE"])
    # No two containers share it.
    assert [str(file.parent)] == SERVICES[name]["tmpfs"]
    assert not any(str(file).startswith(volume.split(":")[1]) for volume in SERVICES[name].get("volumes", []))


def test_a_pulse_is_found_while_it_is_fresh(tmp_path, settings):
    settings.PULSE_FILE = str(tmp_path / "pulse")
    assert not probe.beating(settings.PULSE_FILE)
    pulse.touch()
    assert probe.beating(settings.PULSE_FILE)
    long_ago = time.time() - pulse.STALE - 1
    os.utime(settings.PULSE_FILE, (long_ago, long_ago))
    assert not probe.beating(settings.PULSE_FILE)
