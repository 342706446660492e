import re
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from casework.kinds import kinds
from community.models import Compound, Organisation
from console.navigation import entries_of
from console.screens import wall as wall_screen
from tests.people import seat
from tests.statements import cost, general_plan, nodes, statements
from tests.tickets.story import copies
from tickets.models import Ticket
from tickets.models.ticket import FACETS
from tickets.reading import wall
from tickets.reading.counts import totals
from tickets.reading.lists import Pressing, PressingList
from workflow import moment
from workflow.models import LastSweep

MOST_STATEMENTS = 12
OF_DUE = {"ticket_street_open", *(f"ticket_open_{name}" for name in FACETS)}
"""The indexes that have the due moment behind the street, some of them with what lies between."""


@pytest.fixture(autouse=True)
def counted_anew():
    """What a process keeps for a minute is of no other test."""
    wall_screen.forget()


@pytest.fixture
def today(scene):
    """The scene two hours ago, so that what happens is news."""
    scene.now = timezone.now() - timedelta(hours=2)
    return scene


def code(pk) -> str:
    return str(Ticket.objects.get(pk=pk).code)


def due(pk, when) -> str:
    """Let the ticket be due at a moment; its number."""
    Ticket.objects.filter(pk=pk).update(next_due_at=when, at_risk_at=when)
    return code(pk)


def slips(page) -> list[str]:
    """The numbers of the tickets on the page, in order."""
    return re.findall(r'id="row-([0-9A-Z]{9})"', page.content.decode())


def figures(page) -> list[int]:
    """The four figures."""
    found = page.content.decode().split('class="figures"')[1].split('class="fresh"')[0]
    return [int(one) for one in re.findall(r"<b>(\d+)</b>", found)]


def links(page) -> list[str]:
    """Where the figures lead."""
    found = page.content.decode().split('class="figures"')[1].split('class="fresh"')[0]
    return [one.replace("&amp;", "&") for one in re.findall(r'href="([^"]+)"', found)]


def poll(browser: Client, address: str, tag: str = ""):
    headers = {"HX-Request": "true", "HX-Target": "section#list"}
    return browser.get(address, headers=headers | ({"HX-PTag": tag} if tag else {}))


@pytest.fixture
def noon():
    """A moment from which two hours and the midnight after it lie apart."""
    return timezone.localtime().replace(hour=12, minute=0, second=0, microsecond=0)


@pytest.fixture
def five(today, noon):
    """Two late tickets, one due in two hours, one later today, and one tomorrow; their numbers."""
    spans = (-3, -1, 1, 5, 20)
    with moment.at(noon):
        return [due(today.file("CL03"), noon + timedelta(hours=one)) for one in spans]


def test_the_wall_shows_what_is_late_or_due_today_and_each_figure_leads_to_exactly_these(console, five, noon):
    browser = console("desk_officer")
    with moment.at(noon):
        page = browser.get("/console/wall")
        assert slips(page) == five[:4]
        assert figures(page) == [2, 1, 1, 0]
        led = [slips(browser.get(one)) for one in links(page)]
    assert led == [five[:2], [five[2]], [five[3]], []]


@pytest.mark.parametrize(
    ("who", "status"),
    [
        *((one, 200) for one in ("street_lead", "desk_officer", "general_officer", "chair", "other_chair")),
        ("residents_committee_worker", 200),
        *((one, 404) for one in ("dispatcher", "worker", "manager", "head_manager", "lift_dispatcher")),
        *((one, 404) for one in ("traffic_liaison", "resident", "neighbour", "outsider")),
    ],
)
@pytest.mark.parametrize("address", ["/console/wall", "/console/tickets"])
def test_those_who_watch_over_places_have_the_wall_and_nobody_else(console, who, status, address):
    assert console(who).get(address).status_code == status


def test_nobody_who_is_signed_out_sees_it(db):
    assert Client().get("/console/wall").status_code == 302
    assert poll(Client(), "/console/wall").status_code == 403


