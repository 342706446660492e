"""A property company's day: signing, visiting, replying with photos; several tickets at once; what goes wrong on the way."""

import re
from io import BytesIO

import pytest
from django.utils import timezone
from PIL import Image
from playwright.sync_api import Page, expect

from community.models import Person
from notifications.models import Message
from tests.console.browser.looking import session_of, sideways
from tests.console.browser.other import everywhere, in_firefox
from tests.console.browser.street import file_at
from tests.people import seat
from tests.processes import wait_until
from tickets.models import Assignment, Photo, Ticket, TicketEvent
from tickets.states import State


def jpeg(colour: str = "teal") -> dict[str, object]:
    """A picture as a phone's camera gives it."""
    content = BytesIO()
    Image.new("RGB", (640, 480), colour).save(content, "JPEG")
    return {"name": "IMG_0001.jpg", "mimeType": "image/jpeg", "buffer": content.getvalue()}


def verbs(ticket: Ticket) -> list[str]:
    """What happened to the ticket."""
    return list(TicketEvent.objects.filter(subject=ticket).order_by("seq").values_list("verb", flat=True))


def panel(page: Page):
    """The panel beside the list."""
    return page.locator("#panel")


@pytest.fixture
def bins(scene) -> Ticket:
    """A report of today about bins, with the project office."""
    return Ticket.objects.get(pk=file_at(scene, timezone.now(), "CL03", "垃圾桶满了", "东门"))


@everywhere
def test_a_ticket_goes_from_the_queue_to_the_reply_without_leaving_the_page(looking, bins, crew, cast):
    page = looking.open("dispatcher", "/console/queue")
    page.get_by_role("link", name="垃圾桶满了").click()
    expect(page).to_have_url(re.compile(f"/console/t/{bins.code}$"))
    panel(page).get_by_role("button", name="签收").click()
    expect(panel(page).get_by_role("heading", name="先行联系")).to_be_visible()
    panel(page).get_by_label("已联系上").check()
    panel(page).get_by_label("补充说明").fill("约下午清运")
    panel(page).get_by_role("button", name="先行联系").click()
    expect(panel(page).get_by_role("heading", name="办结反馈")).to_be_visible()
    panel(page).get_by_text("更多办理").click()
    panel(page).get_by_role("link", name="进展").click()
    panel(page).get_by_role("textbox", name="进展").fill("车已在路上")
    panel(page).locator("input[type=file][capture]").set_input_files([jpeg()])
    expect(panel(page).locator(".shot input")).to_have_count(1)
    panel(page).get_by_role("button", name="进展").click()
    expect(panel(page).get_by_role("heading", name="办结反馈")).to_be_visible()
    expect(panel(page).get_by_alt_text("进展照片")).to_be_visible()
    panel(page).get_by_label("办理结果").fill("已清运，并加派每日一次。")
    panel(page).locator("input[type=file]:not([capture])").set_input_files([jpeg("olive"), jpeg("navy")])
    expect(panel(page).locator(".shot input")).to_have_count(2)
    panel(page).get_by_role("button", name="办结反馈").click()
    expect(panel(page).get_by_text("待居民确认").first).to_be_visible()
    assert verbs(bins) == ["submit", "sign", "contact", "progress", "reply"]
    assert Photo.objects.filter(ticket=bins, kind="after").count() == 2
    page.keyboard.press("Escape")
    expect(panel(page).locator("article")).to_have_count(0)
    expect(page).to_have_url(re.compile("/console/queue"))
    # The worker has told the resident meanwhile.
    wait_until(lambda: Message.objects.filter(person=cast["resident"], subject_id=bins.pk).count() >= 3)


def test_firefox_goes_the_same_way(site, cast, bins, tmp_path):
    photo = tmp_path / "after.jpg"
    photo.write_bytes(jpeg()["buffer"])  # type: ignore[arg-type]
    steps = [
        ["goto", "/console/queue"],
        ["click", f"#open-{bins.code}"],
        ["click", "#panel button[data-key=s]"],
        ["click", "#panel label.option:has(input[value=reached])"],
        ["click", "#form-contact button.primary"],
        ["type", "#form-reply textarea[name=result]", "已清运。"],
        ["files", "#form-reply input[type=file]:not([capture])", [str(photo)]],
        ["see", "#form-reply .shot:not(.sending)", ""],
        ["click", "#form-reply button.primary"],
        ["see", "#panel .chip", "待居民确认"],
    ]
    assert in_firefox(site.address, cast, "dispatcher", steps) == []
    assert verbs(bins) == ["submit", "sign", "contact", "reply"]


