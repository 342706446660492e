import csv
import io
import logging
import re
import uuid
import zipfile
from datetime import timedelta
from html import unescape

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from community.models import Membership, Organisation
from console import exports, tasks
from console.models import Export
from tests.people import seat
from tests.statements import cost
from tickets.models import Ticket
from tickets.states import State

MOST_STATEMENTS = 12
QUEUE = {"list": "queue", "parameters": "", "format": "csv"}


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    """A storage of the test's own."""
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def ask(console):
    """`ask("dispatcher", format="xlsx")` is the export that this person asks for on the page, written."""

    def asked(who: str, **given: str) -> Export:
        answer = console(who).post("/console/exports", QUEUE | given)
        assert (answer.status_code, answer["Location"]) == (302, "/console/exports")
        export = Export.objects.latest("id")
        exports.run(export.pk)
        export.refresh_from_db()
        return export

    return asked


def address(export: Export) -> str:
    return f"/console/exports/{export.pk}"


def download(browser, export: Export) -> bytes:
    answer = browser.get(address(export))
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


def rows(body: bytes) -> list[dict[str, str]]:
    assert body.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"))))


def cells(body: bytes) -> str:
    """The sheet of a workbook, as XML; strings stand in it where memory is constant."""
    return zipfile.ZipFile(io.BytesIO(body)).read("xl/worksheets/sheet1.xml").decode()


def code(ticket: uuid.UUID) -> str:
    return str(Ticket.objects.get(pk=ticket).code)


def test_a_queue_is_exported_and_fetched_by_who_asked_for_it(console, scene, ask):
    first, second = scene.file("CL03", title="垃圾桶满了"), scene.at_work("CL03")
    export = ask("dispatcher")
    assert (export.state, export.total, export.written) == ("done", 2, 2)
    assert export.streets == [Ticket.objects.get(pk=first).street_id]
    assert export.expires_at - export.finished_at == timedelta(hours=24)
    browser = console("dispatcher")
    answer = browser.get(address(export))
    assert answer["Cache-Control"] == "private, no-store"
    assert answer["Content-Disposition"].startswith("attachment; filename*=utf-8''")
    found = rows(b"".join(answer.streaming_content))
    assert [(one["单号"], one["状态"]) for one in found] == [(code(second), "办理中"), (code(first), "已派单")]
    assert found[1]["诉求"] == "垃圾桶满了"
    assert found[1]["提交时间"] == "2025-06-02 09:00"
    assert found[0]["签收时间"]
    assert found[1]["签收时间"] == ""
    export.refresh_from_db()
    assert export.downloads == 1


def test_a_queue_is_exported_as_its_tab_shows_it(console, scene, ask):
    scene.file("CL03")
    scene.at_work("CL03")
    for tab, wanted in {"mine": 2, "sign": 1, "work": 1, "others": 0, "all": 2}.items():
        assert ask("dispatcher", parameters=f"tab={tab}&q=&group=&worker=").total == wanted, tab
    page = console("dispatcher").get("/console/queue?tab=sign").content.decode()
    assert '<input type="hidden" name="parameters" value="tab=sign">' in page


def test_a_list_is_exported_with_its_filters_in_pages(console, scene, ask, monkeypatch):
    monkeypatch.setattr(exports, "BATCH", 2)
    wanted = [code(scene.file("CL03")) for _ in range(5)]
    scene.file("SV01")
    export = ask("street_lead", list="tickets", parameters="scope=street&category=CL03")
    found = rows(download(console("street_lead"), export))
    assert [one["单号"] for one in found] == wanted[::-1]
    assert {one["归口科室"] for one in found} != {""}


@pytest.mark.parametrize(
    ("who", "path"),
    [
        *(("chair", f"/console/desk?tab={tab}") for tab in ("coordinating", "late", "open")),
        *(("desk_officer", f"/console/tickets?list={one}") for one in ("open", "overdue", "at_risk", "coordinating", "ended")),
        *(("street_lead", f"/console/tickets?list=open&due={due}") for due in ("late", "soon", "today")),
        ("residents_committee_worker", "/console/tickets?group=CL"),
        ("desk_officer", "/console/account"),
    ],
)  # fmt: skip
def test_what_a_page_lists_is_what_its_button_exports(console, scene, ask, who, path):
    now = timezone.now()
    for category, hours in (("RP04", 30), ("RP04", 1), ("CL03", 40), ("CL06", 50), ("SV02", 2)):
        scene.now = now - timedelta(hours=hours)
        scene.file(category)
    scene.now = now - timedelta(hours=5)
    scene.reach(State.ON_ACCOUNT)
    scene.do("resident", scene.file("CL03"), "withdraw")
    for number, one in enumerate(Ticket.objects.filter(state="dispatched")):
        Ticket.objects.filter(pk=one.pk).update(next_due_at=now + timedelta(hours=number - 1))
    html = console(who).get(path).content.decode()
    button = html[html.index('<details class="export">') :]
    named = {name: unescape(re.search(rf'name="{name}" value="([^"]*)"', button)[1]) for name in ("list", "parameters")}
    found = {one["单号"] for one in rows(download(console(who), ask(who, **named)))}
    listed = set(re.findall(r"/console/t/([0-9A-Z]{9})", html))
    assert found == listed
    assert found or "account" not in path


