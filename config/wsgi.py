"""The web server's door to Linli."""

import os

from django.core.wsgi import get_wsgi_application

from config.startup import refuse_demo_password, refuse_old_postgresql

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
refuse_old_postgresql()
refuse_demo_password()
