"""The administrator's pages of tickets."""

from tickets.admin.category import CategoryAdmin, CategoryVersionAdmin
from tickets.admin.deliveries import DeliveryAdmin
from tickets.admin.robots import RobotAdmin
from tickets.admin.service_level import ServiceLevelVersionAdmin
from tickets.admin.ticket import TicketAdmin
from tickets.admin.webhooks import EndpointAdmin
from tickets.admin.wordings import WordingAdmin

__all__ = [
    "CategoryAdmin",
    "CategoryVersionAdmin",
    "DeliveryAdmin",
    "EndpointAdmin",
    "RobotAdmin",
    "ServiceLevelVersionAdmin",
    "TicketAdmin",
    "WordingAdmin",
]
