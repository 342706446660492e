"""Search that does not mind width, case or spaces, and reads the 12345 number and the spot as well.

The new index is built beside the work, and the old one goes only when it is there. The old functions stay: a release before
this one still finds by them, slowly. Nothing of the tickets themselves is rewritten.
"""

from django.db import migrations

# NFKC makes one character of the wide and the narrow form; the C.UTF-8 rules lower letters alike in every database. What is
# taken out are spaces, and characters that show nothing: by `replace`, for `translate` takes twice as long.
FUNCTIONS = """
CREATE OR REPLACE FUNCTION zh_fold(body text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN
  replace(replace(replace(replace(replace(replace(replace(
    lower(normalize(body, NFKC) COLLATE "pg_c_utf8"),
    ' ', ''), E'\\n', ''), E'\\r', ''), E'\\t', ''), U&'\\200B', ''), U&'\\2060', ''), U&'\\FEFF', '');

CREATE OR REPLACE FUNCTION zh_grams_2(body text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
  SELECT coalesce(array_agg(gram), '{}')
  FROM (
    SELECT c, c || lead(c) OVER (ORDER BY i) AS pair
    FROM unnest(string_to_array(zh_fold(body), NULL)) WITH ORDINALITY AS one (c, i)
  ) AS pairs, LATERAL (VALUES (c), (pair)) AS grams (gram)
  WHERE gram IS NOT NULL
);

CREATE OR REPLACE FUNCTION zh_query_2(word text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
  SELECT coalesce(array_agg(substr(folded, i, least(length(folded), 2))), '{}')
  FROM (SELECT zh_fold(word) AS folded) AS words, generate_series(1, greatest(length(folded) - 1, sign(length(folded))::int)) AS i
);
"""
NO_FUNCTIONS = """
DROP FUNCTION IF EXISTS zh_query_2(text);
DROP FUNCTION IF EXISTS zh_grams_2(text);
DROP FUNCTION IF EXISTS zh_fold(text);
"""
PATIENT = "SET statement_timeout = 0; SET lock_timeout = 0"
USUAL = "SET statement_timeout = DEFAULT; SET lock_timeout = DEFAULT"
# An index that was left half-built by a migration that was broken off is built again.
DROP_NEW = "DROP INDEX CONCURRENTLY IF EXISTS ticket_grams_2"
NEW = """
CREATE INDEX CONCURRENTLY ticket_grams_2 ON tickets_ticket USING gin (
  zh_grams_2(title || chr(31) || text || chr(31) || code || chr(31) || hotline_number || chr(31) || spot)
) WITH (fastupdate = on)
"""
DROP_OLD = "DROP INDEX CONCURRENTLY IF EXISTS ticket_grams"
OLD = """
CREATE INDEX CONCURRENTLY IF NOT EXISTS ticket_grams ON tickets_ticket
  USING gin (zh_grams(title || ' ' || text || ' ' || code)) WITH (fastupdate = on)
"""


class Migration(migrations.Migration):
    # An index is built beside the work outside a transaction only, each statement by itself.
    atomic = False
    dependencies = [("tickets", "0009_officers")]
    operations = [
        migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS),
        # Building takes minutes on many tickets, and waits for whoever is at work; it holds nobody up meanwhile.
        migrations.RunSQL(PATIENT, USUAL),
        migrations.RunSQL(DROP_NEW, migrations.RunSQL.noop),
        migrations.RunSQL(NEW, DROP_NEW),
        migrations.RunSQL(DROP_OLD, OLD),
        migrations.RunSQL(USUAL, PATIENT),
    ]
