"""The tickets that are there get their search documents, and the index of grams is of these.

The new index is built beside the work, and the old one goes only when it is there. The old functions stay: a release before
this one still finds by them, slowly. Nothing of the tickets themselves is rewritten.
"""

import uuid

import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations

import tickets.models.search_document

# A ticket whose words were written meanwhile has its document already, and the newer one.
FILL = """
WITH next AS (
  SELECT t FROM tickets_ticket t WHERE id > %s ORDER BY id LIMIT 10000
), written AS (
  INSERT INTO tickets_searchdocument (ticket_id, folded) SELECT (t).id, search_document_of(t) FROM next
  ON CONFLICT (ticket_id) DO NOTHING
)
SELECT (t).id FROM next ORDER BY (t).id DESC LIMIT 1
"""
PATIENT = "SET statement_timeout = 0; SET lock_timeout = 0"
USUAL = "SET statement_timeout = DEFAULT; SET lock_timeout = DEFAULT"
# An index that was left half-built by a migration that was broken off is built again.
DROP_NEW = "DROP INDEX CONCURRENTLY IF EXISTS ticket_grams_3"
DROP_OLD = "DROP INDEX CONCURRENTLY IF EXISTS ticket_grams_2"
OLD = """
CREATE INDEX CONCURRENTLY IF NOT EXISTS ticket_grams_2 ON tickets_ticket USING gin (
  zh_grams_2(title || chr(31) || text || chr(31) || code || chr(31) || hotline_number || chr(31) || spot)
) WITH (fastupdate = on)
"""


def fill(apps, schema_editor):
    """Ten thousand at a time, each batch committed."""
    last = (uuid.UUID(int=0),)
    with schema_editor.connection.cursor() as cursor:
        while last:
            cursor.execute(FILL, last)
            last = cursor.fetchone()
        cursor.execute("ANALYZE tickets_searchdocument")


class Migration(migrations.Migration):
    # An index is built beside the work outside a transaction only, each statement by itself.
    atomic = False

    dependencies = [
        ('tickets', '0025_search_documents'),
    ]

    operations = [
        migrations.RunSQL(PATIENT, USUAL),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RunSQL(DROP_NEW, migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name='searchdocument',
            index=django.contrib.postgres.indexes.GinIndex(tickets.models.search_document.Grams('folded'), name='ticket_grams_3'),
        ),
        migrations.RunSQL(DROP_OLD, OLD),
        migrations.RunSQL(USUAL, PATIENT),
    ]
