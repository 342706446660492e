"""The first administrator, and passwords."""

from io import StringIO

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.utils.translation import override

from community.models import Person

PASSWORD = "a password of twenty-four"


@pytest.mark.parametrize("weak", ["short", "123456789012345", "password1234", "19900008001ab"])
def test_a_weak_password_is_refused(weak):
    with pytest.raises(ValidationError):
        validate_password(weak, Person(phone="19900008001", name="王小明"))


@pytest.mark.django_db
def test_the_first_administrator_is_made_on_the_command_line_and_signs_in(client, monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", "--noinput", "--phone", "13900000001", "--name", "管理员", verbosity=0)
    assert client.post("/console/signin/", {"login": "13900000001", "password": PASSWORD})["Location"] == "/admin/"
    assert client.get("/admin/community/person/").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    "written", ["+86 139-0000-0001", "１３９ ００００ ０００１", "(86) 13900000001", "139 0000 0001"]
)
def test_the_administrator_s_phone_is_read_as_the_api_reads_it(monkeypatch, written):
    call_command("createsuperuser", "--noinput", "--phone", written, "--name", "管理员", verbosity=0)
    made = Person.objects.get(phone="13900000001")
    assert made.is_superuser
    made.delete()
    monkeypatch.setenv("DJANGO_SUPERUSER_PHONE", written)
    call_command("createsuperuser", "--noinput", "--name", "管理员", verbosity=0)
    assert Person.objects.get(phone="13900000001").is_superuser
    before = Person.objects.count()
    with pytest.raises(CommandError):
        call_command("createsuperuser", "--noinput", "--name", "管理员", verbosity=0)
    assert Person.objects.count() == before


@pytest.mark.django_db
@pytest.mark.parametrize("written", ["123", "010-55509999", "+1 202 555 0100", "手机号"])
def test_what_is_no_mobile_number_makes_no_administrator(written):
    before = Person.objects.count()
    with pytest.raises(CommandError, match="11位大陆手机号"):
        call_command("createsuperuser", "--noinput", "--phone", written, "--name", "管理员", verbosity=0)
    with override("en"), pytest.raises(CommandError, match="mainland mobile number of 11 digits"):
        call_command("createsuperuser", "--noinput", "--phone", written, "--name", "管理员", verbosity=0)
    assert Person.objects.count() == before


@pytest.mark.django_db
def test_a_phone_that_is_typed_is_asked_for_until_it_is_one(monkeypatch):
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    typed = iter(["123", "+86 139 0000 0001", "管理员"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(typed))
    monkeypatch.setattr("getpass.getpass", lambda *prompt: PASSWORD)
    complained = StringIO()
    call_command("createsuperuser", stdin=Terminal(), stderr=complained, verbosity=0)
    assert "11位大陆手机号" in complained.getvalue()
    assert Person.objects.get(phone="13900000001").is_superuser
