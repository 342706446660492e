"""The page of a ticket and the review desk, for those who work and those who watch over it."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.console.browser.lives import lived
from tests.console.browser.looking import look_at, sideways
from tests.console.browser.street import morning
from tickets.models import Ticket, TicketEvent
from tickets.states import State


@pytest.fixture
def life(scene) -> Ticket:
    """A ticket of five days ago, on which the project office works."""
    return Ticket.objects.get(pk=lived(scene, timezone.now()))


def test_the_page_of_a_ticket_is_as_it_should_be_for_the_street(looking, life):
    def ready(page: Page) -> None:
        page.get_by_text("时间轴").wait_for()
        page.get_by_text("以表格查看").click()

    look_at(looking, "ticket-page", "desk_officer", f"/console/t/{life.code}", ready)


def test_a_move_on_the_page_keeps_the_whole_page(looking, life):
    page = looking.open("worker", f"/console/t/{life.code}")
    page.get_by_text("更多办理").click()
    page.get_by_role("link", name="进展").click()
    page.get_by_role("textbox", name="进展").fill("注浆完成")
    page.get_by_role("button", name="进展").click()
    expect(page.locator(".history").get_by_text("注浆完成")).to_be_visible()
    expect(page.locator(".axis")).to_be_visible()
    expect(page).to_have_url(re.compile(f"/console/t/{life.code}$"))
    assert TicketEvent.objects.filter(subject=life).latest("seq").verb == "progress"


def test_the_moves_button_stays_at_the_bottom_of_a_phone(looking, life):
    page = looking.open("worker", f"/console/t/{life.code}", width=390)
    button = page.locator(".matter > .move .actions .btn")
    for _ in range(2):
        box = button.bounding_box()
        assert box
        assert 844 - 80 < box["y"] + box["height"] <= 844
        page.mouse.wheel(0, 4000)
        page.wait_for_timeout(100)
    assert sideways(page) <= 0


def test_on_paper_the_ticket_stands_with_its_history_and_without_the_contact(looking, life, cast):
    page = looking.open("desk_officer", f"/console/t/{life.code}")
    page.emulate_media(media="print")
    expect(page.locator(".history")).to_be_visible()
    expect(page.locator(".axis svg").first).to_be_visible()
    for gone in (".side", ".top", ".unprinted", ".move", ".others", ".sent", ".axis details"):
        assert not any(one.is_visible() for one in page.locator(gone).all()), gone
    assert "199****" not in page.locator("body").inner_text()


def test_the_street_reads_what_was_sent_and_what_is_related(looking, scene, life):
    scene.file("SV01", title="地下车库又渗水")
    page = looking.open("desk_officer", f"/console/t/{life.code}")
    expect(page.get_by_role("link", name="地下车库又渗水")).to_be_visible()
    page.get_by_role("link", name="查看发给了谁").click()
    expect(page.locator(".sent")).to_contain_text("还没有发过通知")


def test_the_review_desk_is_as_it_should_be(looking, scene):
    morning(scene, timezone.now())
    ready = "由街道执法队清理"
    look_at(looking, "reviews", "desk_officer", "/console/reviews", lambda page: page.get_by_text(ready).wait_for())


def test_a_return_is_answered_with_a_reason_in_two_clicks(looking, scene):
    found = morning(scene, timezone.now())
    page = looking.open("desk_officer", "/console/reviews")
    returned, extended = (
        Ticket.objects.get(state=State.RETURNING, pk__in=found),
        Ticket.objects.get(extension_days=2, pk__in=found),
    )
    clicks = 0
    page.locator(f"#review-{returned.code}").get_by_label("理由").click()
    clicks += 1
    page.keyboard.type("合同第五条包括清运")
    page.locator(f"#review-{returned.code}").get_by_role("button", name="指定承办").click()
    clicks += 1
    expect(page.locator(f"#review-{returned.code}.decided")).to_contain_text("指定承办")
    assert clicks <= 3
    event = TicketEvent.objects.filter(subject=returned).latest("seq")
    assert (event.verb, event.words.body) == ("designate", {"reason": "合同第五条包括清运"})
    page.locator(f"#review-{extended.code}").get_by_role("button", name="同意延期").first.click()
    expect(page.locator(f"#review-{extended.code}.decided")).to_be_visible()
    assert TicketEvent.objects.filter(subject=extended).latest("seq").verb == "grant_extension"


def test_a_decision_that_came_too_late_is_told_in_its_place(looking, scene):
    morning(scene, timezone.now())
    returned = Ticket.objects.get(state=State.RETURNING)
    page = looking.open("desk_officer", "/console/reviews")
    scene.now = timezone.now()
    scene.do("street_lead", returned.pk, "uphold")
    page.locator(f"#review-{returned.code}").get_by_role("button", name="指定承办").click()
    expect(page.locator(f"#review-{returned.code}[role=alert]")).to_be_visible()
    assert TicketEvent.objects.filter(subject=returned).latest("seq").verb == "uphold"


def test_the_register_is_as_it_should_be(looking, scene):
    scene.now = timezone.now()
    for title in ("消防通道要改造，需规划部门批复", "老楼加装电梯，等资金", "院墙归属不清"):
        scene.reach(State.ON_ACCOUNT, title=title, spot="北门")
    look_at(
        looking, "account", "desk_officer", "/console/account", lambda page: page.get_by_text("院墙归属").wait_for()
    )
