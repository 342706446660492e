"""The hourly seals over the heads of a street's tickets, and the heads that are kept outside the database."""

import uuid
from collections.abc import Iterable

from community.models import Street
from tickets.models import Ticket, TicketSeal
from web.words import Words
from workflow import moment
from workflow.seals import Head, read_seals, seal_heads


def seal_all() -> int:
    """Seal the heads of every street whose last seal is an hour old; how many seals were made."""
    at = moment.now()
    return sum(seal_heads(Ticket, at, street_id=street) for street in Street.objects.values_list("pk", flat=True))


def latest_heads() -> list[tuple[Head, TicketSeal]]:
    """Each street's latest seal, and its head as it is to be kept elsewhere."""
    seals = TicketSeal.objects.order_by("street_id", "-number").distinct("street_id").select_related("street")
    return [(Head(one.street.code, one.number, bytes(one.digest)), one) for one in seals]


def read_all(outside: Iterable[Head]) -> tuple[dict[uuid.UUID, tuple[int, bytes]], list[tuple[str, Words]]]:
    """The sealed heads of all tickets, and what is wrong with the chain of seals of which street, given the heads that were kept `outside`.

    Raises LookupError for a head of a street that is not there.
    """
    kept: dict[str, list[Head]] = {}
    for one in outside:
        kept.setdefault(one.group, []).append(one)
    streets = dict(Street.objects.values_list("code", "pk"))
    if unknown := sorted(kept.keys() - streets.keys()):
        raise LookupError(", ".join(unknown))
    heads: dict[uuid.UUID, tuple[int, bytes]] = {}
    flaws: list[tuple[str, Words]] = []
    for code, street in streets.items():
        found = read_seals(Ticket, kept.get(code, ()), street_id=street)
        flaws += [(code, one) for one in found.flaws]
        heads |= found.heads
    return heads, flaws
