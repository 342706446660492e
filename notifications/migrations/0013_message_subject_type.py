from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0012_message_about'),
    ]

    # Messages that are there already are of tickets; one without a subject says nothing by it.
    operations = [
        migrations.AddField(
            model_name='message',
            name='subject_type',
            field=models.CharField(db_default='ticket', default='', max_length=16, verbose_name='事项种类'),
        ),
        migrations.AlterField(
            model_name='message',
            name='subject_type',
            field=models.CharField(db_default='', default='', max_length=16, verbose_name='事项种类'),
        ),
    ]
