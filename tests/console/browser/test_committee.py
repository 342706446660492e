"""A committee's day: a matter is coordinated, recorded with a photo and dispatched, and the company hears of it."""

import re
from datetime import timedelta
from io import BytesIO

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from community.models import Person
from notifications.models import Message
from tests.console.browser.looking import look_at
from tests.console.browser.other import everywhere
from tests.console.browser.street import file_at
from tests.console.browser.test_company import jpeg, panel, verbs
from tests.processes import wait_until
from tickets.models import Photo, Ticket
from tickets.models.photo import PhotoKind
from tickets.photos import take


@pytest.fixture
def cars(scene) -> Ticket:
    """A report about parked cars, which the committee coordinates."""
    return Ticket.objects.get(pk=file_at(scene, timezone.now(), "PK01", "消防通道停满了车", "3号楼西侧"))


def shot(person: Person) -> str:
    """The id of a photo that the person has sent, with its file."""
    return str(take(BytesIO(jpeg()["buffer"]), kind=PhotoKind.REPORT, uploader=person.pk).pk)  # type: ignore[arg-type]


@pytest.mark.usefixtures("crew")
def test_a_matter_is_recorded_with_a_photo_and_dispatched_to_whom_routing_proposes(looking, scene, cast, cars):
    page = looking.open("chair", "/console/desk")
    expect(page.get_by_text("街道将于")).to_be_visible()
    page.get_by_role("link", name="消防通道").click()
    panel(page).get_by_label("参加人员").fill("物业经理、业主代表")
    panel(page).get_by_label("达成意见").fill("先划禁停线，夜间巡查。")
    panel(page).locator("input[type=file][capture]").set_input_files([jpeg()])
    expect(panel(page).locator(".shot input")).to_have_count(1)
    panel(page).get_by_role("button", name="协调记录").click()
    expect(panel(page).get_by_role("heading", name="派单")).to_be_visible()
    expect(panel(page).locator(".records").get_by_text("先划禁停线")).to_be_visible()
    assert Photo.objects.filter(ticket=cars).count() == 1
    holder = panel(page).get_by_label("承办单位", exact=True)
    expect(holder).to_have_value(str(scene.codes["po-a01"]))
    expect(panel(page).get_by_text("建议：天岳恒学院路14号院项目部")).to_be_visible()
    panel(page).get_by_role("button", name="派单").click()
    expect(panel(page).get_by_text("已派单").first).to_be_visible()
    expect(page.locator("#list").get_by_text("没有待协调的诉求")).to_be_visible()
    assert verbs(cars) == ["submit", "record", "dispatch"]
    told = Message.objects.filter(person=cast["dispatcher"], subject_id=cars.pk)
    wait_until(told.exists)


def test_what_people_wrote_stays_text_on_the_desk(looking, scene):
    script = '<img src=x onerror="alert(1)">{{ 7|add:7 }}'
    scene.file("PK01", title=script, spot=script, text=script)
    said: list[str] = []
    page = looking.open("chair", "/console/desk")
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    page.get_by_role("link", name="onerror").click()
    expect(panel(page).get_by_text("7|add:7").first).to_be_visible()
    expect(page.locator("img[src=x]")).to_have_count(0)
    assert said == []


@everywhere
def test_two_reports_of_one_matter_are_merged_with_the_keyboard_alone(looking, scene, cars):
    again = Ticket.objects.get(pk=file_at(scene, timezone.now(), "PK01", "消防通道又停满车", "3号楼", who="tenant"))
    page = looking.open("chair", f"/console/t/{again.code}")

    def press(key: str, shown: str) -> None:
        # A page that is left while it asks for its counts says so in the console.
        page.wait_for_load_state("networkidle")
        page.keyboard.press(key)
        expect(page.locator(shown)).to_be_visible()

    press("g", f"h1:text-is('合并工单 {again.code}')")
    expect(page.get_by_role("link", name="消防通道停满了车")).to_be_focused()
    press("Enter", ".goes h2 a:text-is('消防通道又停满车')")
    press("s", ".goes h2 a:text-is('消防通道停满了车')")
    press("s", ".stays h2 a:text-is('消防通道停满了车')")
    press("f", ".history b:text-is('并入')")
    expect(page).to_have_url(re.compile(f"/console/t/{cars.code}$"))
    assert (verbs(again), verbs(cars)) == (["submit", "merge"], ["submit", "absorb"])


def test_merging_is_as_it_should_be(looking, site, scene, settings, cast):
    settings.MEDIA_ROOT = str(site.media)
    reports = (
        (50, "消防通道停满了车，救护车进不来", "3号楼西侧", "resident"),
        (20, "北门有人私装地锁，占了车位", "北门", "resident"),
        (3, "3号楼消防通道又停满了车", "3号楼", "tenant"),
    )
    older, _, newer = (
        Ticket.objects.get(pk=file_at(scene, timezone.now() - timedelta(hours=hours), "PK01", title, spot, who=who))
        for hours, title, spot, who in reports
    )
    scene.do("tenant", older.pk, "cosign")
    scene.do("resident", older.pk, "comment", text="今天拍的。", photos=[shot(cast["resident"])])
    chosen = f"/console/t/{newer.code}/merge"
    look_at(looking, "merge-choice", "chair", chosen, lambda page: page.locator(".alike").wait_for())
    look_at(looking, "merge", "chair", f"{chosen}?with={older.code}", lambda page: page.locator(".pair").wait_for())


def test_what_a_committee_coordinates_is_as_it_should_be(looking, site, scene, settings, cast):
    settings.MEDIA_ROOT = str(site.media)
    lane = Ticket.objects.get(
        pk=file_at(scene, timezone.now() - timedelta(hours=50), "PK01", "消防通道停满了车，救护车进不来", "3号楼西侧")
    )
    scene.do("tenant", lane.pk, "cosign")
    scene.do("chair", lane.pk, "ask", question="夜里几点开始停满？")
    scene.do("resident", lane.pk, "answer", answer="晚上十点以后，周末全天。")
    scene.do("desk_officer", lane.pk, "whistle", departments=["dept-traffic-police"], reason="请交管支队到场")
    scene.do(
        "chair",
        lane.pk,
        "record",
        met_with="物业经理、3号楼业主代表",
        agreed="先划禁停线。",
        photos=[shot(cast["chair"])],
    )
    scene.now = timezone.now() - timedelta(hours=4)
    scene.do("chair", lane.pk, "record", met_with="物业经理、交管支队", agreed="夜间安排保安巡查，交管每周联合清理。")

    def opened(page: Page) -> None:
        page.get_by_role("link", name="救护车进不来").click()
        panel(page).locator(".records").scroll_into_view_if_needed()

    look_at(looking, "desk-panel", "chair", "/console/desk", opened)
    ready = lambda page: page.locator(".records").wait_for()  # noqa: E731
    look_at(looking, "desk-ticket", "chair", f"/console/t/{lane.code}", ready)
