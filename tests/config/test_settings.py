import os
import re
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from runpy import run_path
from urllib.parse import quote

import pytest
from django.contrib.auth.hashers import make_password
from django.core.checks import run_checks
from django.db import connection

from community.models import Person
from community.public_password import holders
from config.celery import app as celery_app
from config.readiness import check_sign_in
from config.settings import broker_url
from launcher.family import PROJECT
from notifications.channels import channels
from tests.processes import database_url

PRODUCTION = {
    "PATH": os.environ["PATH"],
    "LINLI_ENV": "production",
    "SECRET_KEY": "ix1E0mVmEBZqO3sVqSMnyqHbS7xk3Vd6IFxh8cO4bXq0wKe9zLr2",
    "AUDIT_KEY": "another long secret that signs the events",
    "ALLOWED_HOSTS": "linli.example",
    "TRUSTED_PROXIES": "1",
    "SITE_URL": "https://linli.example",
    "DATABASE_URL": "postgres://linli:secret@db.example/linli",
    "REDIS_URL": "redis://cache.example/0",
}


def manage(*arguments, environment):
    return subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=PROJECT, env=environment, capture_output=True, text=True
    )


def test_production_passes_the_deployment_check_but_for_what_is_not_done_yet(db, tmp_path):
    environment = PRODUCTION | {"DATABASE_URL": database_url(), "STATIC_ROOT": str(tmp_path)}
    checked = manage("check", "--deploy", environment=environment)
    assert re.findall(r"\((\w+\.\w\d+)\)", checked.stderr) == ["linli.W003"], checked.stderr


def test_a_database_that_does_not_answer_is_named_by_the_deployment_check(monkeypatch, django_db_blocker):
    away = connection.copy()
    away.settings_dict |= {"HOST": "127.0.0.1", "PORT": "1"}
    monkeypatch.setattr("config.readiness.connection", away)
    with django_db_blocker.unblock():
        assert "linli.W002" in {one.id for one in run_checks(include_deployment_checks=True)}


def settings_of(environment):
    """The settings as a process with this environment reads them. Starting one for each case would cost a hundred times as much."""
    spec = spec_from_file_location("config.settings_of_another", PROJECT / "config" / "settings.py")
    module = module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", environment)
        spec.loader.exec_module(module)
    return module


def test_browsers_are_bound_for_an_hour_and_for_this_host_alone_unless_asked():
    def bound(**environment):
        asked = settings_of(PRODUCTION | environment)
        return asked.SECURE_HSTS_SECONDS, asked.SECURE_HSTS_INCLUDE_SUBDOMAINS, asked.SECURE_HSTS_PRELOAD

    assert bound() == (3600, False, False)
    assert bound(SECURE_HSTS_SECONDS="0") == (0, False, False)
    assert bound(SECURE_HSTS_INCLUDE_SUBDOMAINS="true") == (3600, True, False)
    assert bound(SECURE_HSTS_PRELOAD="true") == (3600, False, True)


def test_no_other_origin_is_named_unless_asked():
    assert settings_of(PRODUCTION).CORS_ALLOWED_ORIGINS == []
    named = settings_of(PRODUCTION | {"CORS_ALLOWED_ORIGINS": "https://h5.linli.example,http://10.0.0.7:8080"})
    assert named.CORS_ALLOWED_ORIGINS == ["https://h5.linli.example", "http://10.0.0.7:8080"]


@pytest.mark.parametrize("origin", ["h5.linli.example", "https://h5.linli.example/", "*", "https://*.linli.example"])
def test_what_is_no_origin_is_refused(origin):
    said = refusal(PRODUCTION | {"CORS_ALLOWED_ORIGINS": f"https://fine.example,{origin}"})
    assert f"CORS_ALLOWED_ORIGINS: {origin} is no origin" in said


def test_no_environment_lets_people_in_as_the_demo_s_but_a_development_machine_s():
    assert settings_of(PRODUCTION | {"DEMO_SIGN_IN": "true"}).DEMO_SIGN_IN is False
    assert settings_of(PRODUCTION | {"LINLI_ENV": "test", "DEMO_SIGN_IN": "true"}).DEMO_SIGN_IN is False
    assert settings_of(PRODUCTION | {"LINLI_ENV": "development"}).DEMO_SIGN_IN is True


def test_production_asks_the_street_for_a_second_factor_unless_told_otherwise():
    assert settings_of(PRODUCTION).SECOND_FACTOR_FOR == "street"
    assert settings_of(PRODUCTION | {"SECOND_FACTOR_FOR": "nobody"}).SECOND_FACTOR_FOR == "nobody"
    assert settings_of(PRODUCTION | {"LINLI_ENV": "development"}).SECOND_FACTOR_FOR == "nobody"
    assert "must be street, staff or nobody" in refusal(PRODUCTION | {"SECOND_FACTOR_FOR": "all"})


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, {"linli.W004"}),
        ({"SECOND_FACTOR_FOR": "street"}, set()),
        ({"SECOND_FACTOR_FOR": "staff", "IDLE_MINUTES": 721}, {"linli.W005"}),
        ({"SECOND_FACTOR_FOR": "staff", "OIDC": {"OIDC_SERVER": "http://id.example"}}, {"linli.W006"}),
    ],
    ids=str,
)
def test_what_lets_staff_in_too_easily_is_warned_of_before_it_is_deployed(settings, changed, told):
    for name, value in changed.items():
        setattr(settings, name, value)
    assert {one.id for one in check_sign_in(None)} == told


