"""The notifications app: messages and how they are delivered."""

from django.apps import AppConfig

from web.words import bilingual


class NotificationsConfig(AppConfig):
    """The notifications app. It knows no ticket."""

    name = "notifications"
    verbose_name = bilingual("通知", "Notifications")
