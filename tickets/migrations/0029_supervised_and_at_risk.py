"""The few tickets of a street that are supervised or at risk are found among all."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The indexes are built beside the work.
    atomic = False

    dependencies = [("tickets", "0028_parts_of_a_ticket")]

    operations = [
        migrations.RunSQL("SET statement_timeout = 0; SET lock_timeout = 0", "SET statement_timeout = DEFAULT; SET lock_timeout = DEFAULT"),
        AddIndexConcurrently(
            model_name="ticket",
            index=models.Index(
                models.F("street"),
                models.F("next_due_at"),
                condition=models.Q(models.Q(("supervised", ""), _negated=True), ("next_due_at__isnull", False)),
                name="ticket_supervised",
            ),
        ),
        AddIndexConcurrently(
            model_name="ticket",
            index=models.Index(
                models.F("street"), models.F("at_risk_at"), condition=models.Q(("next_due_at__isnull", False)), name="ticket_at_risk"
            ),
        ),
        migrations.RunSQL("SET statement_timeout = DEFAULT; SET lock_timeout = DEFAULT", "SET statement_timeout = 0; SET lock_timeout = 0"),
    ]
