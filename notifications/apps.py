"""The notifications app: the postman."""

from django.apps import AppConfig

from web.words import bilingual


class NotificationsConfig(AppConfig):
    """Messages and how they are delivered; knows no ticket."""

    name = "notifications"
    verbose_name = bilingual("通知", "Notifications")