def test_each_watches_over_their_own_places_alone(console, today, noon):
    elsewhere = (
        Compound.objects.exclude(area__committee=None).exclude(pk=today.home).get(area__committee__code="pmc-a02")
    )
    here = due(today.file("CL03"), noon + timedelta(hours=1))
    there = due(today.file("CL03", compound_id=elsewhere.pk), noon + timedelta(hours=1))
    told = today.file("PK01", type="report", accused_id=today.codes["po-a01"], secrecy="anonymous")
    secret = due(told, noon + timedelta(hours=1))
    watchers = ("desk_officer", "chair", "other_chair")
    with moment.at(noon):
        seen = {who: set(slips(console(who).get("/console/wall"))) for who in watchers}
        counted = {who: figures(console(who).get("/console/wall"))[1] for who in watchers}
    assert seen == {"desk_officer": {here, there, secret}, "chair": {here}, "other_chair": {there}}
    assert counted == {who: len(found) for who, found in seen.items()}


def test_an_officer_who_sits_with_the_accused_does_not_see_it_counted(console, cast, today, noon):
    due(
        today.file("PK01", type="report", accused_id=today.codes["po-a01"], secrecy="anonymous"),
        noon - timedelta(hours=1),
    )
    seat(cast["desk_officer"], "po-a01")
    with moment.at(noon):
        recused, other = (console(who).get("/console/wall") for who in ("desk_officer", "general_officer"))
    assert (figures(recused), slips(recused)) == ([0, 0, 0, 0], [])
    assert figures(other) == [1, 0, 0, 0]


def test_a_column_shows_the_most_urgent_and_leads_to_the_others(console, today, noon):
    found = [due(today.file("CL03"), noon - timedelta(hours=one)) for one in range(10, 0, -1)]
    browser = console("desk_officer")
    with moment.at(noon):
        page = browser.get("/console/wall")
        whole = browser.get("/console/tickets?list=open&due=late")
    assert slips(page) == found[:8]
    assert re.search(r'class="more" href="/console/tickets\?list=open&amp;due=late">还有 2 件', page.content.decode())
    assert slips(whole) == found


def test_a_slip_calls_the_holders_office_where_it_has_a_phone(console, five, noon):
    browser = console("desk_officer")
    Organisation.objects.filter(code="po-a01").update(phone="010-55500099")
    with moment.at(noon):
        assert browser.get("/console/wall").content.decode().count('href="tel:010-55500099"') == 4
    Organisation.objects.filter(code="po-a01").update(phone="")
    with moment.at(noon):
        assert 'href="tel:' not in browser.get("/console/wall").content.decode()


def test_the_street_alone_is_offered_supervision(console, five, noon):
    with moment.at(noon):
        assert console("desk_officer").get("/console/wall").content.decode().count("/supervise?kind=routine") == 8
        assert "/supervise" not in console("chair").get("/console/wall").content.decode()


def test_the_wall_counts_what_was_received_by_day_and_hour(console, today, noon):
    first = noon - timedelta(days=29)
    for pk, when in ((today.file(), first.replace(hour=0)), (today.file(), noon), (today.file(), noon)):
        Ticket.objects.filter(pk=pk).update(submitted_at=when)
    before = today.file()
    Ticket.objects.filter(pk=before).update(submitted_at=first.replace(hour=0) - timedelta(seconds=1))
    actor, (begins, midnight) = today.actor("desk_officer", at=noon), wall.first_days(noon)
    past = wall.received_by_hour("street", actor, begins, midnight, accusing=False)
    found = wall.received(noon, past, wall.received_by_hour("street", actor, midnight, accusing=False))
    assert sum(past.values()) == 1
    assert dict(found.days) == {(first + timedelta(days=one)).date(): {0: 1, 29: 2}.get(one, 0) for one in range(30)}
    assert found.hours[noon.weekday()][12] == 2
    assert found.hours[first.weekday()][0] == 1
    assert sum(map(sum, found.hours)) == 3
    with moment.at(noon):
        html = console("desk_officer").get("/console/wall").content.decode()
    assert re.search(rf"<title>{noon:%m-%d} · 2</title>", html)
    assert " style=" not in html


