"""The settings of the server, with the subject that tests alone know, and passwords that are quick to check."""

import os

from config.settings import *  # noqa: F403
from config.settings import DATABASES, INSTALLED_APPS
from web.plans import PLAN_ONCE

INSTALLED_APPS = [*INSTALLED_APPS, "tests.workflow.poll"]
# As in the web server.
DATABASES["default"]["OPTIONS"]["options"] += f" {PLAN_ONCE}"
PASSWORD_HASHERS = ["tests.passwords.QuickHasher"]

# Subprocesses that tests start use the server's settings; pytest-django has put the name of these into the environment.
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
