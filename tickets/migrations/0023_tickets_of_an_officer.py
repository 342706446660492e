"""An officer's tickets are found among a street's."""

from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The index is built beside the work.
    atomic = False

    dependencies = [
        ('tickets', '0022_neighbours_without_a_face'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL("SET statement_timeout = 0; SET lock_timeout = 0", "SET statement_timeout = DEFAULT; SET lock_timeout = DEFAULT"),
        AddIndexConcurrently(
            model_name='ticket',
            index=models.Index(models.F('officer'), models.F('next_due_at'), condition=models.Q(('officer__isnull', False)), name='ticket_officer'),
        ),
        migrations.RunSQL("SET statement_timeout = DEFAULT; SET lock_timeout = DEFAULT", "SET statement_timeout = 0; SET lock_timeout = 0"),
    ]
