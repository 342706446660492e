"""The poll as a kind of subject, its API, and what is told of it."""

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.urls import include, path

from casework.api.moves import addresses
from casework.kinds import Kind, register
from casework.notifying import News, Teller, letter, signal
from community.models import Organisation
from notifications.post import Addressee
from notifications.topics import Topic
from notifications.wordings.writer import Catalogue
from tests.workflow.poll.models import Poll, PollOutbox
from workflow.actor import Actor


def news(rows: Sequence[Any]) -> News:
    """The chair hears that the vote is over; the system of the street's office hears of everything."""
    offices = dict(Organisation.objects.filter(kind="street_office").values_list("street", "pk"))
    letters = [
        letter(row, "ended", Topic.WORK, [Addressee(uuid.UUID(row.facts["chair"]))], subject_type="poll")
        for row in rows
        if row.event.verb == "end"
    ]
    signals = [
        signal(row.event, [offices[row.street_id]], {"state": row.facts["state"]}, subject_type="poll") for row in rows
    ]
    return letters, signals


class Polls(Kind[Poll]):
    """Polls: people with a confirmed home there or a seat in the street see them; the chair sees who voted."""

    name = "polls"
    model = Poll
    teller = Teller(PollOutbox, news, Catalogue(Path(__file__).parent / "messages.toml"))

    def sees(self, subject: Poll, actor: Actor) -> bool:
        """Whoever has a seat in the street, or a confirmed home in the compound."""
        return subject.compound_id in actor.compounds or any(
            seat.street_id == subject.street_id for seat in actor.seats
        )

    def readable(self, subject: Poll, actor: Actor) -> list[str]:
        """Votes are the chair's to read."""
        return ["public", *(["parties"] if actor.person_id == subject.chair_id else [])]


POLLS = register(Polls())
urlpatterns = [path("api/v1/", include(addresses(POLLS)))]
