"""Ending mail by the address in the mail itself, without signing in."""

import re
import uuid

import pytest
from django.core import signing
from django.test import Client
from django.utils import timezone

from community.models import Person
from notifications import pages
from notifications.models import Delivery, Preference
from notifications.topics import ChannelName
from notifications.unsubscribing import Mailing
from tests.notifications.letters import letter, told
from tests.notifications.post import letter as delivery
from web import limits

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """What other tests have asked for is not counted here."""
    monkeypatch.setattr(pages.UnsubscribeLimit, "scope", str(uuid.uuid4()))
    monkeypatch.setattr(limits.Limit, "_away_until", 0.0)


@pytest.fixture
def stranger():
    """A mail program: no session, no cookie, and CSRF is checked as for everybody."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def resident(cast):
    return cast["resident"]


@pytest.fixture
def address(resident):
    """Where the resident's mail about progress can be ended."""
    told(letter(resident))
    (mail,) = Delivery.objects.filter(recipient=resident.pk, channel=ChannelName.EMAIL)
    return Mailing.of(resident.pk, mail.pk).address


def said(person=None):
    """What is stored of everybody's choices, or of one person's."""
    stored = Preference.objects.filter(person=person) if person else Preference.objects.all()
    return set(stored.values_list("topic", "channel", "wanted"))


def mails(person):
    return Delivery.objects.filter(recipient=person.pk, channel=ChannelName.EMAIL).count()


@pytest.mark.parametrize("body", [ONE_CLICK, {}])
def test_one_post_without_a_session_ends_mail_about_the_topic_and_nothing_else(
    paper, stranger, cast, resident, address, body
):
    for _ in range(2):
        answer = stranger.post(address, body)
        assert answer.status_code == 200
        assert "退订成功" in answer.content.decode()
        assert said() == said(resident) == {("progress", "email", False)}
    told(letter(resident), letter(resident, topic="work"), letter(cast["neighbour"]))
    assert mails(resident) == 2
    assert mails(cast["neighbour"]) == 1


def test_a_mail_program_may_send_its_post_as_a_form_or_in_parts(paper, stranger, resident, address):
    answer = stranger.post(address, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 200
    assert said() == {("progress", "email", False)}


def test_looking_changes_nothing_and_shows_one_button_that_needs_no_script(paper, stranger, address):
    for look in (stranger.get, stranger.head, stranger.get):
        assert look(address).status_code == 200
    answer = stranger.get(address)
    shown = answer.content.decode()
    assert re.findall(r"<li>(.*?)</li>", shown) == ["办理进展"]
    assert len(re.findall(r'<form method="post">\s*<button', shown)) == shown.count("<form") == 1
    assert "<script" not in shown
    assert "width=device-width" in shown
    assert "no-store" in answer["Cache-Control"]
    assert said() == set()


def test_the_page_speaks_english_to_whoever_reads_it(paper, stranger, address):
    shown = stranger.get(address, headers={"accept-language": "en"}).content.decode()
    assert '<html lang="en">' in shown
    assert "Unsubscribe" in shown
    assert not re.search(r"[\u4e00-\u9fff]", shown)


def test_whoever_wants_it_again_can_end_it_again(paper, stranger, resident, address):
    stranger.post(address)
    assert "<form" not in stranger.get(address).content.decode()
    Preference.objects.update(wanted=True)
    assert "<form" in stranger.get(address).content.decode()
    stranger.post(address)
    assert said() == {("progress", "email", False)}


def test_of_a_digest_all_that_it_tells_of_is_ended(paper, stranger, resident):
    digest = delivery(ChannelName.EMAIL, person=resident.pk)
    digest.message.kind = "digest"
    digest.message.save(update_fields=["kind"])
    for topic in ("reminder", "progress", "progress"):
        part = delivery(ChannelName.EMAIL, person=resident.pk).message
        part.topic, part.gathered_into, part.held_until = topic, digest.message, timezone.now()
        part.save(update_fields=["topic", "gathered_into", "held_until"])
    address = Mailing.of(resident.pk, digest.pk).address
    assert re.findall(r"<li>(.*?)</li>", stranger.get(address).content.decode()) == ["办理进展", "时限提醒"]
    assert stranger.post(address).status_code == 200
    assert said(resident) == {("progress", "email", False), ("reminder", "email", False)}


def forged(token: str) -> dict[str, str]:
    """Tokens that we did not give out, by what is wrong with them."""
    content, _, signature = token.rpartition(":")
    other = signing.b64_encode(f'["{uuid.uuid4().hex}","progress"]'.encode()).decode()
    return {
        "another person": f"{other}:{signature}",
        "unsigned": content,
        "cut": token[:-1],
        "for something else": signing.Signer(salt="something else").sign_object([uuid.uuid4().hex, "progress"]),
        "nothing": "x",
        "no ASCII": "退订:退订",
    }


@pytest.mark.parametrize("wrong", forged("a:b"))
def test_a_token_that_is_none_of_ours_is_refused_and_changes_nothing(paper, stranger, address, wrong):
    base, _, token = address.rpartition("/")
    for ask in (stranger.get, stranger.post):
        answer = ask(f"{base}/{forged(token)[wrong]}")
        assert answer.status_code == 404
        assert "链接无效" in answer.content.decode()
        assert "<form" not in answer.content.decode()
    assert said() == set()


def test_whoever_is_gone_has_nothing_to_end(paper, stranger):
    gone = Person.objects.create_user(phone="13900009999", name="过客")
    told(letter(gone))
    address = Mailing.of(gone.pk, Delivery.objects.get(recipient=gone.pk, channel="email").pk).address
    gone.delete()
    assert stranger.post(address).status_code == 404
    assert said() == set()


def test_the_token_names_nobody(paper, resident, address):
    content = signing.b64_decode(address.rpartition("/")[2].partition(":")[0].encode()).decode()
    assert content == f'["{resident.pk.hex}","progress"]'


def test_other_ways_of_asking_are_not_answered(paper, stranger, address):
    assert [stranger.generic(way, address).status_code for way in ("PUT", "PATCH", "DELETE", "OPTIONS")] == [405] * 4


def test_a_flood_from_one_address_is_turned_away_and_changes_nothing(paper, stranger, address, monkeypatch):
    monkeypatch.setattr(pages.UnsubscribeLimit, "requests", 2)
    assert [stranger.get(address).status_code for _ in range(2)] == [200, 200]
    refused = stranger.post(address)
    assert refused.status_code == 429
    assert 0 <= int(refused["Retry-After"]) <= 60
    assert said() == set()
    assert stranger.post(address, REMOTE_ADDR="192.0.2.9").status_code == 200