def test_a_browser_is_idle_after_a_minute_at_the_least():
    assert "1 or more" in refusal(PRODUCTION | {"IDLE_MINUTES": "0"})


def test_a_provider_is_set_up_wholly_or_not_at_all():
    assert not any(settings_of(PRODUCTION).SOCIALACCOUNT_PROVIDERS.values())
    (app,) = settings_of(PRODUCTION | WECOM).SOCIALACCOUNT_PROVIDERS["wecom"]["APPS"]
    assert (app["client_id"], app["secret"]) == ("ww1", "s")
    assert "set WECOM_SECRET, too" in refusal(PRODUCTION | WECOM | {"WECOM_SECRET": ""})


WECOM = {"WECOM_CORP_ID": "ww1", "WECOM_SECRET": "s", "WECOM_AGENT_ID": "1"}
REQUIRED = ["SECRET_KEY", "AUDIT_KEY", "ALLOWED_HOSTS", "TRUSTED_PROXIES", "SITE_URL", "DATABASE_URL", "REDIS_URL"]


def refusal(environment) -> str:
    """What the settings say when they refuse this environment: a line for whoever started the process, without a traceback."""
    with pytest.raises(SystemExit) as refused:
        settings_of(environment)
    assert isinstance(refused.value.code, str)
    return refused.value.code


@pytest.mark.parametrize("name", REQUIRED)
def test_what_is_required_and_missing_or_empty_is_named(name):
    missing = {key: value for key, value in PRODUCTION.items() if key != name}
    for environment in (missing, PRODUCTION | {name: ""}):
        said = refusal(environment)
        assert "Linli cannot start (production); set these environment variables" in said
        assert [line.split(":")[0].strip() for line in said.splitlines()[1:]] == [name]


STARTS = {
    "manage": ["manage.py", "migrate"],
    "web": ["-c", "import config.wsgi"],
    "worker": ["-m", "celery", "--app", "config.celery", "worker"],
    "probe": ["-m", "config.probe", "worker"],
}


@pytest.mark.parametrize("start", STARTS)
def test_everything_that_is_missing_is_named_at_once_and_without_a_traceback(start):
    asked = [sys.executable, *STARTS[start]]
    refused = subprocess.run(asked, cwd=PROJECT, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True)
    assert refused.returncode != 0
    said = refused.stdout + refused.stderr
    assert "Traceback" not in said
    assert [name for name in REQUIRED if f"  {name}: " in said] == REQUIRED, said


@pytest.mark.parametrize("change", [{"SITE_URL": "linli.example"}, {"DATABASE_URL": "sqlite:///linli.db"}])
def test_a_command_says_what_is_wrong_with_a_setting_without_a_traceback(change):
    refused = manage("migrate", environment=PRODUCTION | change)
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["SECRET_KEY", "AUDIT_KEY"])
def test_a_short_secret_is_refused_with_a_way_to_a_long_one(name):
    said = refusal(PRODUCTION | {name: "x" * 31})
    assert f"{name} has 31 characters; production needs 32 or more" in said
    assert "secrets.token_urlsafe" in said


@pytest.mark.filterwarnings("ignore:Engine not recognized")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ALLOWED_HOSTS": ","}, "ALLOWED_HOSTS names no host"),
        ({"METRICS_TOKEN": "x" * 31}, "METRICS_TOKEN has 31 characters; production needs 32 or more, or none"),
        ({"TRUSTED_PROXIES": "-1"}, "TRUSTED_PROXIES is a number of proxies"),
        ({"TRUSTED_PROXIES": "one"}, "TRUSTED_PROXIES is 'one'; it must be a whole number."),
        ({"CODES_PER_ADDRESS": "many"}, "CODES_PER_ADDRESS is 'many'; it must be a whole number."),
        ({"EMAIL_URL": "smtp+tls://"}, "EMAIL_URL names no host"),
        ({"LINLI_ENV": "live"}, "LINLI_ENV is 'live'"),
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL must name a PostgreSQL database"),
        ({"DATABASE_URL": "sqlite:///linli.db"}, "DATABASE_URL must name a PostgreSQL database"),
        ({"DATABASE_URL": "postgres://host:port/x"}, "DATABASE_URL cannot be read"),
        ({"REDIS_URL": "nonsense"}, "REDIS_URL must name a server"),
        ({"CLIENT_ADDRESS_HEADER": "X_Forwarded_For"}, "CLIENT_ADDRESS_HEADER is the name of a header"),
        ({"SITE_URL": "linli.example"}, "SITE_URL is no public address"),
        ({"SITE_URL": "http://linli.example"}, "SITE_URL is no public address"),
        ({"SITE_URL": "https://linli.example\nBcc: a@b.example"}, "SITE_URL is no public address"),
    ],
)
def test_values_that_mean_nothing_are_refused(change, words):
    assert words in refusal(PRODUCTION | change)