def test_twenty_new_tickets_are_signed_for_and_given_to_three_people_with_six_keys(looking, scene, cast):
    seat(Person.objects.get(phone="19900000002"), "po-a01")
    for number in range(20):
        file_at(scene, timezone.now(), "CL03", f"垃圾桶满了 {number}", "东门")
    page = looking.open("dispatcher", "/console/queue?tab=sign")
    expect(page.locator("tbody tr")).to_have_count(20)
    pressed = ["a", "m", "1", "2", "3", "Enter"]
    for key in pressed:
        if key == "1":
            expect(page.locator("#people input").nth(2)).to_be_visible()
        page.keyboard.press(key)
    expect(page.locator("#results")).to_contain_text("全部完成：20", timeout=20_000)
    assert len(pressed) <= 16
    parts = Assignment.objects.filter(ticket__title__startswith="垃圾桶满了", open=True, role="lead")
    assert set(parts.values_list("ticket__state", flat=True)) == {State.IN_PROGRESS}
    workers = list(parts.values_list("worker", flat=True))
    assert sorted(workers.count(one) for one in set(workers)) == [6, 7, 7]
    expect(page.locator("tbody tr")).to_have_count(0)
    expect(page.locator("#several")).to_be_hidden()


def test_what_one_of_several_refuses_stops_no_other_and_is_told_by_row(looking, scene, bins):
    other = Ticket.objects.get(pk=file_at(scene, timezone.now(), "CL01", "楼道没拖", "2号楼"))
    page = looking.open("dispatcher", "/console/queue?tab=sign")
    page.get_by_role("link", name="垃圾桶满了").wait_for()
    scene.do("dispatcher", bins.pk, "sign")
    page.keyboard.press("a")
    page.keyboard.press("s")
    expect(page.locator("#results")).to_contain_text("没有完成 1")
    expect(page.locator("#results .not")).to_contain_text(bins.code)
    assert verbs(other) == ["submit", "sign"]
    assert verbs(bins) == ["submit", "sign"]


def test_a_worker_replies_with_two_photos_in_five_taps(looking, scene, bins):
    scene.do("dispatcher", bins.pk, "sign", worker="worker")
    scene.do("worker", bins.pk, "contact", result="reached")
    page = looking.open("worker", "/console/queue", width=390, touch=True)
    taps = 0
    page.get_by_role("link", name="垃圾桶满了").tap()
    taps += 1
    panel(page).get_by_label("办理结果").tap()
    taps += 1
    page.keyboard.type("已清运。")
    for colour in ("teal", "navy"):
        before = panel(page).locator(".shot input").count()
        with page.expect_file_chooser() as chosen:
            panel(page).get_by_text("拍照").tap()
        taps += 1
        chosen.value.set_files([jpeg(colour)])
        expect(panel(page).locator(".shot input")).to_have_count(before + 1)
    panel(page).get_by_role("button", name="办结反馈").tap()
    taps += 1
    expect(panel(page).get_by_text("待居民确认").first).to_be_visible()
    assert taps <= 8
    assert Photo.objects.filter(ticket=bins, kind="after").count() == 2


@pytest.fixture
def gate(scene) -> Ticket:
    """A report about a gate, which may take seven days: signed for, and the resident called."""
    ticket = Ticket.objects.get(pk=file_at(scene, timezone.now(), "RP06", "门禁失灵", "5号楼"))
    scene.do("dispatcher", ticket.pk, "sign")
    scene.do("dispatcher", ticket.pk, "contact", result="reached")
    return ticket