def test_where_it_presses_leads_to_the_tickets_there(console, five, noon):
    browser = console("desk_officer")
    with moment.at(noon):
        html = browser.get("/console/wall").content.decode()
        tile = re.search(r'<ul class="tiles"><li class="late"><a href="([^"]+)">', html)
        assert slips(browser.get(tile[1].replace("&amp;", "&"))) == five[:2]
        compound = re.search(r'href="(/console/tickets\?list=open&amp;compound=[^"]+)"', html)
        assert slips(browser.get(compound[1].replace("&amp;", "&"))) == five


def test_the_wall_says_whether_somebody_watches_the_clocks(console, today):
    browser = console("desk_officer")
    LastSweep.objects.all().delete()
    assert "没有程序在看时钟" in browser.get("/console/wall").content.decode()
    LastSweep.objects.bulk_create(LastSweep(name=kind.name, at=timezone.now()) for kind in kinds())
    assert "时钟准时" in browser.get("/console/wall").content.decode()
    LastSweep.objects.update(at=timezone.now() - timedelta(minutes=3))
    assert re.search(r"时钟落后 3 分", browser.get("/console/wall").content.decode())


def test_an_idle_poll_is_answered_304_and_any_change_to_a_shown_ticket_changes_the_tag(console, five, scene, noon):
    browser = console("desk_officer")
    shown = Ticket.objects.get(code=five[0]).pk
    with moment.at(noon):
        first = poll(browser, "/console/wall")
        assert poll(browser, "/console/wall", first["HX-PTag"]).status_code == 304
    for who, name, inputs in (
        ("dispatcher", "sign", {}),
        ("resident", "urge", {"reason": "还没来"}),
        ("desk_officer", "supervise", {"kind": "routine", "reason": "已超时"}),
        ("desk_officer", "raise_level", {"level": 2}),
    ):
        scene.do(who, shown, name, **inputs)
        Ticket.objects.filter(pk=shown).update(next_due_at=noon - timedelta(hours=3))
        with moment.at(noon):
            then = poll(browser, "/console/wall", first["HX-PTag"])
        assert then.status_code == 200, name
        assert then["HX-PTag"] != first["HX-PTag"]
        first = then


def test_a_new_ticket_elsewhere_changes_no_wall_that_does_not_show_it(console, five, today, noon):
    browser = console("other_chair")
    with moment.at(noon):
        first = poll(browser, "/console/wall")
        due(today.file("CL03"), noon - timedelta(hours=1))
        assert poll(browser, "/console/wall", first["HX-PTag"]).status_code == 304


def test_what_gets_late_by_time_alone_changes_the_tag(console, five, noon):
    browser = console("desk_officer")
    with moment.at(noon):
        first = poll(browser, "/console/wall")
    with moment.at(noon + timedelta(minutes=61)):
        then = poll(browser, "/console/wall", first["HX-PTag"])
    assert then.status_code == 200
    assert figures(then)[:3] == [3, 0, 1]


def test_a_poll_that_finds_nothing_new_costs_three_statements_and_a_page_few(console, five, noon):
    browser = console("desk_officer")
    with moment.at(noon):
        wall_screen.forget()
        tag = poll(browser, "/console/wall")["HX-PTag"]
        with statements() as idle:
            assert poll(browser, "/console/wall", tag).status_code == 304
        wall_screen.forget()
        with statements() as whole:
            assert browser.get("/console/wall").status_code == 200
        assert cost(browser, "/console/tickets?list=overdue&level=0") <= MOST_STATEMENTS
        assert cost(browser, f"/console/tickets?list=open&due=late&compound={home()}") <= MOST_STATEMENTS
    assert len(idle) == 3
    assert len(whole) <= MOST_STATEMENTS


