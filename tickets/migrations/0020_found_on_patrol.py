import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    # The index is built beside the work.
    atomic = False

    dependencies = [
        ('community', '0007_notices_as_they_were'),
        ('tickets', '0019_two_matters'),
    ]

    operations = [
        migrations.AddField(
            model_name='ticket',
            name='inspector',
            field=models.ForeignKey(db_index=False, help_text='巡查、自查、网格发现问题的单位。', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='community.organisation', verbose_name='巡查单位'),
        ),
        migrations.AlterField(
            model_name='ticket',
            name='channel',
            field=models.CharField(choices=[('app', '小程序'), ('phone', '电话'), ('counter', '窗口'), ('hotline', '12345热线'), ('patrol', '巡查'), ('self_check', '自查'), ('grid', '网格')], max_length=12, verbose_name='渠道'),
        ),
        AddIndexConcurrently(
            model_name='ticket',
            index=models.Index(models.F('inspector'), models.OrderBy(models.F('id'), descending=True), condition=models.Q(('inspector__isnull', False)), name='ticket_inspector'),
        ),
    ]
