"""Tickets are found by the number that 12345 knows them by. Built without stopping those who file."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("tickets", "0007_row_seals")]
    operations = [
        AddIndexConcurrently(
            model_name="ticket",
            index=models.Index(
                models.F("street"),
                models.F("hotline_number"),
                condition=models.Q(("hotline_number", ""), _negated=True),
                name="ticket_hotline_number",
            ),
        ),
    ]