def home() -> str:
    return str(Compound.objects.get(name="学院路14号院").pk)


def test_past_days_are_counted_once_for_all_who_sit_together_and_today_once_a_minute(console, today, noon):
    today.file()
    browser = console("desk_officer")
    with moment.at(noon):
        browser.get("/console/wall")
        with statements() as again:
            browser.get("/console/wall")
        wall_screen.forget()
        with statements() as anew:
            browser.get("/console/wall")
    counted = [sum("trunchour" in one for one in made) for made in (again, anew)]
    assert counted == [0, 3]
    with moment.at(noon), statements() as of_another:
        console("general_officer").get("/console/wall")
    # What accuses somebody depends on where one sits.
    assert sum("trunchour" in one for one in of_another) == 1


def plans_for_all_values(ask) -> list[set[str]]:
    """The indexes, and the tables read whole, of each statement as a web server plans it, which knows no value."""
    made: list[str] = []

    def note(execute, sql, params, many, context):
        made.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        ask()
    found = [list(nodes(general_plan(sql))) for sql in made]
    return [
        {one["Index Name"] for one in read if "Index Name" in one}
        | {one["Relation Name"] for one in read if one["Node Type"] == "Seq Scan"}
        for read in found
    ]


@pytest.fixture
def thousands(five, scene, noon):
    """Thousands of open tickets, with what PostgreSQL knows of them."""
    copies(Ticket.objects.order_by("pk")[0].pk, 6000, first_due=noon + timedelta(days=30))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE tickets_ticket")


FIGURES = (
    ("the places", "desk_officer", partial(wall.pressed, "street"), OF_DUE),
    ("what is late", "desk_officer", lambda actor: wall.late(actor, 1000), OF_DUE),
    ("what is supervised", "desk_officer", partial(wall.supervised, "street"), {"ticket_supervised"}),
    (
        "what is at risk",
        "desk_officer",
        partial(totals, {"": PressingList(which=Pressing.AT_RISK)}),
        {"ticket_at_risk"},
    ),
    ("the supervised of an area", "chair", partial(wall.supervised, "area"), {"ticket_supervised"}),
)
"""Each figure with who asks for it, how it is counted, and by which indexes it may be read."""


def test_figures_and_what_the_navigation_counts_are_read_by_indexes_whatever_their_values(thousands, scene, noon):
    for what, who, ask, indexes in FIGURES:
        (*_, read) = plans_for_all_values(partial(ask, scene.actor(who, at=noon)))
        assert read & indexes, what
        assert "tickets_ticket" not in read, what
    for who in ("desk_officer", "chair"):
        actor = scene.actor(who, at=noon)
        for entry in entries_of(actor):
            for read in plans_for_all_values(lambda entry=entry, actor=actor: entry.shown(actor)):
                assert "tickets_ticket" not in read, entry.name


def test_what_people_wrote_stays_text_on_the_wall_and_in_the_list(console, today, noon):
    script = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
    due(today.file("CL03", title=script[:60], spot=script[:60], text=script), noon + timedelta(hours=1))
    browser = console("desk_officer")
    with moment.at(noon):
        for address in ("/console/wall", "/console/tickets"):
            html = browser.get(address).content.decode()
            assert "&lt;script&gt;alert(1)" in html
            assert "<script>alert" not in html
            assert "<img src=x" not in html


