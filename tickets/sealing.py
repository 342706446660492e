"""The hourly seals over the heads of a street's tickets, and the heads that are kept outside the database."""

import uuid
from collections.abc import Iterable

from community.models import Street
from tickets.models import Ticket, TicketSeal
from workflow import moment
from workflow.seals import Head, read_seals, seal_heads


def seal_all() -> int:
    """Seal the heads of every street whose last seal is an hour old; how many seals were made."""
    return sum(
        seal_heads(Ticket, moment.now(), street_id=street) for street in Street.objects.values_list("pk", flat=True)
    )


def latest_heads() -> list[tuple[Head, TicketSeal]]:
    """Each street's latest seal, and its head as it is to be kept elsewhere."""
    seals = TicketSeal.objects.order_by("street_id", "-number").distinct("street_id").select_related("street")
    return [(Head(one.street.code, one.number, bytes(one.digest)), one) for one in seals]


def read_all(outside: Iterable[Head]) -> tuple[dict[uuid.UUID, tuple[int, bytes]], list[str]]:
    """The sealed heads of all tickets, and what is wrong with the chains of seals, given the heads that were kept `outside`.

    Raises LookupError for a head of a street that is not there.
    """
    kept: dict[str, list[Head | None]] = {}
    for one in outside:
        kept.setdefault(one.group, []).append(one)
    streets = dict(Street.objects.values_list("code", "pk"))
    if unknown := sorted(kept.keys() - streets.keys()):
        raise LookupError(", ".join(unknown))
    heads: dict[uuid.UUID, tuple[int, bytes]] = {}
    flaws: dict[str, None] = {}
    for code, street in streets.items():
        for head in kept.get(code, [None]):
            found = read_seals(Ticket, head, street_id=street)
            flaws |= dict.fromkeys(f"{code}: {one}" for one in found.flaws)
            heads |= found.heads
    return heads, list(flaws)
