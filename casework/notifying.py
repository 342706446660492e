"""Telling what happened to a kind of subject: each event once, and then it is gone from the outbox.

What is said follows from the event and from the facts that were written with it, never from what the subject has become since.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import OperationalError

from notifications.post import Addressee, Letter, Signal, post
from notifications.tasks import nudge
from notifications.topics import ChannelName, Topic
from notifications.wordings.writer import Catalogue
from workflow.models import Outbox
from workflow.outbox import drain

BATCH = 200
MOST_BATCHES = 50

type News = tuple[Sequence[Letter], Sequence[Signal]]


def letter(row: Any, kind: str, topic: Topic, people: Sequence[Addressee], *, subject_type: str) -> Letter:
    """What an outbox row tells `people`, in the wording `kind`, with the facts that were written with it."""
    event = row.event
    return Letter(
        key=row.event_id,
        street_id=row.street_id,
        kind=kind,
        topic=topic,
        at=event.at,
        facts=row.facts,
        people=people,
        subject_type=subject_type,
        subject_id=event.subject_id,
        seq=event.seq,
    )


def signal(event: Any, organisations: Sequence[uuid.UUID], data: Mapping[str, object], *, subject_type: str) -> Signal:
    """What an event tells the systems of `organisations`; its type is such as `ticket.dispatch`."""
    return Signal(
        key=event.pk,
        street_id=event.street_id,
        type=f"{subject_type}.{event.verb}",
        at=event.at,
        organisations=organisations,
        data=data,
        subject_type=subject_type,
        subject_id=event.subject_id,
        seq=event.seq,
    )


@dataclass(frozen=True, slots=True)
class Teller[O: Outbox]:
    """How the outbox of a kind is told: `news` turns rows into what people and systems are told, in the words of `wordings`.

    Rows that one moment left of one subject, and for which `belongs` holds, are told together.
    """

    outbox: type[O]
    news: Callable[[Sequence[O]], News]
    wordings: Catalogue
    belongs: Callable[[O], bool] = lambda row: False

    def tell(self, ask: Callable[[Sequence[ChannelName]], bool] = nudge) -> int:
        """Write the notifications of the oldest 10,000 rows in the outbox. Returns how many rows.

        It is safe to call it twice or from several processes. The channels that have something to send are handed to `ask` once that is
        committed, unless it has answered False before: nobody hears.
        """
        told, heard, limit = 0, True, BATCH
        for _ in range(MOST_BATCHES):
            due: set[ChannelName] = set()
            try:
                batch = drain(self.outbox, partial(self._post, due=due), limit=limit, belongs=self.belongs)
            except OperationalError:
                # A batch that many follow may exceed the statement timeout: go on row by row. A database that is away fails again.
                if limit == 1:
                    raise
                limit = 1
                continue
            heard = heard and ask(sorted(due))
            told += batch
            if batch < limit:
                break
        return told

    def _post(self, rows: Sequence[O], *, due: set[ChannelName]) -> None:
        letters, signals = self.news(rows)
        due |= post(letters, signals, self.wordings).channels
