"""No more looking for the ticket and the event at each row beside them: neither can be deleted, for events are append-only."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    # Each constraint by itself, so that no table is locked for longer than it takes to drop one.
    atomic = False

    dependencies = [
        ('tickets', '0027_references'),
    ]

    operations = [
        migrations.AlterField(
            model_name='assignment',
            name='ticket',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='assignment_rows', to='tickets.ticket', verbose_name='工单'),
        ),
        migrations.AlterField(
            model_name='ticketclock',
            name='subject',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='clock_rows', to='tickets.ticket', verbose_name='工单'),
        ),
        migrations.AlterField(
            model_name='ticketfiring',
            name='event',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tickets.ticketevent'),
        ),
        migrations.AlterField(
            model_name='ticketoutbox',
            name='event',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tickets.ticketevent'),
        ),
        migrations.AlterField(
            model_name='ticketwords',
            name='event',
            field=models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='words', to='tickets.ticketevent'),
        ),
    ]
