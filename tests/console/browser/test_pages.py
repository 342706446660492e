"""Every page, as somebody whom it is for sees it."""

from datetime import timedelta

from django.utils import timezone
from PIL import Image
from playwright.sync_api import Page

from casework import sealing
from console.models import DisplayKey
from notifications.topics import ChannelName, DeliveryState
from tests.console.browser.looking import look_at, picture
from tests.console.browser.street import coordinated, morning, to_call, watched
from tests.notifications.post import letter
from tickets.models import Photo, Ticket


def test_the_queue_is_as_it_should_be(looking, scene):
    morning(scene, timezone.now())
    look_at(looking, "queue", "dispatcher", "/console/queue", lambda page: page.get_by_text("门口垃圾桶").wait_for())


def test_a_ticket_is_as_it_should_be(looking, scene):
    found = Ticket.objects.get(pk=morning(scene, timezone.now())[2])
    path = f"/console/t/{found.code}"
    look_at(
        looking, "ticket", "dispatcher", path, lambda page: page.get_by_role("heading", name="楼道灯").first.wait_for()
    )


def test_a_ticket_beside_the_queue_is_as_it_should_be(looking, scene):
    def opened(page: Page) -> None:
        page.get_by_role("link", name="楼道灯").click()
        page.locator("#panel").get_by_role("heading", name="办结反馈").wait_for()

    morning(scene, timezone.now())
    look_at(looking, "panel", "dispatcher", "/console/queue?tab=all", opened)


def test_several_tickets_are_given_out_as_they_should_be(looking, scene):
    def chosen(page: Page) -> None:
        page.get_by_role("link").filter(has_text="井盖").wait_for()
        page.keyboard.press("a")
        page.locator("#people input").first.wait_for(state="attached")
        page.keyboard.press("m")
        page.locator("#assign").wait_for()

    morning(scene, timezone.now())
    look_at(looking, "several", "dispatcher", "/console/queue?tab=sign", chosen)


def test_the_committee_desk_is_as_it_should_be(looking, scene):
    coordinated(scene, timezone.now())
    look_at(looking, "desk", "chair", "/console/desk", lambda page: page.locator(".companies").wait_for())


def test_exports_are_as_they_should_be(looking, scene, crew):
    scene.now = timezone.now() - timedelta(minutes=50)
    scene.file("CL03", title="门口垃圾桶满了两天没人清")
    page = looking.open("street_lead", "/console/exports")
    page.get_by_text("还没有导出过").wait_for()
    page.evaluate("""async () => {
      const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
      const wanted = { list: "tickets", parameters: "scope=street&state=dispatched", format: "xlsx" };
      const body = new URLSearchParams({ csrfmiddlewaretoken: token, ...wanted });
      await fetch("/console/exports", { method: "POST", body });
    }""")
    page.reload()
    with page.expect_download() as fetched:
        page.get_by_role("link", name="下载").click()
    assert fetched.value.suggested_filename.endswith(".xlsx")
    look_at(
        looking,
        "exports",
        "street_lead",
        "/console/exports?of=street",
        lambda page: page.get_by_text("已下载 1 次").wait_for(),
    )


def test_the_round_is_as_it_should_be(looking, scene):
    scene.now = timezone.now() - timedelta(minutes=50)
    for spot in ("3号楼2单元", "12号楼桶站", "3号楼北侧", "中心花园"):
        scene.do("dispatcher", scene.file("CL03", spot=spot), "sign", worker="worker")
    look_at(looking, "round", "worker", "/console/round", lambda page: page.get_by_text("12号楼").wait_for())
    page = looking.open("worker", "/console/round")
    page.emulate_media(media="print")
    picture(page, "round-print")


def test_duty_is_as_it_should_be(looking, scene):
    look_at(looking, "duty", "dispatcher", "/console/duty", lambda page: page.get_by_label("轮流指派").wait_for())


def test_the_homes_are_as_they_should_be(looking):
    look_at(
        looking,
        "homes",
        "street_lead",
        "/console/homes?status=confirmed",
        lambda page: page.locator(".homes").wait_for(),
    )


