"""A version of all that says who serves a place, which every change there replaces."""

from django.db import migrations, models

MARKS = 8
TABLES = (
    *("community_street", "community_community", "community_area", "community_compound"),
    *("community_organisation", "community_membership", "community_servicecontract"),
)
# A mark is never used twice, also not after a transaction that was taken back.
FUNCTION = """
CREATE FUNCTION serving_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE community_servingversion SET version = uuidv7() WHERE id = (
    SELECT id FROM community_servingversion ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
  );
  IF NOT FOUND THEN
    UPDATE community_servingversion SET version = uuidv7() WHERE id = 1;
  END IF;
  RETURN NULL;
END $$
"""
MARK = f"INSERT INTO community_servingversion SELECT number, uuidv7() FROM generate_series(1, {MARKS}) AS number"


def trigger(table):
    return migrations.RunSQL(
        f"""CREATE TRIGGER serving_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION serving_changed()""",
        f"DROP TRIGGER serving_changed ON {table}",
    )


class Migration(migrations.Migration):

    dependencies = [
        ('community', '0008_homes_looked_at'),
    ]

    operations = [
        migrations.CreateModel(
            name='ServingVersion',
            fields=[
                ('id', models.PositiveSmallIntegerField(primary_key=True, serialize=False)),
                ('version', models.UUIDField()),
            ],
        ),
        migrations.RunSQL(MARK, migrations.RunSQL.noop),
        migrations.RunSQL(FUNCTION, "DROP FUNCTION serving_changed()"),
        *(trigger(table) for table in TABLES),
        # Of people, only whether they are active matters.
        migrations.RunSQL(
            """CREATE TRIGGER serving_changed AFTER UPDATE ON community_person FOR EACH ROW
            WHEN (OLD.is_active IS DISTINCT FROM NEW.is_active) EXECUTE FUNCTION serving_changed()""",
            "DROP TRIGGER serving_changed ON community_person",
        ),
    ]
