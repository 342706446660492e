"""No more looking for streets, places, organisations and categories at each write: these are never deleted."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    # Each constraint by itself, so that no table is locked for longer than it takes to drop one.
    atomic = False

    dependencies = [
        ('community', '0009_serving_version'),
        ('tickets', '0026_search_by_document'),
    ]

    operations = [
        migrations.AlterField(
            model_name='assignment',
            name='organisation',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='community.organisation', verbose_name='单位'),
        ),
        migrations.AlterField(
            model_name='assignment',
            name='street',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='community.street', verbose_name='街道'),
        ),
        migrations.AlterField(
            model_name='follower',
            name='street',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='community.street', verbose_name='街道'),
        ),
        migrations.AlterField(
            model_name='ticket',
            name='account_owner',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='community.organisation', verbose_name='挂账责任单位'),
        ),
        migrations.AlterField(
            model_name='ticket',
            name='area',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='community.area', verbose_name='物业管理区域'),
        ),
        migrations.AlterField(
            model_name='ticket',
            name='category',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tickets.category', verbose_name='事项分类'),
        ),
        migrations.AlterField(
            model_name='ticket',
            name='committee',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='community.organisation', verbose_name='物管会/业委会'),
        ),
        migrations.AlterField(
            model_name='ticket',
            name='community',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='community.community', verbose_name='社区'),
        ),
        migrations.AlterField(
            model_name='ticket',
            name='compound',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='community.compound', verbose_name='小区'),
        ),
        migrations.AlterField(
            model_name='ticket',
            name='coordinator',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='community.organisation', verbose_name='协调单位'),
        ),
        migrations.AlterField(
            model_name='ticket',
            name='desk',
            field=models.ForeignKey(db_constraint=False, db_index=False, help_text='街道内负责的科室。', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='community.organisation', verbose_name='街道责任科室'),
        ),
        migrations.AlterField(
            model_name='ticket',
            name='holder',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='community.organisation', verbose_name='承办单位'),
        ),
        migrations.AlterField(
            model_name='ticket',
            name='inspector',
            field=models.ForeignKey(db_constraint=False, db_index=False, help_text='巡查、自查、网格发现问题的单位。', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='community.organisation', verbose_name='巡查单位'),
        ),
        migrations.AlterField(
            model_name='ticket',
            name='residents_committee',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='community.organisation', verbose_name='居委会'),
        ),
        migrations.AlterField(
            model_name='ticket',
            name='street',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='community.street', verbose_name='街道'),
        ),
        migrations.AlterField(
            model_name='ticketclock',
            name='street',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='community.street', verbose_name='街道'),
        ),
        migrations.AlterField(
            model_name='ticketevent',
            name='street',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='community.street', verbose_name='街道'),
        ),
        migrations.AlterField(
            model_name='ticketfiring',
            name='street',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='community.street', verbose_name='街道'),
        ),
        migrations.AlterField(
            model_name='ticketoutbox',
            name='street',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='community.street', verbose_name='街道'),
        ),
        migrations.AlterField(
            model_name='ticketseal',
            name='street',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='community.street', verbose_name='街道'),
        ),
        migrations.AlterField(
            model_name='ticketwords',
            name='street',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='community.street', verbose_name='街道'),
        ),
    ]
