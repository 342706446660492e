"""What became of tickets, told to those concerned: each outbox row once, and then it is gone."""

import logging

from tickets.models import Ticket, TicketOutbox
from workflow.outbox import drain

logger = logging.getLogger(__name__)

BATCH = 200
MOST_BATCHES = 50


def tell(row: TicketOutbox) -> None:
    """Tell of one event. There are no notification channels yet: nobody is sent anything, one line is logged.

    The line has the verb, the ticket's code and the number of organisations concerned; no person and no words of anyone's.
    """
    ticket: Ticket = row.event.subject
    logger.info("told verb=%s ticket=%s audience=%d", row.event.verb, ticket.code, len(row.audience))


def tell_outbox() -> int:
    """Tell what waits in the outbox, oldest first, 10,000 rows at most; returns how many were told.

    Twice, or by several at once, does no harm.
    """
    told = 0
    for _ in range(MOST_BATCHES):
        batch = drain(TicketOutbox, tell, limit=BATCH)
        told += batch
        if batch < BATCH:
            break
    return told
