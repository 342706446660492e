"""The settings of the server, with the subject that tests alone know, and passwords that are quick to check."""

import os

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.workflow.poll"]
PASSWORD_HASHERS = ["tests.passwords.QuickHasher"]

# Subprocesses that tests start use the server's settings; pytest-django has put the name of these into the environment.
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
