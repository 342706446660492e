"""What stands around every page: the street, the person's seats, the navigation."""

from dataclasses import dataclass

from community.actors import Caller
from community.models import Organisation, Role
from console.navigation import Entry, entries_of
from web.words import say


@dataclass(frozen=True, slots=True)
class SeatShown:
    """A seat of the person's: the organisation and the role."""

    organisation_id: object
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Frame:
    """The frame of a page for one person."""

    caller: Caller
    street: str
    seats: tuple[SeatShown, ...]
    entries: tuple[Entry, ...]


def frame_of(caller: Caller) -> Frame:
    """The frame. Costs one statement."""
    actor = caller.actor
    rows = Organisation.objects.select_related("street").in_bulk([seat.organisation_id for seat in actor.seats])
    found = [(rows[seat.organisation_id], seat.role) for seat in actor.seats if seat.organisation_id in rows]
    streets = dict.fromkeys(one.street.name for one, _ in found if one.street)
    return Frame(
        caller,
        "、".join(streets),
        tuple(SeatShown(one.pk, _name(one), str(Role(role).label)) for one, role in found),
        tuple(entries_of(actor)),
    )


def _name(organisation: Organisation) -> str:
    return say(organisation.name, organisation.name_en or organisation.name)
