import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from community.models import Organisation
from console.models import CODE_LIFE, DisplayKey
from console.screens.display import TypingLimit
from launcher.family import PROJECT
from tests.statements import statements
from tickets.models import Ticket

COOKIE = "display"


def made(browser: Client, name: str = "一楼大厅") -> str:
    """The code of a new key."""
    page = browser.post("/console/displays", {"name": name}).content.decode()
    return re.search(r'class="code"><code>([^<]+)</code>', page)[1]


@pytest.fixture
def screen(console):
    """A browser on a wall, connected by a code."""
    browser = Client()
    answer = browser.post("/console/display", {"code": made(console("street_lead"))})
    assert (answer.status_code, answer["Location"]) == (302, "/console/display")
    return browser


@pytest.fixture
def late(scene):
    """A ticket that is late, with all that people wrote."""
    scene.now = timezone.now() - timedelta(hours=2)
    pk = scene.file("CL03", title="垃圾桶满了", spot="东门岗亭旁", text="我叫郑晓梅，请尽快。", contact_name="郑晓梅")
    Ticket.objects.filter(pk=pk).update(next_due_at=timezone.now() - timedelta(hours=1))
    return pk


def poll(browser: Client, tag: str = ""):
    headers = {"HX-Request": "true", "HX-Target": "section#list"}
    return browser.get("/console/display", headers=headers | ({"HX-PTag": tag} if tag else {}))


# Making and revoking.


@pytest.mark.parametrize("who", ["desk_officer", "chair", "residents_committee_worker", "dispatcher", "resident"])
def test_only_the_head_of_the_street_office_makes_keys(console, who):
    browser = console(who)
    assert browser.get("/console/displays").status_code == 404
    assert browser.post("/console/displays", {"name": "一楼大厅"}).status_code == 404
    assert not DisplayKey.objects.exists()


def test_a_code_is_shown_once_and_neither_code_nor_key_is_kept(console, screen):
    key = DisplayKey.objects.get()
    cookie = screen.cookies[COOKIE].value
    kept = bytes(key.code_hash) + bytes(key.key_hash)
    assert len(kept) == 64
    assert cookie.encode() not in kept
    page = console("street_lead").get("/console/displays").content.decode()
    assert "一楼大厅" in page
    assert 'class="code"' not in page
    assert cookie not in page


def test_a_screen_without_a_name_gets_no_key(console):
    browser = console("street_lead")
    for name in ("", "   ", "长" * 61):
        page = browser.post("/console/displays", {"name": name})
        assert page.status_code == 422
        assert "请写明大屏在哪里" in page.content.decode()
    assert not DisplayKey.objects.exists()


def test_a_code_works_once_and_for_a_quarter_of_an_hour(console, db):
    code = made(console("street_lead"))
    assert Client().post("/console/display", {"code": code.lower().replace("-", " ")}).status_code == 302
    second = Client().post("/console/display", {"code": code})
    assert second.status_code == 422
    assert COOKIE not in second.cookies
    old = made(console("street_lead"), "二楼")
    DisplayKey.objects.filter(name="二楼").update(created_at=timezone.now() - CODE_LIFE - timedelta(seconds=1))
    assert Client().post("/console/display", {"code": old}).status_code == 422
    assert DisplayKey.objects.get(name="二楼").key_hash is None


def test_wrong_codes_are_limited(console, db, monkeypatch):
    monkeypatch.setattr(TypingLimit, "requests", 2)
    code = made(console("street_lead"))
    stranger = Client()
    wrong = [stranger.post("/console/display", {"code": "AAAAA-AAAAA"}).status_code for _ in range(3)]
    assert wrong == [422, 422, 429]
    assert stranger.post("/console/display", {"code": code}).status_code == 429
    assert DisplayKey.objects.get().key_hash is None


def test_a_revoked_key_shows_nothing_from_the_next_request_on(console, screen, late):
    tag = poll(screen)["HX-PTag"]
    lead, key = console("street_lead"), DisplayKey.objects.get()
    assert lead.post("/console/displays", {"revoke": str(key.pk)}).status_code == 200
    asked = poll(screen, tag)
    assert (asked.status_code, asked["HX-Redirect"], asked.content) == (403, "/console/display", b"")
    page = screen.get("/console/display").content.decode()
    assert "垃圾桶满了" not in page
    assert 'name="code"' in page
    assert lead.post("/console/displays", {"revoke": str(key.pk)}).status_code == 404
    key.refresh_from_db()
    assert key.revoked_by.name


def test_a_key_that_is_revoked_before_its_code_was_typed_is_dead(console, db):
    code = made(console("street_lead"))
    console("street_lead").post("/console/displays", {"revoke": str(DisplayKey.objects.get().pk)})
    assert Client().post("/console/display", {"code": code}).status_code == 422


@pytest.mark.parametrize("wanted", ["x", "01990000-0000-7000-8000-000000000000"])
def test_what_is_no_key_of_the_office_is_not_there_to_be_revoked(console, wanted):
    assert console("street_lead").post("/console/displays", {"revoke": wanted}).status_code == 404


# What a screen sees and may do.


