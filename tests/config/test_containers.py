"""What can be said of the containers without an engine: the files agree with each other and with the settings."""

import re

import pytest
import yaml
from django.core.cache import cache

from config import probe
from config.heartbeat import KEY, heartbeat
from launcher.family import PROJECT

COMPOSE = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
DOCKERFILE = (PROJECT / "Dockerfile").read_text()
OURS = ["migrate", "web", "worker", "beat"]
SETTINGS = (PROJECT / "config" / "settings.py").read_text()
KNOWN = set(re.findall(r'(?:env\.\w+|secret)\(\s*"(\w+)"', SETTINGS))


def test_every_process_of_a_server_is_a_service():
    assert set(SERVICES) == {*OURS, "postgres", "valkey"}


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
    assert {"SECRET_KEY", "AUDIT_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL"} <= set(environment)
    assert environment["LINLI_ENV"] == "production"


@pytest.mark.parametrize("name", ["SECRET_KEY", "AUDIT_KEY", "ALLOWED_HOSTS", "POSTGRES_PASSWORD", "REDIS_PASSWORD"])
def test_a_secret_has_no_default(name):
    uses = re.findall(r"\$\{" + name + r"([^}]*)\}", (PROJECT / "docker-compose.yml").read_text())
    assert uses
    assert all(use.startswith(":?") for use in uses)


@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_nothing_starts_before_the_schema_is_there(name):
    needed = SERVICES[name]["depends_on"]
    assert needed["migrate"] == {"condition": "service_completed_successfully"}
    assert needed["postgres"] == needed["valkey"] == {"condition": "service_healthy"}


def test_data_lives_in_named_volumes():
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
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


def test_the_image_runs_the_python_of_the_project_as_an_ordinary_user():
    wanted = (PROJECT / ".python-version").read_text().strip()
    assert set(re.findall(r"^FROM python:([\d.]+)-slim", DOCKERFILE, re.MULTILINE)) == {wanted}
    last_stage = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER linli$", last_stage, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK .*config\.probe", last_stage, re.MULTILINE)


def test_the_probe_of_worker_and_beat_asks_for_the_heartbeat():
    heartbeat()
    assert probe.beating()
    cache.delete(KEY)
    assert not probe.beating()
