"""The tickets app: the ticket, its catalogue and its history."""

from django.apps import AppConfig

from web.words import bilingual


class TicketsConfig(AppConfig):
    """Tickets, from the first report to the last signature."""

    name = "tickets"
    verbose_name = bilingual("工单", "Tickets")