def test_a_move_that_loses_the_race_keeps_what_was_written_in_its_form(looking, scene, gate):
    scene.do("dispatcher", gate.pk, "request_extension", days=2, reason="配件未到")
    page = looking.open("dispatcher", f"/console/t/{gate.code}")
    page.get_by_label("办理结果").fill("已更换读卡器。")
    page.locator("input[type=file]:not([capture])").set_input_files([jpeg()])
    expect(page.locator(".shot input")).to_have_count(1)
    scene.do("desk_officer", gate.pk, "grant_extension")
    page.get_by_role("button", name="办结反馈").click()
    expect(page.get_by_role("alert").first).to_contain_text("已被他人更新")
    expect(page.get_by_role("alert").first).to_contain_text("同意延期")
    expect(page.get_by_label("办理结果")).to_have_value("已更换读卡器。")
    expect(page.locator(".shot input")).to_have_count(1)
    assert verbs(gate)[-1] == "grant_extension"
    page.get_by_role("button", name="办结反馈").click()
    expect(page.get_by_text("待居民确认").first).to_be_visible()
    assert verbs(gate)[-1] == "reply"


def test_a_move_that_is_possible_no_more_still_shows_what_was_written(looking, scene, gate):
    page = looking.open("dispatcher", f"/console/t/{gate.code}")
    page.get_by_label("办理结果").fill("已更换读卡器。")
    page.locator("input[type=file]:not([capture])").set_input_files([jpeg()])
    expect(page.locator(".shot input")).to_have_count(1)
    scene.do("manager", gate.pk, "reply", result="已修好。", photos=[scene.photo("manager")])
    page.get_by_role("button", name="办结反馈").click()
    expect(page.get_by_label("您刚才写的")).to_have_value("已更换读卡器。")
    expect(page.get_by_role("button", name="办结反馈")).to_have_count(0)
    assert verbs(gate).count("reply") == 1


def test_a_double_click_makes_one_move(looking, scene, bins):
    scene.do("dispatcher", bins.pk, "sign")
    page = looking.open("dispatcher", f"/console/t/{bins.code}/progress")
    page.get_by_role("textbox", name="进展").fill("车已在路上")
    page.get_by_role("button", name="进展").dblclick()
    expect(page.get_by_text("车已在路上")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert verbs(bins).count("progress") == 1


def test_what_is_wrong_is_told_on_top_and_what_was_written_stays(looking, scene, bins):
    scene.do("dispatcher", bins.pk, "sign")
    scene.do("dispatcher", bins.pk, "contact", result="reached")
    page = looking.open("dispatcher", f"/console/t/{bins.code}")
    page.get_by_label("办理结果").fill("已清运。")
    page.get_by_role("button", name="办结反馈").click()
    problem = page.get_by_role("alert").first
    expect(problem).to_contain_text("照片")
    expect(problem).to_be_focused()
    expect(page.get_by_label("办理结果")).to_have_value("已清运。")
    assert verbs(bins)[-1] == "contact"


def test_a_draft_outlives_the_page_but_nobody_else_can_read_it(looking, scene, bins):
    scene.do("dispatcher", bins.pk, "sign")
    scene.do("dispatcher", bins.pk, "contact", result="reached")
    page = looking.open("dispatcher", f"/console/t/{bins.code}")
    page.get_by_label("办理结果").fill("写到一半的话")
    page.wait_for_function("sessionStorage.length === 1")
    assert "写到一半" not in page.evaluate("JSON.stringify(sessionStorage)")
    page.reload()
    expect(page.get_by_label("办理结果")).to_have_value("写到一半的话")
    # Another person in the same tab.
    page.context.add_cookies(
        [{"name": "sessionid", "value": session_of(looking.cast["manager"]), "url": looking.address}]
    )
    page.reload()
    expect(page.get_by_label("办理结果")).to_have_value("")
    page.wait_for_function("sessionStorage.length === 0")


def test_what_people_wrote_stays_text(looking, scene):
    script = '<img src=x onerror="alert(1)"><script>alert(2)</script>{{ 7|add:7 }}'
    pk = scene.file("CL03", title=script[:60], spot=script[:60], text=script)
    ticket = Ticket.objects.get(pk=pk)
    scene.do("dispatcher", pk, "sign")
    scene.do("dispatcher", pk, "contact", result="reached", words=script)
    scene.do("dispatcher", pk, "progress", text=script)
    said: list[str] = []
    page = looking.open("dispatcher", "/console/queue")
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    page.get_by_role("link", name="onerror").click()
    expect(panel(page).get_by_text("alert(2)").first).to_be_visible()
    expect(panel(page).locator("img[src=x]")).to_have_count(0)
    page.goto(f"/console/t/{ticket.code}")
    expect(page.get_by_text("7|add:7").first).to_be_visible()
    assert said == []


def test_the_list_follows_what_others_do_without_being_touched(looking, scene, bins):
    page = looking.open("dispatcher", "/console/queue?tab=all")
    expect(page.locator("tbody tr")).to_have_count(1)
    file_at(scene, timezone.now(), "CL01", "楼道没拖", "2号楼")
    page.locator("#q").fill("楼")
    page.locator("#q").fill("")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("#count-queue")).to_have_text("2")


