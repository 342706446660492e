"""The administrator's pages of tickets."""

from tickets.admin.category import CategoryAdmin, CategoryVersionAdmin
from tickets.admin.ticket import TicketAdmin

__all__ = ["CategoryAdmin", "CategoryVersionAdmin", "TicketAdmin"]
