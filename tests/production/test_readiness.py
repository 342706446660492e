"""A server that is not whole says so: in /healthz, and in `check --deploy` before it starts."""

import subprocess

import pytest

from tests.production.conftest import Production


def deployed(server: Production, **environment: str) -> tuple[int, str]:
    """What `check --deploy` says."""
    command = [server.image.python, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    given = {**server.services["web"][1], **environment}
    done = subprocess.run(command, cwd=server.image.project, env=given, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_a_whole_server_passes_the_check(healthy):
    assert deployed(healthy)[0] == 0, deployed(healthy)[1]


def test_static_files_that_are_not_collected_are_told(healthy, tmp_path):
    code, words = deployed(healthy, STATIC_ROOT=str(tmp_path))
    assert code == 1
    assert "static files are not collected" in words
    assert "collectstatic" in words
    asked = [healthy.image.python, "-c", HEALTH]
    given = {**healthy.services["web"][1], "STATIC_ROOT": str(tmp_path)}
    done = subprocess.run(asked, cwd=healthy.image.project, env=given, capture_output=True, text=True)
    assert "degraded" in done.stdout, done.stderr
    assert "run `manage.py collectstatic`" in done.stdout


HEALTH = """
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
import django
django.setup()
from django.test import Client
answer = Client().get("/healthz", headers={"host": os.environ["ALLOWED_HOSTS"]})
print(answer.json()["status"], answer.json()["static_files"], answer.json()["migrations"])
"""


@pytest.fixture
def a_migration_more(healthy):
    """A release of the code with a migration that the database does not have."""
    file = healthy.image.project / "web" / "migrations" / "9999_later.py"
    before = sorted(path.stem for path in file.parent.glob("0*.py"))[-1]
    file.write_text(
        "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n"
        f"    dependencies = [('web', '{before}')]\n    operations = []\n"
    )
    yield
    file.unlink()


def test_migrations_that_are_not_applied_are_told(healthy, a_migration_more):
    code, words = deployed(healthy)
    assert code == 1
    assert "1 migrations are not applied" in words
    asked = [healthy.image.python, "-c", HEALTH]
    environment = healthy.services["web"][1]
    done = subprocess.run(asked, cwd=healthy.image.project, env=environment, capture_output=True, text=True)
    assert "degraded" in done.stdout, done.stderr
    assert "run `manage.py migrate`" in done.stdout
