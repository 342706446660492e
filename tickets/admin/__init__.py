"""The administrator's pages of tickets."""

from tickets.admin.category import CategoryAdmin, CategoryVersionAdmin
from tickets.admin.service_level import ServiceLevelVersionAdmin
from tickets.admin.ticket import TicketAdmin

__all__ = ["CategoryAdmin", "CategoryVersionAdmin", "ServiceLevelVersionAdmin", "TicketAdmin"]
