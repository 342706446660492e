"""What neighbours read: words that were hidden or redacted, and categories without a public face."""

import django.contrib.postgres.fields
from django.db import migrations, models


# Complaints about a neighbour's noise (NB02) were read by neighbours; those of before are not from now on.
WITHOUT_A_FACE = "UPDATE tickets_category SET public_face = false WHERE code = 'NB02'"


class Migration(migrations.Migration):

    dependencies = [
        ('tickets', '0011_lists_by_facet'),
    ]

    operations = [
        migrations.AddField(
            model_name='category',
            name='public_face',
            field=models.BooleanField(db_default=True, default=True, help_text='不勾选：该事项的工单不向邻居公开，也不能附议。', verbose_name='邻里可见'),
        ),
        migrations.AddField(
            model_name='ticket',
            name='public_text',
            field=models.TextField(blank=True, db_default='', default='', help_text='街道脱敏后的内容。', max_length=2000, verbose_name='公开内容'),
        ),
        migrations.AddField(
            model_name='ticket',
            name='public_title',
            field=models.CharField(blank=True, db_default='', default='', help_text='街道脱敏后的标题。', max_length=60, verbose_name='公开标题'),
        ),
        migrations.AddField(
            model_name='ticket',
            name='redacted_events',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.PositiveIntegerField(), blank=True, db_default=[], default=list, verbose_name='不公开的记录'),
        ),
        migrations.AddField(
            model_name='ticket',
            name='words_hidden',
            field=models.CharField(blank=True, choices=[('', '未隐藏'), ('reporter', '诉求人'), ('street', '街道')], db_default='', default='', max_length=8, verbose_name='内容不公开'),
        ),
        migrations.RunSQL(WITHOUT_A_FACE, migrations.RunSQL.noop),
    ]
