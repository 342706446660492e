import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tickets', '0018_comments'),
    ]

    operations = [
        migrations.AddField(
            model_name='ticket',
            name='filed_others',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), blank=True, db_default=[], default=list, help_text='由该工单另立的工单。', size=None, verbose_name='另立工单'),
        ),
        migrations.AddField(
            model_name='ticket',
            name='filed_out_of',
            field=models.ForeignKey(db_index=False, help_text='一单多诉时，该工单由其另立。', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tickets.ticket', verbose_name='原工单'),
        ),
    ]
