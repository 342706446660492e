"""The tables of tickets: the catalogue, the ticket with its parts, and its history."""

from tickets.models.assignment import Assignment
from tickets.models.category import Category, CategoryVersion
from tickets.models.clock import TicketClock, TicketFiring
from tickets.models.follower import Follower, FollowerKind
from tickets.models.history import TicketEvent, TicketOutbox, TicketSeal, TicketWords
from tickets.models.photo import Photo
from tickets.models.routing import RoutingRule, RoutingVersion
from tickets.models.search_document import SearchDocument
from tickets.models.service_level import ServiceLevelVersion, ServiceRung, ServiceTarget, ServiceWindow
from tickets.models.ticket import Ticket

__all__ = [
    "Assignment",
    "Category",
    "CategoryVersion",
    "Follower",
    "FollowerKind",
    "Photo",
    "RoutingRule",
    "RoutingVersion",
    "SearchDocument",
    "ServiceLevelVersion",
    "ServiceRung",
    "ServiceTarget",
    "ServiceWindow",
    "Ticket",
    "TicketClock",
    "TicketEvent",
    "TicketFiring",
    "TicketOutbox",
    "TicketSeal",
    "TicketWords",
]
