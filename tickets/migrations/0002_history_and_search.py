"""What the ORM cannot say: history that only grows, and the grams by which Chinese text is searched."""

from django.db import migrations

from workflow.append_only import AppendOnly

# Chinese has no spaces to split at: every text is indexed by its single characters and its pairs, so that a word of any length is
# found by the index alone, and LIKE makes it exact.
GRAMS = """
CREATE FUNCTION zh_grams(body text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT coalesce(array_agg(DISTINCT gram), '{}') FROM (
    SELECT substr(t, i, n) AS gram
    FROM (SELECT lower(body) AS t) AS lowered, generate_series(1, length(t)) AS i, generate_series(1, 2) AS n
    WHERE i + n - 1 <= length(t)
  ) AS grams WHERE gram !~ '\\s'
$$;
CREATE FUNCTION zh_query(word text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE WHEN length(word) = 1 THEN ARRAY[lower(word)] ELSE (
    SELECT coalesce(array_agg(DISTINCT substr(lower(word), i, 2)), '{}') FROM generate_series(1, length(word) - 1) AS i
  ) END
$$;
CREATE INDEX ticket_grams ON tickets_ticket
  USING gin (zh_grams(title || ' ' || text || ' ' || code)) WITH (fastupdate = on);
"""
NO_GRAMS = """
DROP INDEX ticket_grams;
DROP FUNCTION zh_query(text);
DROP FUNCTION zh_grams(text);
"""


class Migration(migrations.Migration):
    dependencies = [("tickets", "0001_initial")]
    operations = [AppendOnly("TicketEvent"), migrations.RunSQL(GRAMS, NO_GRAMS)]