def test_a_file_holds_no_contact_and_nothing_that_identifies_the_reporter(console, scene, ask):
    scene.file("CL03", title="家住3号楼2单元401，电话13800138000", text="请打13900139000", spot="3号楼2单元401")
    for format in ("csv", "xlsx"):
        body = download(console("dispatcher"), ask("dispatcher", format=format))
        text = cells(body) if format == "xlsx" else body.decode()
        assert "家住" in text
        for secret in ("13800138000", "13900139000", "401", scene.cast["resident"].phone, scene.cast["resident"].name):
            assert secret not in text, (format, secret)


def test_a_summary_is_all_that_a_former_holder_exports(console, scene, ask):
    ticket = scene.file("CL03")
    scene.do("dispatcher", ticket, "return", reason="不归我们")
    scene.do("property_officer", ticket, "uphold")
    found = rows(download(console("dispatcher"), ask("dispatcher", parameters="status=ended&tab=all")))
    assert [(one["单号"], one["催办次数"], one["归口科室"]) for one in found] == [(code(ticket), "", "")]


def test_no_cell_is_a_formula(console, scene, ask):
    for title in ("=1+1", "+1", "-1", "@SUM(A1)"):
        scene.file("CL03", title=title)
    found = {one["诉求"] for one in rows(download(console("dispatcher"), ask("dispatcher")))}
    assert found == {"'=1+1", "'+1", "'-1", "'@SUM(A1)"}
    sheet = cells(download(console("dispatcher"), ask("dispatcher", format="xlsx")))
    assert "<f>" not in sheet
    assert "<t>=1+1</t>" in sheet


def test_a_file_speaks_the_language_of_the_person(console, scene, ask):
    scene.file("CL03")
    console("dispatcher").post("/console/language/", {"language": "en"})
    found = rows(download(console("dispatcher"), ask("dispatcher")))
    assert found[0]["State"] == "Dispatched"


def test_nobody_else_fetches_a_file_and_nothing_is_counted(console, scene, ask):
    export = ask("dispatcher")
    for who in ("manager", "street_lead", "other_dispatcher", "resident"):
        assert console(who).get(address(export)).status_code == 404, who
    export.refresh_from_db()
    assert (export.downloads, export.downloaded_at) == (0, None)


def test_a_file_is_out_of_reach_once_a_seat_is_lost_even_with_another_one(console, scene, ask, cast, caplog):
    export = ask("dispatcher")
    Membership.objects.filter(person=cast["dispatcher"]).delete()
    seat(cast["dispatcher"], "po-a02", "dispatcher")
    with caplog.at_level(logging.WARNING, "console.exports"):
        assert console("dispatcher").get(address(export)).status_code == 404
    assert f"export {export.pk}: refused" in caplog.text
    # The same organisation in another part is not the same seat.
    seat(cast["dispatcher"], "po-a01", "worker")
    assert console("dispatcher").get(address(export)).status_code == 404
    export.refresh_from_db()
    assert export.downloads == 0


def test_nothing_is_written_for_somebody_who_lost_the_seat_meanwhile(console, cast, scene):
    scene.file("CL03")
    console("dispatcher").post("/console/exports", QUEUE)
    export = Export.objects.latest("id")
    Membership.objects.filter(person=cast["dispatcher"]).delete()
    exports.run(export.pk)
    export.refresh_from_db()
    assert (export.state, export.written) == ("failed", 0)
    assert not default_storage.exists(export.file)


def test_only_the_seats_of_the_asking_write_the_file(console, cast, scene, ask):
    scene.file("CL03")
    console("dispatcher").post("/console/exports", QUEUE | {"list": "queue"})
    export = Export.objects.latest("id")
    # A seat that came afterwards, or that the sign-in did not carry, adds no rows.
    seat(cast["dispatcher"], "section-desk", "officer")
    exports.run(export.pk)
    assert len(rows(download(console("dispatcher"), export))) == 1


def test_one_export_at_a_time_for_each_person(console, scene):
    browser = console("dispatcher")
    assert browser.post("/console/exports", QUEUE).status_code == 302
    answer = browser.post("/console/exports", QUEUE)
    assert answer.status_code == 409
    assert "上一份导出还没有完成" in answer.content.decode()
    assert console("manager").post("/console/exports", QUEUE).status_code == 302
    assert Export.objects.count() == 2


def test_more_rows_than_there_may_be_are_refused(console, scene, monkeypatch):
    monkeypatch.setattr(exports, "MOST_ROWS", 1)
    scene.file("CL03"), scene.file("CL03")
    answer = console("dispatcher").post("/console/exports", QUEUE)
    assert answer.status_code == 409
    assert "缩小范围" in answer.content.decode()
    assert not Export.objects.exists()


