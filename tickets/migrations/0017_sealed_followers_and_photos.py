
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tickets', '0016_callbacks_by_due_moment'),
    ]

    operations = [
        migrations.AddField(
            model_name='photo',
            name='seal',
            field=models.BinaryField(db_default=b'', default=b'', max_length=32),
        ),
        migrations.AddField(
            model_name='ticket',
            name='followers_seal',
            field=models.BinaryField(db_default=b'\x00', default=bytes, max_length=32),
        ),
    ]
