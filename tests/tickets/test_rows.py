"""A row of a list shows what the whole ticket shows the same reader."""

import pytest
from django.utils.translation import override

from tickets.access import PARTS, SEES_WHOLE, Relation
from tickets.models import Ticket
from tickets.models.photo import PhotoKind
from tickets.models.ticket import NEXT
from tickets.queries import visible_ticket
from tickets.reading import document
from tickets.reading.lists import SCOPES, Pressing, PressingList, QueueList, ScopedList
from tickets.reading.schemas import MatterSerializer
from tickets.states import ENDED
from web.paging import PageRequest
from workflow.errors import NotPermitted

pytestmark = pytest.mark.django_db
READERS = (
    *("resident", "tenant", "neighbour", "dispatcher", "chair", "lift_dispatcher"),
    *("property_officer", "desk_officer", "street_lead", "residents_committee_worker"),
)
ALIKE = frozenset({"id", "level", "supervised", *MatterSerializer._declared_fields}) - {"state"}
BESIDES = frozenset({Relation.NEIGHBOUR, Relation.COMMITTEE, Relation.STREET_LEAD})
"""Relations that show nothing more of a ticket to somebody in one of the others."""


@pytest.fixture
def street_at_work(scene):
    """Tickets in every open state and two that have ended, with pictures, workers, an officer, hidden words and those in their place."""
    pictured = scene.file("CL03", photos=(scene.photo("resident", PhotoKind.REPORT),))
    scene.do("tenant", pictured, "cosign")
    scene.do("dispatcher", pictured, "sign", worker="worker")
    scene.do("dispatcher", pictured, "progress", text="已到货", photos=[scene.photo("dispatcher")])
    scene.do("property_officer", pictured, "appoint", officer=str(scene.cast["desk_officer"].pk), reason="专人负责")
    scene.do("resident", pictured, "hide_words", hidden=True)
    for state in (
        *("submitted", "coordinating", "dispatched", "in_progress", "returning", "replied", "on_account", "closed"),
        "terminated",
    ):
        scene.reach(state, text=f"住3号楼2单元601，电话13800138000。{'很长' * 200}")
    asked = scene.at_work()
    scene.do("dispatcher", asked, "ask", question="是哪个单元？")
    Ticket.objects.filter(pk=asked).update(public_title="公开的题目", public_text="公开的话")
    return scene


def lists(who, scene):
    """Every list of `who`: rows of tickets, and what they are to each; of parts the relation is the part's."""
    actor = scene.actor(who)
    for scope, relation in SCOPES.items():
        for status in ("open", "ended", "all"):
            if scope != "compound":
                yield ScopedList(scope=scope, status=status).read(actor, PageRequest()).rows, relation
    for part in QueueList().read(actor, PageRequest()).rows:
        yield [part["ticket"]], PARTS[part["role"]]
    for which in Pressing:
        try:
            rows = PressingList(which=which).read(actor, PageRequest()).rows
        except NotPermitted:
            continue
        yield rows, Relation.COORDINATOR if who == "chair" else Relation.STREET


def next_clock(whole, relation):
    """The clock of the whole ticket that is due next."""
    running = [one for one in whole["clocks"] if one["state"] in ("running", "overdue") and one["name"] in NEXT]
    return min(running, key=lambda one: one["due_at"], default=None)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_row_shows_what_the_whole_ticket_shows_the_same_reader(street_at_work, language):
    compared = set()
    with override(language):
        for who in READERS:
            for rows, relation in lists(who, street_at_work):
                for row in rows:
                    whole = document.detail(
                        visible_ticket(row["id"], street_at_work.actor(who)), street_at_work.actor(who)
                    )
                    if {*whole["relations"]} - (BESIDES - {relation}) != {relation}:
                        continue
                    compared.add(relation)
                    assert {name: row[name] for name in ALIKE} == {name: whole[name] for name in ALIKE}, (who, relation)
                    assert row["category"] == {name: whole["category"][name] for name in ("code", "name")}
                    if relation in SEES_WHOLE:
                        assert_beside(row, whole, relation)
                    else:
                        assert [row[name] for name in ("spot", "first_words", "thumb", "worker", "clock")] == [None] * 5
    assert compared == {*SCOPES.values(), *(PARTS[one] for one in ("lead", "co_handler"))} - {
        Relation.NEIGHBOUR,
        Relation.INSPECTOR,
    }


def assert_beside(row, whole, relation):
    """What stands beside the ticket's own columns is as in the whole ticket."""
    words = " ".join((whole["text"] or "").split())
    assert row["first_words"].removesuffix("…") == words[: len(row["first_words"].removesuffix("…"))]
    assert bool(row["first_words"]) == bool(words)
    thumbs = [one["thumb"] for one in whole["photos"]]
    assert row["thumb"] in thumbs if thumbs else row["thumb"] is None
    leads = [one for one in whole["assignments"] if one["role"] == "lead" and one["opened_at"]]
    assert row["worker"] in [one["worker"] for one in leads] if leads else row["worker"] is None
    shown, clock = row["clock"], next_clock(whole, relation)
    assert (shown is None) == (clock is None)
    if shown and relation not in PARTS.values():
        assert shown == {name: clock[name] for name in shown}
    if whole["state"] in ENDED:
        assert row["clock"] is None
