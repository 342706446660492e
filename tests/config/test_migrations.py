"""Migrations hold nobody up: what looks at every row of a big table does so beside the work."""

from django.apps import apps
from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently
from django.db.migrations import AddConstraint, AddIndex, CreateModel, RemoveConstraint
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.models import CheckConstraint, Model, Q

from web.constraints import KnownValues

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
            assert reads_no_row(one) or (not migration.atomic and isinstance(one, AddIndexConcurrently)), where
    assert looked_at > 20


def reads_no_row(one: AddConstraint | AddIndex) -> bool:
    """Whether an operation only takes a table's lock for a moment."""
    return isinstance(one, AddConstraintNotValid) or isinstance(getattr(one, "constraint", None), KnownValues)


def known_values(constraint: object) -> set[str] | None:
    """The values that a constraint knows, where it does no more than that."""
    if isinstance(constraint, CheckConstraint) and isinstance(constraint.condition, Q):
        match constraint.condition.children:
            case [(str() as column, values)] if column.endswith("__in"):
                return set(values)
    return None


def of_big_tables() -> list[tuple[type[Model], CheckConstraint]]:
    """The constraints of big tables that list the known values of a column."""
    return [
        (model, one)
        for model in apps.get_models()
        for one in model._meta.constraints
        if model._meta.model_name in BIG and known_values(one)
    ]


def test_what_makemigrations_writes_for_another_value_reads_no_row_of_a_big_table():
    before = MigrationLoader(None).project_state()
    found = of_big_tables()
    assert {one.name for _, one in found} >= {"ticketclock_name_known", "delivery_channel_known", "residency_relation"}
    for model, one in found:
        ((column, values),) = one.condition.children
        longer = type(one)(condition=Q((column, [*values, "another"])), name=one.name)
        after = before.clone()
        options = after.models[model._meta.app_label, model._meta.model_name].options
        options["constraints"] = [longer if each.name == one.name else each for each in options["constraints"]]
        changes = MigrationAutodetector(before, after)._detect_changes()
        (migration,) = changes.pop(model._meta.app_label)
        removed, added = migration.operations
        assert isinstance(removed, RemoveConstraint)
        assert added.constraint == longer
        assert reads_no_row(added), one.name
        assert changes == {}


def test_the_known_values_of_big_tables_only_become_more():
    known: dict[tuple[str, str], set[str]] = {}
    longer = 0
    for (app, name), migration in sorted(MigrationLoader(None).disk_migrations.items()):
        for one in migration.operations:
            if isinstance(one, AddConstraint) and one.model_name_lower in BIG:
                values = known_values(one.constraint)
                if values is None:
                    continue
                place = app, one.constraint.name
                assert values >= known.get(place, set()), (
                    app,
                    name,
                    "what holds the lost values is to be read: KnownValues",
                )
                longer += place in known
                known[place] = values
    assert longer > 1
    assert known.keys() >= {(model._meta.app_label, one.name) for model, one in of_big_tables()}
