from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    # The index is built beside the work.
    atomic = False

    dependencies = [
        ('tickets', '0017_sealed_followers_and_photos'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='ticketevent',
            index=models.Index(models.F('subject'), models.F('actor'), models.F('at'), condition=models.Q(('verb', 'comment')), name='ticketevent_comments'),
        ),
    ]
