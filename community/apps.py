"""The community app: people and places."""

from django.apps import AppConfig

from web.words import bilingual


class CommunityConfig(AppConfig):
    """People, places, organisations and who serves what."""

    name = "community"
    verbose_name = bilingual("社区与人员", "Community")
