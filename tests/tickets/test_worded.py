"""Lists whose statement was worded for somebody else have the same rows as those that are worded each time."""

import pytest

from community.models import Organisation
from tests.tickets.story import row
from tickets.models import Ticket
from tickets.reading import worded
from tickets.reading.filters import Filter
from tickets.reading.lists import SCOPES, Pressing, PressingList, QueueList, ScopedList
from tickets.search import Wanted
from web.paging import PageRequest
from web.problems import Problem
from workflow.errors import NotPermitted

pytestmark = pytest.mark.django_db
WHO = ("resident", "neighbour", "dispatcher", "chair", "property_officer", "street_lead")


@pytest.fixture
def busy(scene):
    """Tickets of several people in several states."""
    for state in ("dispatched", "in_progress", "replied", "coordinating", "closed", "on_account"):
        scene.reach(state)
    for number, who in enumerate(("resident", "neighbour", "resident", "neighbour")):
        ticket = scene.file("EL01" if number % 2 else "CL03", who=who)
        Ticket.objects.filter(pk=ticket).update(level=number)
    return scene


def lists(scene):
    """Lists of every kind, with filters by id, by word and by moment."""
    company = Organisation.objects.filter(kind="project_office").first()
    compound, holder = Ticket.objects.exclude(holder=None).values_list("compound", "holder").first()
    for scope in SCOPES:
        filters = [
            {},
            {"compound": compound},
            {"holder": holder, "compound": compound},
            {"state": ["dispatched", "replied"]},
        ]
        for values, status in zip(filters, ("open", None, "all", "ended"), strict=True):
            yield ScopedList(scope=scope, status=status, filter=Filter(values))
        for sort in ("due_at", "-level"):
            yield ScopedList(scope=scope, status="all", sort=sort, filter=Filter({"compound": compound}))
    for status in ("open", "ended"):
        yield QueueList(status=status)
        yield QueueList(status=status, organisation=company.pk, roles=["lead"])
    yield QueueList(filter=Filter({"worker": "me"}))
    yield QueueList(filter=Filter({"worker": "none", "updated_after": scene.now}))
    for words in ("处理", "尽快 处理", "没有这样", "1234", "街道"):
        yield ScopedList(scope="street", filter=Filter({"q": Wanted.read(words)}))
        yield ScopedList(scope="compound", filter=Filter({"compound": compound, "q": Wanted.read(words)}))
        yield QueueList(filter=Filter({"q": Wanted.read(words)}))
    for which in Pressing:
        yield PressingList(which=which)


def pages(read):
    """The rows of each page, one after the other."""
    asked = PageRequest(None, 2)
    while True:
        found = read(asked)
        yield found.rows
        if found.next_cursor is None:
            return
        asked = PageRequest(found.next_cursor, 2)


def test_every_list_of_everybody_is_the_same_as_if_it_were_worded_anew(busy):
    worded._wordings.clear()
    read = 0
    for who in WHO:
        actor = busy.actor(who)
        for query in lists(busy):
            try:
                listing = query.listing(actor)
                anew = list(pages(lambda asked, listing=listing, actor=actor: worded.listed(listing, asked, actor.at)))
            except (NotPermitted, Problem) as refusal:
                with pytest.raises(type(refusal)):
                    worded.page(query, actor, PageRequest())
                continue
            assert list(pages(lambda asked, query=query, actor=actor: worded.page(query, actor, asked)[1])) == anew
            read += len(anew)
    kept = [one for one in worded._wordings.values() if one is not None]
    assert read > 100
    # Most were worded for somebody else, or for another page.
    assert len(kept) < read / 2


def test_what_is_found_by_its_number_or_lies_in_the_areas_of_a_committee_is_worded_each_time(busy, api):
    worded._wordings.clear()
    api("street_lead").get("tickets", scope="street", q=row(busy.file()).code)
    api("chair").get("tickets", scope="area")
    assert not worded._wordings
    api("street_lead").get("tickets", scope="street")
    assert len(worded._wordings) == 1
