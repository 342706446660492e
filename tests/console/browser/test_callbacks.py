"""The call-back desk in the browser: how many keys a call takes, and what is kept."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.console.browser.other import everywhere
from tests.console.browser.street import to_call
from tickets.models import Ticket, TicketEvent


@pytest.fixture
def calls(scene) -> list[Ticket]:
    """Three tickets to be called back, in the order in which they are due."""
    made = to_call(scene, timezone.now())
    found = Ticket.objects.in_bulk(made)
    return [found[key] for key in made]


def press(page: Page, keys: str) -> int:
    """Press these keys, one after the other; how many there are."""
    pressed = keys.split()
    for key in pressed:
        page.keyboard.press(key)
    return len(pressed)


def recorded(ticket: Ticket, verb: str = "callback") -> list[TicketEvent]:
    """The call-backs of the ticket, or its other events of this name."""
    return list(TicketEvent.objects.filter(subject=ticket, verb=verb).select_related("words"))


@everywhere
def test_a_call_back_takes_five_keys_and_six_with_the_number(looking, calls):
    page = looking.open("desk_officer", "/console/callbacks")
    expect(page.get_by_role("heading", name="健身器材断裂")).to_be_visible()
    assert press(page, "1 1 1 5 Enter") <= 6
    expect(page.get_by_role("heading", name="楼道灯不亮")).to_be_visible()
    (event,) = recorded(calls[0])
    assert [event.data[name] for name in ("valid", "contacted", "resolved", "satisfied")] == [True, True, True, 5]
    press(page, "n")
    expect(page.get_by_role("heading", name="门禁失灵")).to_be_visible()
    keys = press(page, "r")
    expect(page.locator(".whom a[href^='tel:']")).to_be_visible()
    assert keys + press(page, "1 2 1 4 Enter") <= 6
    expect(page.get_by_role("heading", name="楼道灯不亮")).to_be_visible()
    assert recorded(calls[2])[0].data["contacted"] is False


def test_an_unsatisfied_resident_s_words_send_it_back(looking, calls):
    page = looking.open("desk_officer", "/console/callbacks")
    press(page, "1 1 2")
    expect(page.get_by_label("退回重办")).to_be_visible()
    press(page, "1 Enter")
    expect(page.get_by_role("alert").filter(has_text="居民怎么说")).to_be_visible()
    assert recorded(calls[0]) == []
    page.get_by_label("补充说明").fill("横杆又断了")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="楼道灯不亮")).to_be_visible()
    assert recorded(calls[0], "dispute")[0].words.body == {"reason": "横杆又断了"}


def test_an_answer_is_taken_back_and_nobody_answered_by_a_key(looking, calls):
    page = looking.open("desk_officer", "/console/callbacks")
    press(page, "1 2 Backspace 1 1 3")
    expect(page.locator("[name=contacted][value=true]")).to_be_checked()
    page.reload()
    expect(page.locator("[name=satisfied][value='3']")).to_be_checked()
    page.locator("#panel-title").click()
    press(page, "0")
    expect(page.get_by_role("heading", name="楼道灯不亮")).to_be_visible()
    assert (len(recorded(calls[0])), len(recorded(calls[0], "remark"))) == (0, 1)


def test_on_a_phone_a_call_is_recorded_by_tapping(looking, calls):
    page = looking.open("desk_officer", "/console/callbacks", width=390, touch=True)
    for name, value in (("valid", "true"), ("contacted", "true"), ("resolved", "true"), ("satisfied", "4")):
        page.locator(f"[name={name}][value='{value}']").tap()
    page.get_by_role("button", name="登记，下一个").tap()
    expect(page.get_by_role("heading", name="楼道灯不亮")).to_be_visible()
    assert len(recorded(calls[0])) == 1


def test_a_lost_race_keeps_what_was_typed_and_leads_on(looking, calls, scene):
    page = looking.open("desk_officer", "/console/callbacks")
    press(page, "1 1 1 4")
    page.keyboard.type("修好了")
    scene.now = timezone.now() + timedelta(seconds=1)
    scene.do("street_lead", calls[0].pk, "callback", valid=True, contacted=True, resolved=True, satisfied=4)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="只回访一次")).to_be_visible()
    expect(page.get_by_label("您刚才写的")).to_have_value("修好了")
    assert len(recorded(calls[0])) == 1
    page.locator("#panel-title").click()
    press(page, "n")
    expect(page.get_by_role("heading", name="楼道灯不亮")).to_be_visible()


def test_when_all_are_made_the_desk_says_so(looking, cast):
    page = looking.open("desk_officer", "/console/callbacks")
    expect(page.get_by_text("没有要回访的")).to_be_visible()
