"""Wrong passwords are counted where staff sign in, no longer in a table of ours."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("community", "0010_signin_second_factor")]

    operations = [migrations.DeleteModel("PasswordAttempt")]
