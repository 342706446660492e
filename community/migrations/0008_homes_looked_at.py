"""The homes of before there was a rule on who confirms them are looked at beside the work."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('community', '0007_notices_as_they_were'),
    ]

    operations = [
        migrations.RunSQL("SET statement_timeout = 0", "SET statement_timeout = DEFAULT"),
        ValidateConstraint(model_name='residency', name='residency_confirmed_through_somebody'),
        migrations.RunSQL("SET statement_timeout = DEFAULT", "SET statement_timeout = 0"),
    ]
