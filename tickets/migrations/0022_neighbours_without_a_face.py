"""More categories accuse people next door than a neighbour's noise: none of them has a public face from now on."""

from django.db import migrations

WITHOUT_A_FACE = """
UPDATE tickets_category SET public_face = false
WHERE public_face AND code IN ('NB01', 'NB06', 'NB07', 'IL01', 'IL02', 'IL04', 'IL05', 'IL06')
"""


class Migration(migrations.Migration):

    dependencies = [
        ('tickets', '0021_limits_of_service_levels'),
    ]

    operations = [
        migrations.RunSQL(WITHOUT_A_FACE, migrations.RunSQL.noop),
    ]
