"""What a device's sign-in proved. Those of before proved no second factor."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("community", "0009_serving_version")]

    operations = [
        migrations.AddField("signintoken", "second_factor", models.BooleanField(db_default=False)),
    ]