def test_a_screen_shows_columns_and_no_words_or_contact_of_people(screen, late):
    page = screen.get("/console/display")
    html = page.content.decode()
    ticket = Ticket.objects.get(pk=late)
    assert "垃圾桶满了" in html
    assert ticket.place in html
    for hidden in (
        "郑晓梅",
        "请尽快",
        "东门岗亭旁",
        ticket.contact_phone,
        ticket.code,
        "tel:",
        "<a ",
        "<button",
        "csrf",
    ):
        assert hidden not in html, hidden
    assert page["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(
    "report",
    [
        {"secrecy": "confidential"},
        {"secrecy": "anonymous"},
        {"type": "report", "accused": True, "secrecy": "anonymous"},
    ],
)
def test_a_screen_does_not_say_what_a_secret_ticket_is_about(screen, scene, report):
    scene.now = timezone.now() - timedelta(hours=2)
    given = {name: value for name, value in report.items() if name != "accused"}
    if "accused" in report:
        given["accused_id"] = scene.codes["po-a01"]
    pk = scene.file("PK01", title="倒卖车位", **given)
    Ticket.objects.filter(pk=pk).update(next_due_at=timezone.now() - timedelta(hours=1))
    html = screen.get("/console/display").content.decode()
    assert "倒卖车位" not in html
    assert "学院路14号院" not in html
    assert "内容不公开" in html
    assert "<b>1</b>" in html


def test_what_people_wrote_stays_text_on_a_screen(screen, scene):
    scene.now = timezone.now() - timedelta(hours=2)
    pk = scene.file("CL03", title="<script>alert(1)</script>")
    Ticket.objects.filter(pk=pk).update(next_due_at=timezone.now() - timedelta(hours=1))
    html = screen.get("/console/display").content.decode()
    assert "&lt;script&gt;alert(1)" in html
    assert "<script>alert" not in html


ROUTES = (
    *("/console/", "/console/wall", "/console/tickets", "/console/queue", "/console/displays", "/console/counts"),
    *("/api/v1/tickets?scope=street", "/api/v1/overdue", "/api/v1/queue", "/api/v1/me", "/admin/"),
)


def test_the_key_opens_the_display_alone_and_its_cookie_goes_nowhere_else(screen, late):
    cookie = screen.cookies[COOKIE]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/console/display", True, "Strict")
    ticket = Ticket.objects.get(pk=late)
    before = ticket.event_count
    # Even where it is sent: nobody is signed in by it.
    for route in (*ROUTES, f"/console/t/{ticket.code}", f"/api/v1/tickets/{late}"):
        assert screen.get(route).status_code in (302, 401, 403, 404), route
    for route in (
        f"/console/t/{ticket.code}/supervise",
        f"/api/v1/tickets/{late}/moves/supervise",
        "/console/queue/several",
        "/console/displays",
        "/console/language/",
    ):
        answer = screen.post(route, {"kind": "routine", "reason": "x", "name": "x", "language": "en"})
        assert answer.status_code in (302, 401, 403, 404), route
    assert Ticket.objects.values_list("event_count", "supervised").get(pk=late) == (before, "")
    assert DisplayKey.objects.count() == 1
    assert "sessionid" not in screen.cookies


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_a_display_takes_nothing_but_reading_and_a_code(screen, method):
    assert getattr(screen, method)("/console/display").status_code == 405


def test_the_key_stands_in_no_address(screen):
    key = screen.cookies[COOKIE].value
    page = screen.get("/console/display")
    assert key not in page.content.decode()
    urls = (PROJECT / "console" / "urls.py").read_text()
    assert re.findall(r'path\("(display[^"]*)"', urls) == ["displays", "display"]


def test_what_a_screen_sees_is_its_own_streets(screen, late):
    other = Organisation.objects.exclude(street=None).filter(kind="street_office").first()
    assert DisplayKey.objects.get().organisation == other
    Organisation.objects.filter(pk=other.pk).update(active=False)
    assert 'name="code"' in screen.get("/console/display").content.decode()


def test_an_idle_screen_costs_few_statements_and_a_change_is_shown(screen, late, scene):
    tag = poll(screen)["HX-PTag"]
    with statements() as idle:
        assert poll(screen, tag).status_code == 304
    assert len(idle) == 2
    with statements() as whole:
        screen.get("/console/display")
    assert len(whole) <= 12
    scene.do("desk_officer", late, "supervise", kind="routine", reason="已超时")
    Ticket.objects.filter(pk=late).update(next_due_at=timezone.now() - timedelta(hours=1))
    then = poll(screen, tag)
    assert then.status_code == 200
    assert "督办" in then.content.decode()


def test_its_use_is_recorded(console, screen, caplog):
    DisplayKey.objects.update(last_used_at=timezone.now() - timedelta(hours=3))
    with caplog.at_level("INFO", logger="console"):
        screen.get("/console/display")
    key = DisplayKey.objects.get()
    assert timezone.now() - key.last_used_at < timedelta(minutes=1)
    assert [one.getMessage() for one in caplog.records] == [f"Display key {key.pk} was opened from 127.0.0.1."]
    assert "最近使用" in console("street_lead").get("/console/displays").content.decode()


def test_a_strangers_browser_is_asked_for_a_code(db):
    assert 'name="code"' in Client().get("/console/display").content.decode()
    stranger = Client()
    stranger.cookies[COOKIE] = "x" * 43
    assert 'name="code"' in stranger.get("/console/display").content.decode()
    assert poll(stranger).status_code == 403


def test_a_screen_speaks_the_language_of_who_made_its_key(console, cast):
    lead = cast["street_lead"]
    lead.language = "en"
    lead.save()
    browser = Client()
    page = console("street_lead").post("/console/displays", {"name": "Hall"}).content.decode()
    browser.post("/console/display", {"code": re.search(r'class="code"><code>([^<]+)</code>', page)[1]})
    assert '<html lang="en"' in browser.get("/console/display").content.decode()
