"""One plan for all values: how PostgreSQL plans what a web server asks.

A page of a list takes PostgreSQL longer to plan than to read. Left to itself it plans such a statement for its values each time, because it
guesses the plan for all values to be dearer. That plan cannot use an index that holds only rows with some value in a column, unless the
value is written into the statement (`web/lookups.py`).
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.conf import settings
from django.db import DatabaseError, connection

# Many ask at once: processes that help with one plan take the cores from the others, and starting them takes longer than most plans.
# A row looked up by an index is expected in memory or on a disk without arms; at the four pages that PostgreSQL reckons with, it reads a
# whole table where a walk along an index would do.
PLAN_ONCE = "-c plan_cache_mode=force_generic_plan -c max_parallel_workers_per_gather=0 -c random_page_cost=1.1"


def plan_once() -> None:
    """Let each connection that this process makes from now on plan a statement once for all values, where it keeps plans at all.

    And let no plan of it use processes that help, or expect a row to cost much more to look up than to read along.
    """
    options = settings.DATABASES["default"]["OPTIONS"]
    if "prepare_threshold" in options:
        options["options"] += f" {PLAN_ONCE}"


@contextmanager
def planned_by_value() -> Iterator[None]:
    """Let PostgreSQL plan what is asked inside for its values: for pages that filter by whatever people choose. Two statements."""
    with connection.cursor() as cursor:
        cursor.execute("SET plan_cache_mode = force_custom_plan")
    try:
        yield
    finally:
        # A connection that was cut is made anew, and begins as all do.
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("RESET plan_cache_mode")
