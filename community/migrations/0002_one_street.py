"""A place, a seat and a contract point only into their own street, and the database says so."""

from django.db import migrations

# Nothing stands here for what may be shared by all streets: a contract's provider and an organisation's head office.
TARGETS = ["organisation", "community", "area", "compound", "building"]
POINTERS = [
    ("community", "residents_committee", "organisation"),
    ("area", "committee", "organisation"),
    ("compound", "area", "area"),
    ("compound", "community", "community"),
    ("building", "compound", "compound"),
    ("household", "building", "building"),
    ("membership", "organisation", "organisation"),
    ("residency", "compound", "compound"),
    ("servicecontract", "area", "area"),
    ("servicecontract", "compound", "compound"),
]
KEYS = [f"ALTER TABLE community_{table} ADD CONSTRAINT {table}_in_street UNIQUE (street_id, id)" for table in TARGETS]
REFERENCES = [
    f"ALTER TABLE community_{table} ADD CONSTRAINT {table}_{field}_of_one_street "
    f"FOREIGN KEY (street_id, {field}_id) REFERENCES community_{target} (street_id, id)"
    for table, field, target in POINTERS
]
DROPS = [
    f"ALTER TABLE community_{table} DROP CONSTRAINT {table}_{field}_of_one_street" for table, field, _ in POINTERS
] + [f"ALTER TABLE community_{table} DROP CONSTRAINT {table}_in_street" for table in TARGETS]


class Migration(migrations.Migration):
    dependencies = [("community", "0001_initial")]

    operations = [migrations.RunSQL([*KEYS, *REFERENCES], DROPS)]
