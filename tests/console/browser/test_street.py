"""The street's oversight at its wall: what takes how many clicks, and what a screen does by itself."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from console.models import DisplayKey
from notifications.models import Message
from tests.console.browser.other import everywhere, in_firefox
from tests.console.browser.street import press, watched
from tests.processes import wait_until
from tickets.models import Ticket


@pytest.fixture
def street(scene) -> dict[str, str]:
    """What the street watches: the numbers of the tickets by their titles."""
    return dict(Ticket.objects.filter(pk__in=watched(scene, timezone.now())).values_list("title", "code"))


def panel(page: Page):
    """The panel beside the wall."""
    return page.locator("#panel")


def slip(page: Page, code: str):
    """The slip of a ticket."""
    return page.locator(f"#row-{code}")


@everywhere
def test_from_the_wall_to_a_supervised_ticket_it_is_two_clicks_and_a_reason(looking, street, crew):
    code = street["化粪池外溢"]
    page = looking.open("desk_officer", "/console/wall")
    clicks = 0
    slip(page, code).get_by_role("link", name="督办").click()
    clicks += 1
    panel(page).locator("#supervise-reason").fill("已超时，居民反映强烈。")
    panel(page).get_by_role("button", name="督办").click()
    clicks += 1
    expect(slip(page, code).locator(".mark")).to_contain_text("督办")
    assert clicks <= 2
    assert Ticket.objects.values_list("supervised", flat=True).get(code=code) == "routine"
    expect(page.locator(".figures p").nth(3)).to_contain_text("2")
    # The postman has told those who work on it.
    told = Message.objects.filter(subject_id=Ticket.objects.get(code=code).pk, kind="supervised.staff")
    wait_until(told.exists)


def test_firefox_supervises_from_the_wall_too(site, cast, street):
    code = street["化粪池外溢"]
    steps = [
        ["goto", "/console/wall"],
        ["click", f"#row-{code} a[href*=supervise]"],
        ["type", "#supervise-reason", "已超时，居民反映强烈。"],
        ["click", "#form-supervise button.primary"],
        ["see", f"#row-{code} .mark", "督办"],
    ]
    assert in_firefox(site.address, cast, "desk_officer", steps) == []
    assert Ticket.objects.values_list("supervised", flat=True).get(code=code) == "routine"


def test_a_level_is_raised_in_two_clicks(looking, street):
    code = street["化粪池外溢"]
    page = looking.open("desk_officer", "/console/wall")
    slip(page, code).get_by_role("link", name="提级").click()
    panel(page).get_by_label("层级").fill("2")
    panel(page).get_by_role("button", name="提级").click()
    expect(slip(page, code)).to_contain_text("L2")
    assert Ticket.objects.values_list("level", flat=True).get(code=code) == 2


def test_a_department_is_summoned_in_two_clicks_and_a_choice(looking, street):
    code = street["保洁两周没拖楼道"]
    page = looking.open("desk_officer", "/console/wall")
    slip(page, code).get_by_role("link", name="吹哨").click()
    form = panel(page).locator("#form-whistle")
    form.get_by_label("区水务局").check(force=True)
    form.get_by_label("理由").fill("需要疏通市政管线。")
    form.get_by_role("button", name="吹哨").click()
    expect(panel(page).locator(".timeline li").last).to_contain_text("吹哨")
    assert Ticket.objects.get(code=code).assignment_rows.filter(role="whistled", open=True).count() == 1


def test_each_figure_leads_to_its_tickets_and_back_to_the_panel(looking, street):
    page = looking.open("desk_officer", "/console/wall")
    figure = page.locator(".figures p").first
    count = int(figure.locator("b").inner_text())
    figure.get_by_role("link").click()
    page.wait_for_url(re.compile(r"/console/tickets\?list=open&due=late"))
    expect(page.locator("tbody tr")).to_have_count(count)
    page.get_by_role("link", name="化粪池外溢").click()
    expect(panel(page).get_by_role("heading", name="化粪池外溢").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r"due=late"))
    page.get_by_role("link", name="去掉筛选 已超时").click()
    expect(page.locator("tbody tr")).not_to_have_count(count)


def test_a_list_is_narrowed_without_leaving_the_page(looking, street):
    page = looking.open("desk_officer", "/console/tickets")
    page.get_by_label("搜索").fill("电梯")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile("q="))
    page.get_by_label("搜索").fill("")
    page.get_by_label("只看督办").check(force=True)
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("保洁两周没拖楼道")


def test_the_wall_follows_what_others_do_and_keeps_what_is_open(looking, street, scene):
    page = looking.open("desk_officer", "/console/wall")
    page.locator("#by-day summary").click()
    scene.now = timezone.now()
    press(scene.file("CL03", title="刚报上来的"), timezone.now() - timedelta(days=9))
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.get_by_text("刚报上来的")).to_be_visible()
    expect(page.locator("#by-day table")).to_be_visible()


def test_a_screen_is_connected_by_its_code_follows_and_goes_dark_when_revoked(looking, street, scene, cast):
    lead = looking.open("street_lead", "/console/displays")
    lead.get_by_label("大屏在哪里").fill("一楼大厅")
    lead.get_by_role("button", name="生成代码").click()
    code = lead.locator(".code code").inner_text()
    screen = looking.open("", "/console/display", width=1920)
    screen.get_by_label("代码").fill(code)
    screen.get_by_role("button", name="连接").click()
    expect(screen.get_by_text("化粪池外溢")).to_be_visible()
    expect(screen.locator("a, button:visible")).to_have_count(0)
    size = screen.evaluate("parseFloat(getComputedStyle(document.querySelector('.slip h3')).fontSize)")
    desk = looking.open("desk_officer", "/console/wall")
    small = desk.evaluate("parseFloat(getComputedStyle(document.querySelector('.slip h3')).fontSize)")
    assert size == pytest.approx(1.4 * small)
    scene.do(
        "desk_officer", Ticket.objects.get(code=street["化粪池外溢"]).pk, "supervise", kind="routine", reason="超时"
    )
    screen.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(screen.locator(".slip", has_text="化粪池外溢")).to_contain_text("督办")
    lead.get_by_role("button", name="停用").click()
    expect(lead.get_by_role("status").first).to_contain_text("已停用")
    screen.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(screen.get_by_label("代码")).to_be_visible()
    assert DisplayKey.objects.get().revoked_at
