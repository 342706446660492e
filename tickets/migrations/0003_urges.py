from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Count a person's urges without reading a ticket's whole history."""

    atomic = False

    dependencies = [
        ("tickets", "0002_history_and_search"),
    ]

    operations = [
        migrations.AlterField(
            model_name="ticket",
            name="place",
            field=models.CharField(help_text="小区或街道名称。", max_length=60, verbose_name="地点"),
        ),
        AddIndexConcurrently(
            model_name="ticketevent",
            index=models.Index(
                models.F("subject"),
                models.F("actor"),
                models.F("at"),
                condition=models.Q(("verb", "urge")),
                name="ticketevent_urges",
            ),
        ),
    ]
