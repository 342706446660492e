from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):

    # The rows are looked at, and the index is built, beside the work.
    atomic = False

    dependencies = [
        ('tickets', '0015_promise_clock'),
    ]

    operations = [
        ValidateConstraint(model_name='ticketclock', name='ticketclock_name_known'),
        AddIndexConcurrently(
            model_name='ticketclock',
            index=models.Index(models.F('street'), models.F('due_at'), models.F('id'), condition=models.Q(('name', 'callback'), ('running_since__isnull', False), ('stopped_at__isnull', True)), name='ticketclock_callbacks'),
        ),
    ]
