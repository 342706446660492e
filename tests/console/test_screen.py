import re

import pytest
from django.test import Client

from community.models import Membership
from console.icons import NAMES, SPRITE
from launcher.family import PROJECT


@pytest.mark.django_db
def test_the_front_door_leads_to_the_console_and_a_stranger_on_to_sign_in():
    answer = Client().get("/")
    assert (answer.status_code, answer["Location"]) == (302, "/console/")
    answer = Client().get("/console/queue?tab=all")
    assert (answer.status_code, answer["Location"]) == (302, "/console/signin/?next=%2Fconsole%2Fqueue%3Ftab%3Dall")


@pytest.mark.django_db
def test_htmx_of_a_stranger_is_sent_to_sign_in_and_not_shown_it():
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/console/queue?tab=all"}
    answer = Client().get("/console/queue", headers=headers)
    assert answer.status_code == 403
    assert answer["HX-Redirect"] == "/console/signin/?next=%2Fconsole%2Fqueue%3Ftab%3Dall"
    assert answer.content == b""


def test_a_member_starts_with_the_queue_and_nobody_keeps_the_page(console):
    page = console("dispatcher").get("/console/", follow=True)
    assert page.redirect_chain == [("/console/queue", 302)]
    assert page.status_code == 200
    assert page["Cache-Control"] == "private, no-store"
    assert "学院路街道" in page.content.decode()


def test_somebody_without_a_seat_has_no_console(console):
    assert console("resident").get("/console/queue").status_code == 404
    assert console("resident").get("/console/").status_code == 404


def test_a_member_whose_seat_ended_is_out_at_the_next_request(console, cast):
    browser = console("dispatcher")
    assert browser.get("/console/queue").status_code == 200
    Membership.objects.filter(person=cast["dispatcher"]).delete()
    assert browser.get("/console/queue").status_code == 404


def test_a_page_runs_nothing_foreign_and_nothing_inline(console):
    page = console("dispatcher").get("/console/queue")
    html = page.content.decode()
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", html, re.DOTALL)
    assert scripts
    assert all(re.search(r'src="/static/', attributes) and not body for attributes, body in scripts)
    assert " style=" not in html
    assert "<style" not in html
    assert "script-src 'self';" in page["Content-Security-Policy"]


def test_the_language_is_the_persons_whatever_the_browser_prefers(console, cast):
    browser = console("dispatcher")
    assert 'lang="zh-Hans"' in browser.get("/console/queue", headers={"Accept-Language": "en"}).content.decode()
    answer = browser.post("/console/language/", {"language": "en", "next": "/console/queue?tab=all"})
    assert answer["Location"] == "/console/queue?tab=all"
    assert '<html lang="en"' in browser.get("/console/queue", headers={"Accept-Language": "zh"}).content.decode()


def test_the_language_switch_leads_nowhere_else(console):
    answer = console("dispatcher").post("/console/language/", {"language": "en", "next": "https://example.org/"})
    assert answer["Location"] == "/console/"
    assert console("dispatcher").post("/console/language/", {"language": "fr"}).status_code == 404


def test_signing_out_ends_the_session(console):
    browser = console("dispatcher")
    assert browser.get("/console/signout/").status_code == 405
    assert browser.post("/console/signout/")["Location"] == "/console/signin/"
    assert browser.get("/console/queue").status_code == 302


def test_the_sprite_holds_the_icons_and_templates_name_no_other():
    symbols = re.findall(r'<symbol id="([^"]+)"', SPRITE.read_text())
    assert symbols == list(NAMES)
    named = set()
    for path in (PROJECT / "console" / "templates").rglob("*.html"):
        named |= set(re.findall(r'{% icon "([^"]+)"', path.read_text()))
    assert named
    assert named <= set(NAMES)


def test_in_english_only_names_are_chinese(console, cast):
    browser = console("dispatcher")
    browser.post("/console/language/", {"language": "en"})
    page = browser.get("/console/queue?tab=all").content.decode()
    for name in ("学院路街道", cast["dispatcher"].name, "中文"):
        page = page.replace(name, "")
    assert re.findall(r"[\u3400-\u9fff]+", page) == []
