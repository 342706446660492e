"""The web server's door to Linli."""

import os

from django.core.wsgi import get_wsgi_application

from web.plans import plan_once
from web.slow_bodies import with_patience

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = with_patience(get_wsgi_application())

# Channels have models, and those exist only from here on.
from config.startup import refuse_bad_channels, refuse_demo_password, refuse_old_postgresql  # noqa: E402

plan_once()
refuse_old_postgresql()
refuse_bad_channels()
refuse_demo_password()