# The lists.


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("", [0, 1, 2, 3, 4]),
        ("?list=overdue", [0, 1]),
        ("?list=open&due=soon", [2]),
        ("?state=in_progress", [1]),
        ("?level=2", [2]),
        ("?supervised=true", [3]),
        ("?supervised=listed", [3]),
        ("?group=CL", [0, 1, 2, 3, 4]),
        ("?group=EL", []),
        ("?category=CL03", [0, 1, 2, 3, 4]),
        ("?urgent=true", []),
        ("?list=coordinating", []),
        ("?list=ended", []),
        ("?list=inspected", []),
        ("?list=unknown", [0, 1, 2, 3, 4]),
    ],
)
def test_every_list_narrows_by_what_its_address_says(console, five, scene, noon, address, found):
    keys = [Ticket.objects.get(code=one).pk for one in five]
    dues = dict(Ticket.objects.values_list("pk", "next_due_at"))
    scene.do("dispatcher", keys[1], "sign")
    scene.do("desk_officer", keys[2], "raise_level", level=2)
    scene.do("desk_officer", keys[3], "supervise", kind="listed", reason="多次反映")
    for pk, when in dues.items():
        Ticket.objects.filter(pk=pk).update(next_due_at=when)
    with moment.at(noon):
        page = console("desk_officer").get(f"/console/tickets{address}")
    assert slips(page) == [five[one] for one in found]
    assert re.search(rf'aria-current="page">[^<]+<b>{len(found)}</b>', page.content.decode())


def test_a_list_by_its_holder_community_and_number(console, five, noon):
    browser = console("desk_officer")
    ticket = Ticket.objects.get(code=five[4])
    with moment.at(noon):
        for narrowed in (
            f"holder={ticket.holder_id}",
            f"community={ticket.community_id}",
            f"compound={ticket.compound_id}",
        ):
            assert slips(browser.get(f"/console/tickets?{narrowed}")) == five
        assert slips(browser.get(f"/console/tickets?q={five[4]}")) == [five[4]]
        assert slips(browser.get(f"/console/tickets?holder={ticket.desk_id}")) == []


@pytest.mark.parametrize("address", ["?holder=x", "?level=9", "?state=lost", "?cursor=x", "?needs_me=true"])
def test_a_parameter_that_no_list_takes_finds_no_page(console, address):
    assert console("desk_officer").get(f"/console/tickets{address}").status_code == 404


def test_a_residents_committee_has_no_list_of_the_office(console, five, noon):
    with moment.at(noon):
        html = console("residents_committee_worker").get("/console/tickets?list=overdue").content.decode()
    tabs = html.split('class="tabs"')[1].split("</nav>")[0]
    assert re.findall(r'href="[^"]+list=(\w+)"', tabs) == ["open", "inspected", "ended"]


def test_a_list_is_read_page_by_page(console, today, noon):
    for one in range(52):
        due(today.file("CL03"), noon + timedelta(hours=1, seconds=one))
    browser = console("desk_officer")
    with moment.at(noon):
        first = browser.get("/console/tickets")
        after = re.search(r'class="pages".*?href="(\?[^"]+)">后面的', first.content.decode(), re.DOTALL)
        second = browser.get(f"/console/tickets{after[1].replace('&amp;', '&')}")
    assert (len(slips(first)), len(slips(second))) == (50, 2)
    assert not set(slips(first)) & set(slips(second))


def test_a_slip_offers_what_the_state_of_its_ticket_allows(console, five, scene, noon):
    scene.do("dispatcher", Ticket.objects.get(code=five[1]).pk, "sign")
    Ticket.objects.filter(code=five[1]).update(next_due_at=noon - timedelta(hours=1))
    with moment.at(noon):
        html = console("desk_officer").get("/console/wall").content.decode()
    assert set(re.findall(r'href="/console/t/([0-9A-Z]{9})/whistle"', html)) == {five[1]}


def test_a_link_may_choose_in_a_form_but_writes_no_words_into_it(console, five):
    browser = console("desk_officer")
    html = browser.get(f"/console/t/{five[0]}/supervise?kind=routine&reason=planted&key=planted").content.decode()
    assert re.search(r'name="kind" value="routine" checked', html)
    assert not re.search(r'value="planted"|>\s*planted', html)