def test_keys_walk_open_and_close(looking, scene, bins):
    file_at(scene, timezone.now(), "CL01", "楼道没拖", "2号楼")
    page = looking.open("dispatcher", "/console/queue")
    page.locator("tbody tr").nth(1).wait_for()
    titles = page.locator("tbody a").all_inner_texts()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(panel(page).get_by_role("heading", name=titles[0]).first).to_be_visible()
    page.keyboard.press("j")
    expect(panel(page).get_by_role("heading", name=titles[1]).first).to_be_visible()
    page.keyboard.press("s")
    expect(panel(page).get_by_role("heading", name="先行联系")).to_be_visible()
    # The list follows the move.
    expect(page.locator("tbody tr", has_text=titles[1])).to_contain_text("办理中")
    page.keyboard.press("Escape")
    expect(panel(page).locator("article")).to_have_count(0)
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()


def test_a_session_that_ran_out_leads_to_sign_in_and_back(looking, bins):
    page = looking.open("dispatcher", "/console/queue")
    page.get_by_role("link", name="垃圾桶满了").wait_for()
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("link", name="垃圾桶满了").click()
    page.wait_for_url(re.compile(r"/(admin/login|console/signin)/\?next="))


def test_without_a_connection_the_page_says_so_and_keeps_what_it_shows(looking, bins):
    page = looking.open("dispatcher", "/console/queue")
    page.get_by_role("link", name="垃圾桶满了").wait_for()
    page.wait_for_load_state("networkidle")
    looking.offline(page, True)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#offline")).to_be_visible()
    expect(page.get_by_role("link", name="垃圾桶满了")).to_be_visible()
    looking.offline(page, False)
    expect(page.locator("#offline")).to_be_hidden()


def test_more_time_is_asked_for_under_more(looking, scene, gate):
    page = looking.open("dispatcher", f"/console/t/{gate.code}")
    page.get_by_text("更多办理").click()
    page.get_by_role("link", name="申请延期").click()
    page.get_by_label("延期天数").fill("2")
    page.get_by_role("textbox", name="理由").fill("配件未到")
    page.get_by_role("button", name="申请延期").click()
    expect(page.locator(".timeline")).to_contain_text("申请延期")
    assert Ticket.objects.get(pk=gate.pk).extension_days == 2


@pytest.mark.parametrize(("width", "size"), [(320, "100%"), (390, "200%"), (1440, "200%")])
def test_nothing_stands_beside_a_narrow_window_or_in_large_type(looking, scene, gate, width, size):
    for path in ("/console/queue", f"/console/t/{gate.code}"):
        page = looking.open("dispatcher", path, width=width)
        page.get_by_text("门禁失灵").first.wait_for()
        page.evaluate("(size) => { document.documentElement.style.fontSize = size; }", size)
        assert sideways(page) <= 0, path


def test_colleagues_who_have_a_ticket_open_see_each_other(looking, scene, gate, cast):
    path = f"/console/t/{gate.code}"
    worker = looking.open("worker", path)
    expect(worker.locator("[data-looking]")).to_have_text("")
    dispatcher = looking.open("dispatcher", path)
    expect(dispatcher.locator("[data-looking]")).to_have_text(f"{cast['worker'].name}也在看")
    worker.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(worker.locator("[data-looking]")).to_have_text(f"{cast['dispatcher'].name}也在看")
