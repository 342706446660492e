import gzip
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from bench.fill import add
from launcher.family import PROJECT
from tests.people import seat
from tests.statements import cost, more_like, nodes, plan, statements
from tests.tickets.story import copies
from tickets.models import Assignment, Ticket
from tickets.reading.changes import MOST_PARTS, latest_change
from tickets.reading.counts import LOOKED_AT
from workflow import moment

MOST_STATEMENTS = 12
STATIC = PROJECT / "console" / "static" / "console"


@pytest.fixture
def today(scene):
    """The scene within the last hours, so that what happens is news."""
    scene.now = timezone.now() - timedelta(hours=2)
    return scene


def listed(page) -> list[str]:
    """The numbers of the tickets that a page lists, in order."""
    return re.findall(r'id="row-([0-9A-Z]{9})"', page.content.decode())


def code(pk) -> str:
    return str(Ticket.objects.get(pk=pk).code)


def poll(browser: Client, address: str, tag: str = ""):
    headers = {"HX-Request": "true", "HX-Target": "section#list"}
    return browser.get(address, headers=headers | ({"HX-PTag": tag} if tag else {}))


def test_the_tabs_part_the_queue_by_whose_turn_it_is(console, today):
    fresh = today.file("CL03")
    signed = today.at_work("CL03")
    asked = today.at_work("CL03")
    today.do("dispatcher", asked, "contact", result="reached")
    today.do("dispatcher", asked, "ask", question="哪个门？")
    returned = today.file("CL03")
    today.do("dispatcher", returned, "return", reason="不归我们")
    browser = console("dispatcher")
    shown = {
        tab: set(listed(browser.get(f"/console/queue?tab={tab}"))) for tab in ("mine", "sign", "work", "others", "all")
    }
    assert shown == {
        "mine": {code(fresh), code(signed)},
        "sign": {code(fresh)},
        "work": {code(signed), code(asked)},
        "others": {code(asked), code(returned)},
        "all": {code(fresh), code(signed), code(asked), code(returned)},
    }
    page = browser.get("/console/queue").content.decode()
    assert re.findall(r"(待我办|待签收|办理中|等他方|全部)<b>(\d+)</b>", page) == [
        ("待我办", "2"), ("待签收", "1"), ("办理中", "2"), ("等他方", "2"), ("全部", "4"),
    ]  # fmt: skip


def test_filters_and_search_have_their_own_address(console, today):
    bins, corridor = today.file("CL03", title="垃圾桶满了"), today.file("CL01", title="楼道没拖", text="请来人。")
    browser = console("dispatcher")
    assert listed(browser.get("/console/queue?q=垃圾桶&group=&worker=")) == [code(bins)]
    assert set(listed(browser.get("/console/queue?group=CL"))) == {code(bins), code(corridor)}
    assert listed(browser.get("/console/queue?worker=me")) == []
    assert listed(browser.get("/console/queue?late=1")) == []
    due = Ticket.objects.get(pk=bins).next_due_at
    assert due
    with moment.at(due):
        assert code(bins) in listed(browser.get("/console/queue?late=1"))
    assert browser.get("/console/queue?group=" + "x" * 20).status_code == 404


def test_the_most_urgent_comes_first(console, today):
    slow, urgent = today.file("CL01"), today.file("RP01")
    assert listed(console("dispatcher").get("/console/queue")) == [code(urgent), code(slow)]


def test_a_page_of_the_queue_takes_no_more_than_twelve_statements(console, today):
    for _ in range(3):
        today.file("CL03")
    assert cost(console("dispatcher"), "/console/queue") <= MOST_STATEMENTS
    assert cost(console("dispatcher"), "/console/queue?tab=all&q=标题&group=CL&late=1") <= MOST_STATEMENTS


def test_a_page_of_a_ticket_takes_no_more_than_twelve_statements(console, today):
    ticket = today.at_work("CL03")
    assert cost(console("dispatcher"), f"/console/t/{code(ticket)}") <= MOST_STATEMENTS


def test_the_first_load_is_sixty_kilobytes_at_most(console, today):
    for number in range(50):
        today.file("CL03", title=f"垃圾桶满了 {number}", spot=f"{number}号楼")
    page = console("dispatcher").get("/console/queue", headers={"Accept-Encoding": "gzip"})
    assert page["Content-Encoding"] == "gzip"
    names = [*STATIC.rglob("*.js"), *STATIC.rglob("*.css"), *STATIC.rglob("*.svg")]
    files = sum(len(gzip.compress(path.read_bytes())) for path in names)
    assert len(page.content) + files <= 60_000


