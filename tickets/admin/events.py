"""The types of events for webhooks, and their labels."""

from functools import cache

from django.utils.functional import Promise

from notifications.delivery.test_messages import TEST_EVENT
from tickets.models import Ticket
from tickets.models.ticket import OTHERS
from web.words import bilingual
from workflow.moves import moves


@cache
def _labels() -> dict[str, Promise]:
    told = {f"ticket.{move.name}": move.label for move in moves(Ticket).values()}
    others = {f"ticket.{verb}": label for verb, label in OTHERS.items()}
    return {**others, **told, TEST_EVENT: bilingual("试发", "A test")}


def event_types() -> list[str]:
    """Every type that a webhook can be sent: the moves, and the other events of a ticket."""
    return [type for type in _labels() if type != TEST_EVENT]


def event_label(type: str) -> str:
    """What an event of the type is called; the type itself where there is none such any more."""
    return str(_labels().get(type, type))


def offered(types: list[str]) -> list[tuple[str, str]]:
    """The types as a form offers them."""
    return [(type, f"{event_label(type)} {type}") for type in types]
