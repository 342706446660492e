"""A seal over each ticket's row, the mark of an erasure, and the hourly seals over the heads of all tickets."""

import django.db.models.deletion
import django.db.models.functions.uuid
from django.db import migrations, models

from workflow.append_only import AppendOnly


class Migration(migrations.Migration):

    dependencies = [
        ('community', '0005_contract_terms_and_timers'),
        ('tickets', '0006_outbox_facts'),
    ]

    operations = [
        migrations.AddField(
            model_name='ticket',
            name='seal',
            field=models.BinaryField(db_default=b'', default=bytes, max_length=32, verbose_name='封印'),
        ),
        migrations.AddField(
            model_name='ticketwords',
            name='erased',
            field=models.BinaryField(db_default=b'', default=bytes, help_text='已按规定删除的标记。', max_length=32),
        ),
        migrations.CreateModel(
            name='TicketSeal',
            fields=[
                ('id', models.UUIDField(db_default=django.db.models.functions.uuid.UUID7(), editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveIntegerField(verbose_name='序号')),
                ('at', models.DateTimeField(verbose_name='时间')),
                ('body', models.JSONField(default=list)),
                ('digest', models.BinaryField(max_length=32, verbose_name='摘要')),
                ('street', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='community.street', verbose_name='街道')),
            ],
            options={
                'verbose_name': '工单封印',
                'verbose_name_plural': '工单封印',
                'constraints': [models.UniqueConstraint(fields=('street', 'number'), name='ticketseal_number')],
            },
        ),
        AppendOnly("TicketSeal"),
    ]