@pytest.mark.parametrize(
    ("who", "given"),
    [
        ("dispatcher", {"list": "people"}),
        ("dispatcher", {"format": "pdf"}),
        ("dispatcher", {"parameters": "state=nowhere"}),
        ("dispatcher", {"parameters": "q=" + "x" * exports.MOST_PARAMETERS}),
        ("dispatcher", {"list": "overdue"}),
        # What a resident sees is no list of the console.
        ("chair", {"list": "tickets", "parameters": "scope=mine"}),
        ("resident", {}),
    ],
)
def test_what_is_no_list_of_theirs_is_not_exported(console, scene, who, given):
    assert console(who).post("/console/exports", QUEUE | given).status_code == 404
    assert not Export.objects.exists()


def test_a_list_of_another_organisation_is_empty(console, scene, ask):
    scene.file("CL03")
    other = Organisation.objects.get(code="po-a01").pk
    assert ask("other_dispatcher", parameters=f"organisation={other}").total == 0


def test_the_streets_lead_sees_who_exported_what_and_others_their_own(console, scene, ask):
    scene.file("CL03")
    ask("dispatcher", parameters="state=dispatched")
    ask("street_lead", list="overdue")
    name = scene.cast["dispatcher"].name
    page = console("street_lead").get("/console/exports?of=street").content.decode()
    assert name in page
    assert "状态 已派单" in page
    assert page.count('<tr id="export-') == 2
    # The file is not the lead's.
    assert len(re.findall(r'href="/console/exports/[0-9a-f-]{36}"', page)) == 1
    for who in ("manager", "desk_officer"):
        page = console(who).get("/console/exports?of=street").content.decode()
        assert '<tr id="export-' not in page, who
    assert console("dispatcher").get("/console/exports").content.decode().count('<tr id="export-') == 1


def test_the_page_tells_when_the_file_is_ready(console, scene):
    browser = console("dispatcher")
    htmx = {"HX-Request": "true", "HX-Target": "section#list"}
    browser.post("/console/exports", QUEUE)
    page = browser.get("/console/exports").content.decode()
    assert 'hx-trigger="every 1s"' in page
    export = Export.objects.latest("id")
    exports.run(export.pk)
    answer = browser.get("/console/exports?waits=1", headers=htmx)
    assert "every 1s" not in answer.content.decode()
    assert "toast" in answer["HX-Trigger"]
    assert "HX-Trigger" not in browser.get("/console/exports", headers=htmx)
    counted = '<hx-partial hx-target="#count-exports" hx-swap="innerHTML">{}</hx-partial>'
    assert counted.format(1) in browser.get("/console/counts").content.decode()
    download(browser, export)
    assert counted.format("") in browser.get("/console/counts").content.decode()


def test_files_go_after_a_day_and_the_log_stays(console, scene, ask):
    old, new = ask("dispatcher"), ask("manager")
    Export.objects.filter(pk=old.pk).update(expires_at=timezone.now() - timedelta(minutes=1))
    assert console("dispatcher").get(address(old)).status_code == 404
    assert exports.purge() == 1
    assert exports.purge() == 0
    assert not default_storage.exists(old.file)
    assert default_storage.exists(new.file)
    old.refresh_from_db()
    assert (old.state, old.total) == ("expired", 0)
    Export.objects.filter(pk=old.pk).update(asked_at=timezone.now() - exports.LOGGED_FOR - timedelta(days=1))
    exports.purge()
    assert list(Export.objects.all()) == [new]


def test_what_nobody_wrote_is_written_later(console, scene):
    console("dispatcher").post("/console/exports", QUEUE)
    export = Export.objects.latest("id")
    assert exports.waiting() == [export.pk]
    Export.objects.filter(pk=export.pk).update(state="running", started_at=timezone.now() - timedelta(minutes=5))
    assert exports.waiting() == []
    Export.objects.filter(pk=export.pk).update(started_at=timezone.now() - timedelta(minutes=7))
    assert exports.waiting() == [export.pk]
    tasks.export(str(export.pk))
    export.refresh_from_db()
    assert export.state == "done"
    tasks.keep_exports()
    assert default_storage.exists(export.file)


def test_an_export_is_written_once(console, scene, ask, monkeypatch):
    export = ask("dispatcher")
    monkeypatch.setattr(exports, "_written", lambda one: pytest.fail("It was written again."))
    exports.run(export.pk)
    # Another worker has it.
    Export.objects.filter(pk=export.pk).update(state="running")
    exports.run(export.pk)
    exports.run(uuid.uuid4())


def test_the_page_takes_few_statements(console, scene, ask):
    for _ in range(3):
        ask("street_lead")
    browser = console("street_lead")
    for path in ("/console/exports", "/console/exports?of=street"):
        assert cost(browser, path) <= MOST_STATEMENTS