def test_the_health_is_as_it_should_be(looking, scene):
    ticket = Ticket.objects.get(pk=scene.file("CL03"))
    sealing.seal_all()
    dead = {"state": DeliveryState.DEAD, "finished_at": timezone.now(), "error": "No connection: refused"}
    letter(ChannelName.SMS, street_id=ticket.street_id, **dead)
    look_at(looking, "health", "street_lead", "/console/health", lambda page: page.locator(".head").wait_for())


def test_the_call_back_desk_is_as_it_should_be(looking, scene, site):
    to_call(scene, timezone.now())
    for photo in Photo.objects.all():
        for name in (photo.full, photo.thumb):
            (site.media / name).parent.mkdir(parents=True, exist_ok=True)
            Image.radial_gradient("L").convert("RGB").save(site.media / name)
    look_at(
        looking,
        "callbacks",
        "desk_officer",
        "/console/callbacks",
        lambda page: page.locator("#form-callback").wait_for(),
    )


def test_the_intake_desk_is_as_it_should_be(looking, scene):
    morning(scene, timezone.now())

    def filled(page: Page) -> None:
        page.get_by_label("联系人").fill("李大爷")
        page.get_by_label("地点").fill("学院路14号院")
        page.get_by_label("事项分类").select_option("RP04")
        page.get_by_label("内容", exact=True).fill("楼道灯不亮，晚上上下楼看不见")
        page.locator("#beside .slip").first.wait_for()

    look_at(looking, "intake", "desk_officer", "/console/intake", filled)


def test_the_number_to_tell_is_as_it_should_be(looking, scene):
    def filed(page: Page) -> None:
        page.get_by_label("联系人").fill("李大爷")
        page.get_by_label("地点").fill("学院路14号院")
        page.get_by_label("事项分类").select_option("RP04")
        page.get_by_label("内容", exact=True).fill("楼道灯不亮，晚上上下楼看不见")
        page.get_by_role("button", name="登记", exact=True).click()
        page.locator(".filed").wait_for()

    look_at(looking, "intake-filed", "desk_officer", "/console/intake", filed)


def test_the_wall_is_as_it_should_be(looking, scene):
    watched(scene, timezone.now())
    look_at(looking, "wall", "desk_officer", "/console/wall", lambda page: page.get_by_text("化粪池外溢").wait_for())


def test_a_move_beside_the_wall_is_as_it_should_be(looking, scene):
    def opened(page: Page) -> None:
        page.locator(".slip", has_text="化粪池外溢").get_by_role("link", name="督办").click()
        page.locator("#supervise-reason").wait_for()

    watched(scene, timezone.now())
    look_at(looking, "wall-supervise", "desk_officer", "/console/wall", opened)


def test_the_lists_behind_the_wall_are_as_they_should_be(looking, scene):
    watched(scene, timezone.now())
    path = "/console/tickets?list=open&due=late"
    look_at(looking, "tickets", "desk_officer", path, lambda page: page.get_by_text("化粪池外溢").wait_for())


def test_the_keys_of_screens_are_as_they_should_be(looking, scene, cast):
    office = scene.codes["office"]
    for place in ("一楼大厅", "三楼会议室"):
        DisplayKey.make(office, place, cast["street_lead"])
    path = "/console/displays"
    look_at(looking, "displays", "street_lead", path, lambda page: page.get_by_text("三楼会议室").first.wait_for())


def test_what_a_screen_shows_is_as_it_should_be(looking, scene, cast):
    watched(scene, timezone.now())
    _, code = DisplayKey.make(scene.codes["office"], "一楼大厅", cast["street_lead"])
    key = DisplayKey.exchange(code)
    assert key
    screen = {"name": "display", "value": key, "url": f"{looking.address}/console/display"}
    ready = lambda page: page.get_by_text("化粪池外溢").wait_for()  # noqa: E731
    look_at(looking, "display", "", "/console/display", ready, cookies=[screen])


def test_where_a_screens_code_is_typed_is_as_it_should_be(looking):
    look_at(looking, "pairing", "", "/console/display", lambda page: page.get_by_label("代码").wait_for())
