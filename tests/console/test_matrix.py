"""Who has which page: every address of the console, every role, as the table in docs/console.md says."""

from datetime import timedelta

import pytest
from django.urls import URLPattern
from django.utils import timezone

from community.models import Compound
from console.urls import urlpatterns
from launcher.family import PROJECT
from tests.console.browser.street import coordinated
from tickets.models import Ticket, TicketEvent

# The people of the demo street who stand for a column of the table.
ROLES = {
    "no seat": ["resident", "outsider", "former_member", "administrator"],
    "worker": ["worker"],
    "company": ["dispatcher", "manager", "guard", "lift_dispatcher", "head_manager"],
    "department": ["traffic_liaison"],
    "committee": ["chair", "member"],
    "residents' committee": ["residents_committee_worker"],
    "section": ["desk_officer", "property_officer", "city_officer"],
    "lead": ["street_lead"],
}
STRANGE = (
    "",
    "?tab=x&list=x&of=x&due=x&cursor=x&page=x&limit=x",
    "?tab=%00&code=%00&q=%00&cursor=%00",
    "?q=" + "永" * 500,
)
SCRIPT = "<script>caught=1</script><img src=x onerror=caught=1>"
METHODS = ("head", "options", "post", "put", "patch", "delete", "trace")


def addresses() -> list[str]:
    """The address of every page, without those of signing in, which have tests of their own."""
    return [f"/console/{one.pattern}" for one in urlpatterns if isinstance(one, URLPattern)]


def table() -> dict[str, dict[str, str]]:
    """The table in docs/console.md: for each address, what each role gets."""
    lines = (
        (PROJECT / "docs" / "console.md").read_text().split("## Who has which page")[1].split("\n## ")[0].splitlines()
    )
    header, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|"))
    assert header[1:] == list(ROLES)
    return {row[0].strip("`"): dict(zip(header[1:], row[1:], strict=True)) for row in rows}


def filled(address: str, code: str) -> str:
    """The address for this ticket."""
    found = address.replace("<ticket:code>", code).replace("<slug:move>", "supervise")
    return found.replace("<id:export_id>", "018f0000-0000-7000-8000-000000000000")


@pytest.fixture
def street(scene) -> str:
    """A morning in the street; the number of a ticket that everybody who works there has a part in but the other companies."""
    coordinated(scene, timezone.now())
    return Ticket.objects.get(title="水管爆裂，一层进水").code


def test_every_page_stands_in_the_table():
    assert sorted(table()) == sorted(addresses())


@pytest.mark.parametrize("role", ROLES)
def test_each_role_gets_the_pages_of_the_table_and_404_for_the_others(console, street, role):
    rows = table()
    for who in ROLES[role]:
        browser = console(who)
        got = {address: browser.get(filled(address, street)).status_code for address in rows}
        for address, status in got.items():
            said = rows[address][role]
            expected = {"page": {200}, "–": {404}, "part": {200, 404}, "away": {302}, "sent": {405}}[said]
            assert status in expected, (who, address, status, said)


def test_no_address_breaks_whatever_it_is_asked(console, street):
    before = TicketEvent.objects.count()
    for who in ("resident", "worker", "chair", "street_lead"):
        browser = console(who)
        browser.raise_request_exception = False
        for address in sorted({filled(one, code) for one in addresses() for code in (street, "x", "%00")}):
            if "signout" in address:
                continue
            asked = [("get", f"{address}{strange}") for strange in STRANGE] + [(method, address) for method in METHODS]
            for method, path in asked:
                answer = getattr(browser, method)(path)
                assert answer.status_code < 500, (who, method, path)
    assert TicketEvent.objects.count() == before


@pytest.fixture
def scripted(scene) -> list[str]:
    """The numbers of tickets in which everything that people write is a script."""
    scene.now = timezone.now() - timedelta(hours=5)
    said = {"title": f"甲{SCRIPT}", "text": SCRIPT, "spot": SCRIPT, "contact_name": "<b>caught"}
    working, returned, discussed = (scene.file(one, **said) for one in ("RP04", "CL05", "CL06"))
    replied, extended = (scene.at_work("SV01", **said) for _ in range(2))
    scene.do("resident", working, "comment", text=SCRIPT)
    scene.do("dispatcher", working, "sign", worker="worker")
    scene.do("dispatcher", working, "contact", result="reached", words=SCRIPT)
    scene.do("dispatcher", working, "ask", question=SCRIPT)
    scene.do("resident", working, "answer", answer=SCRIPT)
    scene.do("desk_officer", working, "supervise", kind="listed", reason=SCRIPT)
    scene.do("dispatcher", returned, "return", reason=SCRIPT)
    scene.do("chair", discussed, "record", met_with=SCRIPT, agreed=SCRIPT)
    for one in (replied, extended):
        scene.do("dispatcher", one, "contact", result="reached", words=SCRIPT)
    scene.do("dispatcher", extended, "request_extension", days=1, reason=SCRIPT)
    scene.do("dispatcher", replied, "reply", result=SCRIPT, photos=[scene.photo("dispatcher")])
    return list(Ticket.objects.values_list("code", flat=True))


@pytest.mark.parametrize(
    "who", ["worker", "dispatcher", "chair", "residents_committee_worker", "desk_officer", "street_lead"]
)
def test_a_script_in_whatever_people_write_stays_text_on_every_page(console, scripted, who):
    browser, escaped = console(who), 0
    paths = {filled(one, code) for one in addresses() for code in scripted if "signout" not in one}
    for path in sorted(paths | {"/console/queue?tab=all", "/console/tickets?list=open", "/console/desk?tab=all"}):
        html = browser.get(path).content.decode()
        assert "<script>caught" not in html, path
        assert "<img src=x" not in html, path
        assert "<b>caught" not in html, path
        escaped += html.count("&lt;script&gt;caught")
    assert escaped > 3


def test_nobody_reads_of_another_companys_or_committees_tickets(console, scene):
    scene.now = timezone.now() - timedelta(hours=2)
    elsewhere = Compound.objects.get(area__committee__code="pmc-a02").pk
    ours, theirs = scene.file("RP04", title="我们的灯"), scene.file("RP04", title="他们的灯", compound_id=elsewhere)
    numbers = dict(Ticket.objects.values_list("pk", "code"))
    for who, foreign, word in (
        *((one, theirs, "他们的灯") for one in ("worker", "dispatcher", "manager", "chair", "member")),
        *((one, ours, "我们的灯") for one in ("other_dispatcher", "other_chair")),
    ):
        browser = console(who)
        for address in addresses():
            if "signout" in address:
                continue
            for query in ("",) if ":" in address else ("", "?tab=all", "?q=灯", "?list=open"):
                html = browser.get(filled(address, numbers[foreign]) + query).content.decode()
                assert word not in html, (who, address, query)
    assert "我们的灯" in console("dispatcher").get("/console/queue?tab=all").content.decode()
    assert "他们的灯" in console("other_dispatcher").get("/console/queue?tab=all").content.decode()