def test_an_idle_poll_is_answered_304_and_tells_the_tag_again(console, today):
    today.file("CL03")
    browser = console("dispatcher")
    first = poll(browser, "/console/queue")
    assert first.status_code == 200
    again = poll(browser, "/console/queue", first["HX-PTag"])
    assert (again.status_code, again.content, again["HX-PTag"]) == (304, b"", first["HX-PTag"])


def test_the_tag_of_the_page_is_that_of_its_first_poll(console, today):
    today.file("CL03")
    browser = console("dispatcher")
    page = browser.get("/console/queue").content.decode()
    tag = re.search(r'hx-ptag="([^"]+)"', page)
    assert tag
    assert poll(browser, "/console/queue", tag[1]).status_code == 304


@pytest.mark.parametrize(
    ("who", "name", "inputs"),
    [
        ("resident", "urge", {"reason": "快点"}),
        ("resident", "comment", {"text": "还在"}),
        ("tenant", "cosign", {}),
        ("dispatcher", "progress", {"text": "车在路上"}),
        ("manager", "assign", {"worker": "worker"}),
        ("desk_officer", "supervise", {"kind": "listed", "reason": "急"}),
        ("dispatcher", "return", {"reason": "不归我们"}),
    ],
)
def test_whatever_happens_to_a_ticket_that_is_shown_changes_the_tag(console, today, who, name, inputs):
    ticket = today.at_work("CL03")
    browser = console("dispatcher")
    tag = poll(browser, "/console/queue?tab=all")["HX-PTag"]
    assert poll(browser, "/console/queue?tab=all", tag).status_code == 304
    today.do(who, ticket, name, **inputs)
    assert poll(browser, "/console/queue?tab=all", tag).status_code == 200


def test_a_ticket_that_comes_or_goes_changes_the_tag(console, today):
    ticket = today.file("CL03")
    browser = console("dispatcher")
    tag = poll(browser, "/console/queue")["HX-PTag"]
    another = today.file("CL03")
    tag = poll(browser, "/console/queue", tag)["HX-PTag"]
    today.do("desk_officer", another, "redispatch", holder="po-a02", reason="更合适")
    answer = poll(browser, "/console/queue", tag)
    assert (answer.status_code, listed(answer)) == (200, [code(ticket)])


def test_what_happens_elsewhere_draws_nothing_anew(console, today):
    today.file("CL03")
    browser = console("dispatcher")
    tag = poll(browser, "/console/queue")["HX-PTag"]
    elsewhere = today.file("CL03")
    today.do("desk_officer", elsewhere, "redispatch", holder="po-a02", reason="更合适")
    tag = poll(browser, "/console/queue", tag)["HX-PTag"]
    today.do("other_dispatcher", elsewhere, "sign")
    answer = poll(browser, "/console/queue", tag)
    assert answer.status_code == 304
    assert answer["HX-PTag"] != tag


def test_a_part_that_becomes_late_changes_the_tag(console, today):
    ticket = today.file("CL03")
    browser = console("dispatcher")
    due = Ticket.objects.get(pk=ticket).next_due_at
    assert due
    with moment.at(due - timedelta(seconds=1)):
        tag = poll(browser, "/console/queue")["HX-PTag"]
    today.file("CL03", who="resident_yicheng", compound_id=None, street_id=Ticket.objects.get(pk=ticket).street_id)
    with moment.at(due + timedelta(seconds=1)):
        assert poll(browser, "/console/queue", tag).status_code == 200


def test_another_filter_seat_or_language_has_another_tag(console, today, cast):
    today.file("CL03")
    browser = console("dispatcher")
    tag = poll(browser, "/console/queue")["HX-PTag"]
    assert poll(browser, "/console/queue?tab=all", tag).status_code == 200
    assert poll(console("manager"), "/console/queue", tag).status_code == 200
    seat(cast["dispatcher"], "po-a02")
    tag_with_seat = poll(browser, "/console/queue", tag)
    assert tag_with_seat.status_code == 200
    browser.post("/console/language/", {"language": "en"})
    assert poll(browser, "/console/queue", tag_with_seat["HX-PTag"]).status_code == 200


