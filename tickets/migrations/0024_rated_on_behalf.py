"""Say of the ratings of older releases, too, which the street gave in the reporter's place."""

from django.db import migrations

RATED_ON_BEHALF = """
UPDATE tickets_ticket AS ticket SET rated_on_behalf = true
WHERE rating IS NOT NULL AND NOT rated_on_behalf AND (
  SELECT on_behalf <> '' FROM tickets_ticketevent AS event
  WHERE event.subject_id = ticket.id AND event.verb = 'confirm' ORDER BY seq DESC LIMIT 1)
"""


class Migration(migrations.Migration):

    dependencies = [('tickets', '0023_tickets_of_an_officer')]

    operations = [
        migrations.RunSQL(["SET LOCAL statement_timeout = 0", RATED_ON_BEHALF], migrations.RunSQL.noop),
    ]
