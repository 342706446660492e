"""The poll as a kind of subject, and its API."""

from django.urls import include, path

from casework.api.moves import addresses
from casework.kinds import Kind, register
from tests.workflow.poll.models import Poll
from workflow.actor import Actor


class Polls(Kind[Poll]):
    """Polls: whoever lives or sits in the street sees that there is one, its chair who voted."""

    name = "polls"
    model = Poll

    def sees(self, subject: Poll, actor: Actor) -> bool:
        """Whoever has a confirmed home, or a seat in the street."""
        return bool(actor.compounds) or any(seat.street_id == subject.street_id for seat in actor.seats)

    def readable(self, subject: Poll, actor: Actor) -> list[str]:
        """Votes are the chair's to read."""
        return ["public", *(["parties"] if actor.person_id == subject.chair_id else [])]


POLLS = register(Polls())
urlpatterns = [path("api/v1/", include(addresses(POLLS)))]
