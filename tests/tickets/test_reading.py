"""Any face lists, counts, narrows and reads tickets by the same functions: no request of the API's is in their hands."""

import pytest
from django.http import QueryDict

from tickets.queries import visible_ticket
from tickets.reading import document, parameters, timeline
from tickets.reading.counts import counts
from tickets.reading.filters import Filter
from tickets.reading.lists import Pressing, PressingList, QueueList, ScopedList
from tickets.reading.parties import organisation_names
from tickets.states import State
from web.paging import PageRequest
from web.problems import Problem
from workflow.errors import NotPermitted

pytestmark = pytest.mark.django_db


@pytest.fixture
def three(scene):
    """The desk officer, and tickets that are dispatched, in progress and closed."""
    found = {state: scene.reach(state) for state in (State.DISPATCHED, State.IN_PROGRESS, State.CLOSED)}
    return scene.actor("desk_officer"), found


def ids(page):
    return {one["id"] for one in page.rows}


def test_a_page_for_staff_lists_what_its_address_asks_for_as_the_api_does(three, api):
    officer, tickets = three
    address = "scope=street&state=dispatched,in_progress&sort=-submitted_at&limit=1"
    params = QueryDict(address)
    first = parameters.ticket_list(params).read(officer, PageRequest.of(params))
    assert ids(first) == {tickets[State.IN_PROGRESS]}
    rest = parameters.ticket_list(params).read(officer, PageRequest(cursor=first.next_cursor))
    assert ids(rest) == {tickets[State.DISPATCHED]}
    assert rest.next_cursor is None
    (row,) = api("desk_officer").get(f"tickets?{address}")["results"]
    assert row.keys() == first.rows[0].keys()
    assert (row["id"], row["title"]) == (str(tickets[State.IN_PROGRESS]), first.rows[0]["title"])


def test_a_list_is_asked_for_without_any_address_too(three):
    officer, tickets = three
    asked = ScopedList(scope="street", status="all", filter=Filter({"state": ["closed"]}))
    assert ids(asked.read(officer, PageRequest())) == {tickets[State.CLOSED]}


def test_counts_leave_out_the_facet_s_own_value(three):
    officer, _ = three
    query, by = parameters.ticket_counts(QueryDict("scope=street&state=dispatched&by=state"))
    found = counts(query, by, officer)
    assert found["total"]["count"] == 1
    counted = {one["value"]: one["count"] for one in found["facets"]["state"]}
    assert (counted["dispatched"], counted["in_progress"]) == (1, 1)


def test_a_queue_and_what_presses_are_read_alike(three, scene):
    officer, tickets = three
    worker = scene.actor("dispatcher")
    parts = QueueList().read(worker, PageRequest()).rows
    assert {one["ticket"]["id"] for one in parts} == {tickets[State.DISPATCHED], tickets[State.IN_PROGRESS]}
    query, by = parameters.queue_counts(QueryDict("by=state"))
    assert counts(query, by, worker)["total"]["count"] == 2
    assert PressingList(which=Pressing.OVERDUE).read(officer, PageRequest()).rows == []
    with pytest.raises(NotPermitted):
        PressingList(which=Pressing.OVERDUE).read(worker, PageRequest())


def test_a_filter_on_what_the_reader_may_not_see_is_refused(scene):
    resident = scene.actor("resident")
    with pytest.raises(Problem) as refused:
        parameters.ticket_list(QueryDict("scope=mine&desk=01900000-0000-7000-8000-000000000000")).read(
            resident, PageRequest()
        )
    assert [(one.field, one.code) for one in refused.value.errors] == [("desk", "not_here")]
    with pytest.raises(Problem) as refused:
        parameters.ticket_list(QueryDict("state=nowhere"))
    assert [one.field for one in refused.value.errors] == ["state"]


def test_a_ticket_and_its_timeline_are_read_as_the_reader_may_see_them(three, scene):
    _, tickets = three
    for who, sees_facts in (("desk_officer", True), ("resident", False)):
        reader = scene.actor(who)
        ticket = visible_ticket(tickets[State.IN_PROGRESS], reader)
        assert document.detail(ticket, reader)["state"] == "in_progress"
        events = list(ticket.events.select_related("words", "actor").order_by("seq"))
        names = organisation_names(one.actor_organisation_id for one in events)
        lines = [timeline.line(one, ticket, reader, names) for one in events]
        assert [one["verb"] for one in lines][:1] == ["submit"]
        assert any("terms" in one["data"] for one in lines) is sees_facts
