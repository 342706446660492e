"""The intake desk in the browser: by keyboard alone, with what stands beside the form, and nothing lost."""

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.console.browser.other import everywhere
from tests.tickets.paths import HOME
from tickets.models import Ticket
from tickets.states import State


@pytest.fixture
def known(scene) -> Ticket:
    """An open ticket about the same lamp."""
    scene.now = timezone.now()
    return Ticket.objects.get(pk=scene.file("RP04", title="7号楼的灯不亮", text="7号楼2单元楼道灯不亮。"))


def fill_in(page: Page, text: str = "7号楼2单元的楼道灯又不亮了") -> None:
    """Fill in what a caller says, by keyboard alone, from the heading on."""
    expect(page.locator("#title-intake")).to_be_focused()
    for keys in (
        *("Tab", "Tab", "李大爷", "Tab", "19912345678", "Tab", HOME, "Tab", "7号楼2单元"),
        *("Tab", "Tab", "RP04", "Tab", text),
    ):
        if keys == "Tab":
            page.keyboard.press(keys)
        else:
            page.keyboard.type(keys)


@everywhere
def test_a_report_is_taken_down_by_keyboard_alone_and_the_next_form_comes(looking, known):
    page = looking.open("desk_officer", "/console/intake")
    fill_in(page)
    expect(page.locator("#beside")).to_contain_text("将派给")
    expect(page.locator("#beside")).to_contain_text("天岳恒学院路14号院项目部")
    page.get_by_role("button", name="登记", exact=True).press("Enter")
    expect(page.locator(".filed .code")).to_be_visible()
    made = Ticket.objects.exclude(pk=known.pk).get()
    expect(page.locator(".filed .code")).to_have_text(made.code)
    assert (made.contact_name, made.contact_phone, made.spot) == ("李大爷", "19912345678", "7号楼2单元")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="来电登记")).to_be_visible()
    expect(page.get_by_label("联系人")).to_have_value("")
    expect(page.locator("#beside")).to_contain_text("选好地点和分类")


def test_while_typing_an_open_ticket_like_it_is_shown_and_the_caller_joins_it(looking, known):
    page = looking.open("desk_officer", "/console/intake")
    fill_in(page)
    found = page.locator("#beside .slip", has_text="7号楼的灯不亮")
    expect(found).to_be_visible()
    found.get_by_role("button", name="登记并入这张").click()
    expect(page.get_by_text("已并入")).to_be_visible()
    made = Ticket.objects.exclude(pk=known.pk).get()
    assert (made.state, made.merged_into_id) == (State.MERGED, known.pk)


def test_enter_in_a_field_files_it_by_itself(looking, known):
    page = looking.open("desk_officer", "/console/intake")
    fill_in(page)
    expect(page.locator("#beside .slip")).to_be_visible()
    page.get_by_label("具体位置").press("Enter")
    expect(page.locator(".filed .code")).to_be_visible()
    assert Ticket.objects.exclude(pk=known.pk).get().state == State.DISPATCHED


def test_a_double_click_files_once(looking, cast):
    page = looking.open("desk_officer", "/console/intake")
    fill_in(page)
    page.get_by_role("button", name="登记", exact=True).dblclick()
    expect(page.locator(".filed .code")).to_be_visible()
    assert Ticket.objects.count() == 1


def test_what_is_written_survives_a_reload_and_a_refusal(looking, cast):
    page = looking.open("desk_officer", "/console/intake")
    fill_in(page)
    expect(page.locator("#beside")).to_contain_text("将派给")
    page.reload()
    expect(page.get_by_label("联系人")).to_have_value("李大爷")
    expect(page.locator("#beside")).to_contain_text("将派给")
    assert "李大爷" not in page.evaluate("JSON.stringify(sessionStorage)")
    page.get_by_label("联系电话").fill("12")
    page.get_by_role("button", name="登记", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="联系电话")).to_be_visible()
    expect(page.get_by_label("内容", exact=True)).to_have_value("7号楼2单元的楼道灯又不亮了")
    expect(page.locator("#beside")).to_contain_text("将派给")
    assert not Ticket.objects.exists()


def test_the_hotlines_number_is_asked_for_with_its_channel(looking, cast):
    page = looking.open("desk_officer", "/console/intake")
    expect(page.get_by_label("12345工单编号")).to_be_hidden()
    page.get_by_label("12345热线").check(force=True)
    expect(page.get_by_label("12345工单编号")).to_be_visible()
    expect(page.locator("#beside")).to_contain_text("选好地点和分类")
