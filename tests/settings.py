"""The settings of the server, with the subject that tests alone know."""

import os

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.workflow.poll"]

# Processes that tests start are the server's own.
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
