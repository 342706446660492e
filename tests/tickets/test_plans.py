"""How PostgreSQL reads lists: by an index and in its order, however many tickets there are."""

import uuid
from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.db.models import Count

from bench.fill import TABLES, add
from community.models import Membership, Organisation
from tests.statements import general_plan, nodes, plan
from tests.tickets.conftest import Caller
from tests.tickets.test_statements import LIST, LISTS, request_statements
from tickets.models import Assignment, Follower, Ticket
from workflow.prepared import Prepared

ROWS = 6_000
EVERY = {**LISTS, "overdue": ("property_officer", "overdue"), "at risk": ("property_officer", "at-risk")}
READ = {"tickets_ticket", "tickets_assignment"}

# These gather first and sort then: what one person reported or follows, what holds a word, what is of one category in a compound. Where
# that is a third of few tickets, as in the largest compound, reading them all is no worse.
GATHERED = {
    *("mine", "mine open", "mine ended", "followed", "search", "search in a queue"),
    # Each area of a community by itself, and then the first of each together; of an area's few tickets here, PostgreSQL sorts all.
    *("community", "community ended"),
    *("duplicates", "duplicates for the desk"),
    # What is of one's own section comes first; what is at risk is a handful of these few tickets.
    *("street", "street in a state", "street in a compound", "at risk"),
}


def plans(made: list[str]) -> Iterator[list[dict[str, Any]]]:
    """The nodes of each statement that reads tickets or assignments."""
    for sql in made:
        if sql.lstrip().startswith(("SELECT", "WITH")) and any(table in sql for table in READ):
            yield list(nodes(plan(sql)))


def asked(api: Any, compound: Any) -> dict[str, tuple[Any, str]]:
    """Each list by its name: who asks, already signed in, and for what."""
    home, office = compound("学院路14号院"), Organisation.objects.get(code="po-a01").pk
    return {name: (api(who), path.format(home=home, office=office)) for name, (who, path) in EVERY.items()}


def test_lists_cost_the_same_with_thousands_and_are_read_by_an_index_and_in_its_order(api, compound, cast):
    lists = asked(api, compound)
    every_list_costs_as_many_statements_with_thousands_as_with_one_thousand(lists)
    a_queue_costs_the_smallest_organisation_what_it_costs_the_largest()
    every_list_is_read_by_an_index_and_in_its_order(lists, cast)


def every_list_is_read_by_an_index_and_in_its_order(lists, cast):
    Follower.objects.bulk_create(
        Follower(street_id=one.street_id, ticket=one, person=cast["neighbour"], kind="cosigned", since=one.submitted_at)
        for one in Ticket.objects.all()[:40]
    )
    whole, sorts, pages = [], [], set()
    for name, (caller, path) in lists.items():
        with request_statements() as made:
            caller.get(path)
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL enable_seqscan = {'off' if name in GATHERED else 'on'}")
        read = list(plans(made))
        assert read, name
        for found in read:
            whole += [name for one in found if one["Node Type"] == "Seq Scan" and one["Relation Name"] in READ]
            # What is fetched for the rows of a page puts each ticket's few rows in order. Of the page itself, an incremental sort
            # puts in order what the index leaves open.
            page = next((one for one in found if one["Node Type"] == "Limit"), None)
            if page:
                pages.add(name)
            if page and name not in GATHERED:
                sorts += [name for one in nodes(page) if one["Node Type"] == "Sort"]
    assert (whole, sorts, pages) == ([], [], set(lists))


def every_list_costs_as_many_statements_with_thousands_as_with_one_thousand(lists):
    counted: dict[str, list[int]] = {name: [] for name in lists}
    for first, last in ((1, 1_000), (1_001, ROWS)):
        add(first, last)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(f"ANALYZE {', '.join(TABLES)}")
        for name, (caller, path) in lists.items():
            with request_statements() as made:
                caller.get(path)
            counted[name].append(len(made))
    assert {name: both for name, both in counted.items() if both[0] != both[1] or both[1] > LIST} == {}


def a_queue_costs_the_smallest_organisation_what_it_costs_the_largest():
    staffed = Membership.objects.filter(ends_on=None).values("organisation")
    sizes = (
        Assignment.objects.open().filter(organisation__in=staffed).values_list("organisation").annotate(n=Count("id"))
    )
    (smallest, few), *_, (largest, most) = sizes.order_by("n", "organisation")
    assert 1 <= few < most / 50
    counted: dict[str, list[int]] = {words: [] for words in ("", "&status=ended", "&q=老鼠")}
    for one, rows in ((smallest, min(few, 25)), (largest, 25)):
        caller = Caller(Membership.objects.filter(organisation=one, ends_on=None)[0].person)
        assert len(caller.get(f"queue?organisation={one}")["results"]) == rows
        for words, made_by in counted.items():
            with request_statements() as made:
                caller.get(f"queue?organisation={one}{words}")
            made_by.append(len(made))
    assert {words: both for words, both in counted.items() if both[0] != both[1] or both[1] > LIST} == {}


def test_a_lock_reads_what_its_caller_said_before_by_the_indexes_for_that(db):
    prepared = Prepared(
        lambda person, key: Ticket.for_move(person).filter(pk=key), person=uuid.UUID(int=1), key=uuid.UUID(int=2)
    )
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    read = list(nodes(general_plan(prepared.statement().sql)))
    assert {one["Index Name"] for one in read if one.get("Relation Name") == "tickets_ticketevent"} == {
        "ticketevent_urges", "ticketevent_comments",
    }  # fmt: skip
