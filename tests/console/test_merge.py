"""Merging two tickets side by side: who may, what stands there, and what becomes of both."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from community.models import Compound
from tests.console.test_ticket import verbs
from tests.statements import cost
from tickets.models import Follower, FollowerKind, Ticket, TicketClock
from tickets.states import State

MOST_STATEMENTS = 12


@pytest.fixture
def cars(scene):
    """Two reports of one fire lane, a day apart, and one of something else: the older, the newer, the other."""
    found = []
    for hours, title, text, spot, who in (
        (26, "消防通道停满了车", "3号楼西侧消防通道停满了车，救护车进不来。", "3号楼西侧", "resident"),
        (2, "消防通道又停满车", "消防通道停满了车，晚上救护车进不来，请处理。", "3号楼", "tenant"),
        (1, "地锁", "北门有人装地锁。", "北门", "resident"),
    ):
        scene.now = timezone.now() - timedelta(hours=hours)
        found.append(Ticket.objects.get(pk=scene.file("PK01", title=title, text=text, spot=spot, who=who)))
    scene.now = timezone.now()
    return found


def page(browser, one, other=None, status=200) -> str:
    answer = browser.get(
        f"/console/t/{one.code}/merge", {"with": other.code if isinstance(other, Ticket) else other or ""}
    )
    assert answer.status_code == status
    return str(answer.content.decode())


def form(html) -> dict[str, str]:
    return {name: re.search(rf'name="{name}" value="([^"]*)"', html)[1] for name in ("version", "key", "into")}


def now(ticket) -> Ticket:
    return Ticket.objects.get(pk=ticket.pk)


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("chair", 200),
        ("member", 200),
        ("desk_officer", 200),
        ("street_lead", 200),
        ("other_chair", 404),
        ("dispatcher", 404),
        ("residents_committee_worker", 404),
        ("resident", 404),
    ],
)
def test_those_may_merge_to_whom_the_move_is_offered(console, cars, who, status):
    older, newer, _ = cars
    browser = console(who)
    page(browser, newer, status=status)
    sent = {"into": str(older.pk), "version": newer.version, "key": "x"}
    offered = f"/console/t/{newer.code}/merge" in browser.get(f"/console/t/{newer.code}").content.decode()
    assert offered == (status == 200)
    if status != 200:
        assert browser.post(f"/console/t/{newer.code}/merge", sent).status_code in (404, 409)
        assert verbs(newer) == verbs(older) == ["submit"]


def test_a_committee_that_sees_a_ticket_which_it_does_not_coordinate_cannot_merge_it(console, scene, cars):
    lamp = Ticket.objects.get(pk=scene.at_work("CL03"))
    browser, before = console("chair"), verbs(lamp)
    assert "/merge" not in browser.get(f"/console/t/{lamp.code}").content.decode()
    page(browser, lamp, status=404)
    # The other way round, it sees both and is told why not.
    html = page(browser, cars[0], lamp)
    assert "保留的那件不由您的单位协调" in html
    assert 'data-key="f"' not in html
    for one, other, status in ((lamp, cars[0], 409), (cars[0], lamp, 422)):
        sent = {"into": str(other.pk), "version": one.version, "key": "x"}
        assert browser.post(f"/console/t/{one.code}/merge", sent).status_code == status
    assert (verbs(lamp), verbs(cars[0])) == (before, ["submit"])


def test_the_choice_names_what_is_alike_and_not_the_ticket_itself(console, cars):
    older, newer, other = cars
    html = page(console("chair"), newer)
    assert re.findall(r'id="open-(\w+)"', html) == [older.code, other.code]
    assert re.search(rf'id="open-{older.code}".*?(\d+)%', html, re.DOTALL)[1] > "70"


def test_any_number_may_be_typed_and_one_that_is_not_theirs_to_see_is_as_absent(console, scene, cars):
    elsewhere = Compound.objects.get(area__committee__code="pmc-a02").pk
    theirs = Ticket.objects.get(pk=scene.file("PK01", title="别处的车", compound_id=elsewhere))
    browser, (older, newer, _) = console("chair"), cars
    assert older.text in page(browser, newer, older.code.lower())
    for number in (theirs.code, "没有", "000000000"):
        html = page(browser, newer, number)
        assert "没有这个单号的工单，或者您看不到它。" in html
        assert "别处的车" not in html
    assert "这就是本单" in page(browser, newer, newer.code)


def test_both_stand_side_by_side_with_their_differences_and_what_becomes_of_them(console, cars):
    older, newer, _ = cars
    html = page(console("desk_officer"), newer, older)
    goes, stays = html[html.index('class="goes"') : html.index('class="stays"')], html[html.index('class="stays"') :]
    for part, ticket in ((goes, newer), (stays, older)):
        for words in (ticket.title, ticket.text, ticket.spot, ticket.code, "协调中"):
            assert words in part
    assert "这件结束" in goes
    assert "这件保留" in stays
    differs = re.findall(r'class="differs"><dt>([^<]+)', goes)
    assert "地点" in differs
    assert "类别" not in differs
    assert "改为关注保留的那件" in html
    assert f'href="/console/t/{older.code}/merge?with={newer.code}"' in html


def test_one_confirmation_merges_once_and_leads_to_the_one_that_stays(console, cars, cast):
    older, newer, _ = cars
    browser = console("chair")
    sent = form(page(browser, newer, older))
    for _ in range(2):
        answer = browser.post(f"/console/t/{newer.code}/merge", sent)
        assert (answer.status_code, answer["Location"]) == (302, f"/console/t/{older.code}")
    assert (now(newer).state, now(newer).merged_into_id) == (State.MERGED, older.pk)
    assert now(older).state == State.COORDINATING
    assert (verbs(newer), verbs(older)) == (["submit", "merge"], ["submit", "absorb"])
    assert Follower.objects.filter(ticket=older, person=cast["tenant"], kind=FollowerKind.MERGED).exists()
    assert not TicketClock.objects.filter(subject=newer, stopped_at=None).exists()
    assert browser.get(f"/console/t/{older.code}").status_code == 200


def test_swapped_the_other_one_stays(console, cars):
    older, newer, _ = cars
    browser = console("chair")
    html = page(browser, newer, older)
    swap = re.search(r'href="([^"]+)" data-key="s"', html)[1]
    answer = browser.post(swap.split("?")[0], form(browser.get(swap).content.decode()))
    assert answer["Location"] == f"/console/t/{newer.code}"
    assert (now(older).state, now(newer).state) == (State.MERGED, State.COORDINATING)


def test_a_ticket_that_has_changed_since_is_shown_anew_and_nothing_is_merged(console, scene, cars):
    older, newer, _ = cars
    browser = console("chair")
    sent = form(page(browser, newer, older))
    scene.do("chair", newer.pk, "dispatch", holder="po-a01")
    answer = browser.post(f"/console/t/{newer.code}/merge", sent)
    html = answer.content.decode()
    assert answer.status_code == 409
    assert "已被他人更新" in html
    assert older.title in html
    assert newer.title in html
    assert "已派单" in html
    assert (now(newer).state, verbs(older)) == (State.DISPATCHED, ["submit"])
    assert browser.post(f"/console/t/{newer.code}/merge", form(html)).status_code == 302
    assert now(newer).merged_into_id == older.pk


def test_the_one_that_was_merged_elsewhere_meanwhile_can_no_longer_be(console, scene, cars):
    older, newer, other = cars
    browser = console("chair")
    sent = form(page(browser, newer, older))
    scene.do("desk_officer", newer.pk, "merge", into=str(other.pk))
    answer = browser.post(f"/console/t/{newer.code}/merge", sent)
    assert answer.status_code == 409
    assert 'data-key="f"' not in answer.content.decode()
    assert (now(newer).merged_into_id, verbs(older)) == (other.pk, ["submit"])


def test_what_the_engine_refuses_is_said_beside_both(console, scene, cars):
    older, newer, _ = cars
    secret = Ticket.objects.get(pk=scene.file("PK01", title="不公开的车", secrecy="confidential"))
    browser = console("desk_officer")
    answer = browser.post(f"/console/t/{newer.code}/merge", form(page(browser, newer, secret)))
    assert answer.status_code == 422
    assert "他人的工单不能并入不公开的工单" in answer.content.decode()
    for into in ("", "x", str(newer.pk)):
        sent = {"into": into, "version": newer.version, "key": f"k{into}"}
        assert browser.post(f"/console/t/{newer.code}/merge", sent).status_code == 422
    assert verbs(newer) == verbs(secret) == verbs(older) == ["submit"]


def test_the_pages_keep_to_their_statements(console, scene, cars):
    older, newer, _ = cars
    for who in ("chair", "desk_officer"):
        for path in ("", f"?with={older.code}"):
            assert cost(console(who), f"/console/t/{newer.code}/merge{path}") <= MOST_STATEMENTS
    working = [Ticket.objects.get(pk=scene.at_work("CL03")) for _ in range(2)]
    for path in ("", f"?with={working[0].code}"):
        assert cost(console("desk_officer"), f"/console/t/{working[1].code}/merge{path}") <= MOST_STATEMENTS
