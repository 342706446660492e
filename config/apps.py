"""Django's admin as Linli has it."""

from django.contrib.admin import apps


class AdminConfig(apps.AdminConfig):
    """The admin with a front door of its own."""

    default_site = "community.office.Office"
