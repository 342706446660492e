"""The plan that holds for all values, as the web server keeps it, knows the indexes that hold only some of a table's rows."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.urls import reverse

from notifications.delivery import standing
from notifications.models import Delivery
from tests.statements import general_plan, nodes
from tickets.actions import look_up
from tickets.filing import _refuse_second

pytestmark = pytest.mark.django_db


def indexes(ask: Callable[[], object]) -> set[str]:
    """The indexes by which PostgreSQL, which knows no value, would read what is asked for."""
    made: list[str] = []

    def note(execute, sql, params, many, context):
        made.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        ask()
    found: set[str] = set()
    # Every row is in few pages here, and reading them all is cheap.
    connection.connection.execute("SET LOCAL enable_seqscan = off")
    for sql in made:
        if sql.startswith("SELECT") and "advisory" not in sql:
            found |= {one["Index Name"] for one in nodes(general_plan(sql)) if "Index Name" in one}
    return found


def test_what_is_read_by_an_index_of_some_rows_says_so_in_the_statement(scene):
    ticket = scene.at_work()
    street = scene.actor("desk_officer").seats[0].street_id
    desk = scene.actor("desk_officer")
    reads = {
        "ticket_hotline_number": lambda: _refuse_second("12345-1", street),
        "ticket_phone": lambda: look_up("13800000000", by=desk),
        "ticketevent_urges": lambda: scene.do("resident", ticket, "urge"),
        "ticketevent_comments": lambda: scene.do("resident", ticket, "comment", text="又漏了"),
        "delivery_dead": lambda: list(Delivery.objects.dead()),
        "delivery_leased": lambda: standing.slow_and_stuck({}),
    }
    assert {name for name, ask in reads.items() if name not in indexes(ask)} == set()


def mode() -> str:
    """How PostgreSQL plans what this connection asks."""
    return connection.connection.execute("SHOW plan_cache_mode").fetchone()[0]


def test_a_page_of_the_admin_is_planned_for_its_values(administrator):
    modes = set()

    def note(execute, sql, params, many, context):
        if "notifications_delivery" in sql:
            modes.add(mode())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        assert administrator.get(reverse("admin:notifications_delivery_changelist")).status_code == 200
    assert (modes, mode()) == ({"force_custom_plan"}, "force_generic_plan")
