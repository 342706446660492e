from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    # The index is built beside the work.
    atomic = False

    dependencies = [
        ('tickets', '0004_clocks'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='ticketclock',
            index=models.Index(models.F('id'), condition=models.Q(('failures__gt', 0), ('stopped_at__isnull', True)), name='ticketclock_failing'),
        ),
    ]
