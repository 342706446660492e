"""Each ticket gets a search document in a table of its own. Triggers write it, so that tickets of an older release have one, too."""

import django.db.models.deletion
from django.db import migrations, models

# A loop, for PostgreSQL would plan a query such as the one in zh_grams_2 at each call.
GRAMS = """
CREATE FUNCTION zh_grams_3(folded text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  characters text[] := string_to_array(folded, NULL);
  grams text[] := characters;
BEGIN
  FOR i IN 2 .. cardinality(characters) LOOP
    grams := grams || (characters[i - 1] || characters[i]);
  END LOOP;
  RETURN grams;
END
$$
"""
NO_GRAMS = "DROP FUNCTION zh_grams_3(text)"
FOLD = """
CREATE FUNCTION search_document_of(ticket tickets_ticket) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN zh_fold(
  ticket.code || chr(31) || ticket.title || chr(29) || ticket.text || chr(30) || ticket.hotline_number || chr(31) || ticket.spot
)
"""
NO_FOLD = "DROP FUNCTION search_document_of(tickets_ticket)"
WRITE = """
CREATE FUNCTION write_search_document() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO tickets_searchdocument (ticket_id, folded) VALUES (NEW.id, search_document_of(NEW))
  ON CONFLICT (ticket_id) DO UPDATE SET folded = excluded.folded;
  RETURN NULL;
END
$$;

CREATE FUNCTION delete_search_document() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM tickets_searchdocument WHERE ticket_id = OLD.id;
  RETURN NULL;
END
$$;

CREATE TRIGGER search_document_of_filed AFTER INSERT ON tickets_ticket
FOR EACH ROW EXECUTE FUNCTION write_search_document();

CREATE TRIGGER search_document_of_changed AFTER UPDATE OF code, title, text, hotline_number, spot ON tickets_ticket
FOR EACH ROW EXECUTE FUNCTION write_search_document();

CREATE TRIGGER search_document_of_deleted AFTER DELETE ON tickets_ticket
FOR EACH ROW EXECUTE FUNCTION delete_search_document();
"""
NO_WRITE = """
DROP TRIGGER search_document_of_deleted ON tickets_ticket;
DROP TRIGGER search_document_of_changed ON tickets_ticket;
DROP TRIGGER search_document_of_filed ON tickets_ticket;
DROP FUNCTION delete_search_document();
DROP FUNCTION write_search_document();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('tickets', '0024_rated_on_behalf'),
    ]

    operations = [
        migrations.CreateModel(
            name='SearchDocument',
            fields=[
                ('ticket', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='search_document', serialize=False, to='tickets.ticket')),
                ('folded', models.TextField(editable=False)),
            ],
            options={
                'verbose_name': '检索内容',
                'verbose_name_plural': '检索内容',
            },
        ),
        migrations.RunSQL(GRAMS, NO_GRAMS),
        migrations.RunSQL(FOLD, NO_FOLD),
        migrations.RunSQL(WRITE, NO_WRITE),
    ]
