"""What a run came to: its figures, the digest of all that happened in it, and whether everything holds."""

from dataclasses import dataclass

from django.db import connection

from tickets.simulation.history import RunDigest, faults, histories
from tickets.simulation.run import Run
from tickets.simulation.tally import KINDS, Tally
from web.words import Words, bilingual, en, zh


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """The figures of a run. `refused` are moves that somebody tried and could not make; `faults` are to be none."""

    tally: Tally
    digest: str
    events: int
    refused: int
    faults: list[Words]


def examine(run: Run) -> RunOutcome:
    """What a run that has ended came to, from its rows, in the transaction in which it took place."""
    with connection.cursor() as cursor:
        # What the database would check at the end of the transaction, which may be taken back.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    tally, digest, events = Tally(), RunDigest(run.crowd.names, run.span.begin), 0
    found: list[Words] = []
    for life, history in zip(run.lives, histories([one.ticket.pk for one in run.lives]), strict=True):
        digest.add(history)
        tally.add(history, life.first.name if life.first else KINDS[-1], run.span.until)
        code = history.ticket.code
        found += [
            bilingual(f"{code}：{zh(fault)}", f"{code}: {en(fault)}") for fault in faults(history, run.span.until)
        ]
        events += len(history.events)
    return RunOutcome(tally, digest.hexadecimal, events, run.refused.total(), found)