def test_an_empty_variable_has_the_default():
    empty = settings_of(PRODUCTION | {"CODES_PER_ADDRESS": "", "SECURE_SSL_REDIRECT": "", "LOG_LEVEL": ""})
    assert (empty.CODES_PER_ADDRESS, empty.SECURE_SSL_REDIRECT) == (100, True)


def test_static_files_are_collected_and_hashed_for_production(tmp_path):
    environment = PRODUCTION | {"STATIC_ROOT": str(tmp_path / "static")}
    # All of them are collected for tests/production.
    fewer = [f"--ignore={name}" for name in ("admin", "redoc", "rest_framework")]
    collected = manage("collectstatic", "--noinput", *fewer, environment=environment)
    assert collected.returncode == 0, collected.stderr
    assert (tmp_path / "static" / "staticfiles.json").exists()
    assert list((tmp_path / "static").glob("drf_spectacular_sidecar/**/swagger-ui-bundle.*.js.gz"))
    assert list((tmp_path / "static").glob("drf_spectacular_sidecar/**/swagger-ui-bundle.*.map"))
    assert not list((tmp_path / "static").glob("**/*.map.gz"))


@pytest.mark.parametrize(
    ("redis", "celery"),
    [
        ("redis://:pw@cache:6379/2", "redis://:pw@cache:6379/2"),
        ("rediss://cache/0", "rediss://cache/0"),
        ("unix:///run/valkey.sock?db=3", "redis+socket:///run/valkey.sock?virtual_host=3"),
        ("unix:///run/valkey.sock", "redis+socket:///run/valkey.sock?virtual_host=0"),
        ("unix://:pw@/run/valkey.sock?db=1", "redis+socket://:pw@/run/valkey.sock?virtual_host=1"),
    ],
)
def test_celery_gets_the_same_server_in_its_own_spelling(redis, celery):
    assert broker_url(redis) == celery


def test_the_broker_of_this_very_run_answers():
    with celery_app.connection() as connection:
        connection.ensure_connection(max_retries=1)
        with connection.channel() as channel:
            assert channel.client.ping()


def test_pages_carry_the_content_security_policy(client, db):
    policy = client.get("/healthz")["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_the_documentation_alone_may_style_itself(client, db):
    answer = client.get("/api/docs/")
    assert answer.status_code == 200
    assert "style-src 'self' 'unsafe-inline'" in answer["Content-Security-Policy"]
    assert "script-src 'self';" in answer["Content-Security-Policy"]
    assert "<script>" not in answer.content.decode()


def started(url) -> subprocess.CompletedProcess:
    """A web process of a production on this database."""
    asked = [sys.executable, "-c", "import config.wsgi"]
    environment = PRODUCTION | {"DATABASE_URL": url}
    return subprocess.run(asked, cwd=PROJECT, env=environment, capture_output=True, text=True)


def test_a_production_with_the_demos_password_does_not_start(db):
    refused = started(database_url())
    assert refused.returncode == 1
    assert "199****0037 has the demo street's password" in refused.stderr
    assert len(holders()) == 1
    Person.objects.filter(is_superuser=True).update(password=make_password("a password of their own"))
    assert holders() == []


def test_a_production_whose_database_is_away_starts_and_waits(tmp_path):
    assert started(f"postgres://linli@/linli?host={quote(str(tmp_path), safe='')}").returncode == 0


def test_with_a_channel_that_cannot_work_a_worker_does_not_start_and_names_the_setting(tmp_path):
    worker = [
        "-m",
        "celery",
        "--app",
        "config.celery",
        "worker",
        "--queues",
        "nothing",
        "--pool",
        "threads",
        "--concurrency",
        "1",
    ]
    environment = PRODUCTION | {
        "DATABASE_URL": f"postgres://linli@/linli?host={quote(str(tmp_path), safe='')}",
        "EMAIL_URL": "smtp://mail.example",
        "DEFAULT_FROM_EMAIL": "nobody",
    }
    refused = subprocess.run(
        [sys.executable, *worker], cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert refused.returncode == 1
    assert "DEFAULT_FROM_EMAIL" in refused.stderr


def test_with_a_channel_that_cannot_work_a_web_process_does_not_start_and_names_the_setting(db, settings):
    settings.EMAIL_URL, settings.DEFAULT_FROM_EMAIL = "smtp://mail.example", "nobody"
    channels.cache_clear()
    with pytest.raises(SystemExit, match="DEFAULT_FROM_EMAIL"):
        run_path(str(PROJECT / "config" / "wsgi.py"))