def test_a_tag_that_is_none_of_ours_is_answered_with_the_list(console, today):
    today.file("CL03")
    for tag in ("", "x", "a:b:c:d", "::", "垃圾".encode().decode("latin-1")):
        assert poll(console("dispatcher"), "/console/queue", tag).status_code == 200


# A queue that is longer than what is looked at.


@pytest.fixture
def long_queue(today):
    """More parts than are looked at, the first of them and one that waits for its resident."""
    first = today.file("CL03")
    made = copies(first, LOOKED_AT + 60, first_due=timezone.now() + timedelta(days=3))
    more_like(
        Assignment.objects.get(ticket=first), [one.pk for one in made], ticket_id="other",
        next_due_at="(SELECT next_due_at FROM tickets_ticket WHERE id = other)",
    )  # fmt: skip
    asked = today.at_work("CL01")
    today.do("dispatcher", asked, "contact", result="reached")
    today.do("dispatcher", asked, "ask", question="哪个门？")
    return first, asked


def test_the_counts_of_a_long_queue_say_that_there_may_be_more(console, long_queue):
    page = console("dispatcher").get("/console/queue").content.decode()
    assert re.findall(r"(待我办|待签收|办理中|等他方|全部)<b>([^<]*)</b>", page) == [
        ("待我办", "999+"), ("待签收", "999+"), ("办理中", "1+"), ("等他方", "1+"), ("全部", "999+"),
    ]  # fmt: skip
    # A group that was not met may be there nevertheless.
    assert re.search(r'<option value="CL">[^<]+ 999\+</option>', page)
    assert re.search(r'<option value="EL">[^<]+ </option>', page)


def test_a_long_queue_costs_as_many_statements_as_any_and_looks_at_so_many_parts_alone(console, long_queue):
    browser = console("dispatcher")
    assert cost(browser, "/console/queue?tab=all&q=标题&late=1") <= MOST_STATEMENTS
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE tickets_ticket, tickets_assignment")
    with statements() as made:
        browser.get("/console/queue")
    (counted,) = [one for one in made if "FILTER (WHERE tested_0)" in one]
    read = sum(
        one["Actual Rows"] for one in nodes(plan(counted, "ANALYZE, FORMAT JSON")) if one["Node Type"] == "Limit"
    )
    assert read == LOOKED_AT + 1
    (known,) = [one for one in made if "hashtextextended" in one and "part" in one]
    assert [
        one["Actual Rows"] for one in nodes(plan(known, "ANALYZE, FORMAT JSON")) if one["Node Type"] == "Limit"
    ] == [MOST_PARTS + 1]


@pytest.mark.parametrize(
    ("who", "name", "inputs"),
    [
        ("resident", "urge", {"reason": "快点"}),
        ("resident", "comment", {"text": "还在"}),
        ("desk_officer", "supervise", {"kind": "listed", "reason": "急"}),
        ("desk_officer", "redispatch", {"holder": "po-a02", "reason": "更合适"}),
    ],
)
def test_whatever_happens_to_a_ticket_that_a_long_queue_shows_changes_the_tag(
    console, today, long_queue, who, name, inputs
):
    browser, (first, _) = console("dispatcher"), long_queue
    tag = poll(browser, "/console/queue")["HX-PTag"]
    assert poll(browser, "/console/queue", tag).status_code == 304
    today.do(who, first, name, **inputs)
    assert poll(browser, "/console/queue", tag).status_code == 200


def test_what_happens_elsewhere_draws_a_long_queue_not_anew(console, today, long_queue):
    browser = console("dispatcher")
    elsewhere = today.file(
        "CL03", who="resident_yicheng", compound_id=None, street_id=Ticket.objects.all()[0].street_id
    )
    tag = poll(browser, "/console/queue")["HX-PTag"]
    today.do("desk_officer", elsewhere, "supervise", kind="listed", reason="急")
    answer = poll(browser, "/console/queue", tag)
    assert answer.status_code == 304
    assert answer["HX-PTag"] != tag


def test_events_are_counted_only_while_an_earlier_one_may_still_come(today):
    add(1, 10)
    assert latest_change().endswith(".0")
    today.file("CL03")
    assert latest_change().endswith(".1")
