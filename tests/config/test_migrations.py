"""Migrations hold nobody up: what looks at every row of a big table does so beside the work."""

from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently
from django.db.migrations import AddConstraint, AddIndex, CreateModel
from django.db.migrations.loader import MigrationLoader

BIG = frozenset(
    {
        *(
            "ticket",
            "ticketclock",
            "ticketevent",
            "ticketwords",
            "ticketoutbox",
            "ticketfiring",
            "assignment",
            "follower",
            "photo",
        ),
        *("person", "residency", "household", "delivery", "message"),
    }
)
# Of before there was a server that was upgraded with work going on; what is applied stays as it was.
BEFORE = frozenset({("notifications", "0006_choices_and_digests")})


def test_nothing_since_the_fifth_migration_reads_a_big_table_under_its_lock():
    looked_at = 0
    for (app, name), migration in MigrationLoader(None).disk_migrations.items():
        if app not in ("community", "notifications", "tickets", "workflow") or name < "0005" or (app, name) in BEFORE:
            continue
        created = {one.name_lower for one in migration.operations if isinstance(one, CreateModel)}
        for one in migration.operations:
            if not isinstance(one, AddConstraint | AddIndex) or one.model_name_lower not in BIG - created:
                continue
            looked_at += 1
            where = (app, name, one.model_name)
            assert isinstance(one, AddConstraintNotValid | AddIndexConcurrently), where
            assert not migration.atomic or isinstance(one, AddConstraintNotValid), where
    assert looked_at > 20
