"""The side navigation: which screens there are, for whom, and what is counted beside them."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from community.addressees import HANDS
from community.confirming import in_reach, may_confirm
from community.models.organisations import COMMITTEE_KINDS, CONTRACTORS, STREET_KINDS
from console.exports import ready
from tickets.queries import coordinated_by, in_street, on_a_committee, queue
from tickets.reading.callbacks import due_today
from tickets.reading.wall import late, watched
from tickets.states import State
from web.words import Words, bilingual
from workflow.actor import Actor

MOST = 999


def works(actor: Actor) -> bool:
    """Whether the person sits in any organisation: only they have a console."""
    return bool(actor.seats)


def coordinates(actor: Actor) -> bool:
    """Whether the person sits on a committee that coordinates what is reported in its areas."""
    return on_a_committee(actor)


def _to_coordinate(actor: Actor) -> int:
    return coordinated_by(actor).order_by().values("pk")[: MOST + 1].count()


def works_outside(actor: Actor) -> bool:
    """Whether the person may be given work at places, rather than coordinating it or watching over it alone."""
    return any(seat.kind in CONTRACTORS for seat in actor.seats)


def organisations_given_out(actor: Actor) -> list[uuid.UUID]:
    """The person's own organisations whose work they give out."""
    return list(dict.fromkeys(seat.organisation_id for seat in actor.seats if seat.role not in HANDS))


def gives_out(actor: Actor) -> bool:
    """Whether the person gives out the work of any organisation of theirs."""
    return bool(organisations_given_out(actor))


def confirms_homes(actor: Actor) -> bool:
    """Whether the person may confirm the homes of others."""
    return may_confirm(actor)


def _to_confirm(actor: Actor) -> int:
    claimed = in_reach(actor).filter(confirmed_at=None, objected_at=None)
    return claimed.order_by().values("pk")[: MOST + 1].count()


def of_the_street(actor: Actor) -> bool:
    """Whether the person sits in an office or section of a street."""
    return any(seat.kind in STREET_KINDS and seat.street_id for seat in actor.seats)


def _in_queue(actor: Actor) -> int:
    return queue(actor, None).order_by().values("pk")[: MOST + 1].count()


def _ready_exports(actor: Actor) -> int | None:
    return ready(actor.person_id) or None


@dataclass(frozen=True, slots=True)
class Entry:
    """A screen in the navigation: the name of its address, which readers it `admits`, and how much waits there."""

    name: str
    icon: str
    label: Words
    admits: Callable[[Actor], bool]
    count: Callable[[Actor], int | None] | None = None

    def shown(self, actor: Actor) -> str:
        """The count for people, `999+` where there are more; empty where nothing is counted."""
        found = None if self.count is None else self.count(actor)
        if found is None:
            return ""
        return f"{MOST}+" if found > MOST else str(found)


# Where tickets of one state are counted, the order leads to the index of states, for a plan for all values does not know that they are few.


def _to_review(actor: Actor) -> int:
    rows = in_street(actor).open().order_by("next_due_at").values("pk")
    returns, extensions = rows.filter(state=State.RETURNING), rows.filter(extension_days__isnull=False)
    return returns[: MOST + 1].union(extensions[: MOST + 1])[: MOST + 1].count()


def _on_account(actor: Actor) -> int:
    rows = in_street(actor).open().filter(state=State.ON_ACCOUNT).order_by("next_due_at")
    return rows.values("pk")[: MOST + 1].count()


def takes_down(actor: Actor) -> bool:
    """Whether the person may take down reports of residents anywhere: for the street, or where their organisation serves."""
    kinds = CONTRACTORS | COMMITTEE_KINDS | STREET_KINDS | {"residents_committee"}
    return any(seat.kind in kinds for seat in actor.seats)


def _to_call(actor: Actor) -> int:
    return due_today(actor).order_by().values("pk")[: MOST + 1].count()


def watches(actor: Actor) -> bool:
    """Whether the person watches over a street, or over places in it."""
    return watched(actor) is not None


def _late(actor: Actor) -> int:
    return late(actor, MOST + 1)


ENTRIES = (
    Entry("desk", "users-group", bilingual("协调台", "Committee desk"), coordinates, _to_coordinate),
    Entry("queue", "inbox", bilingual("工单队列", "Queue"), works, _in_queue),
    Entry("wall", "alarm", bilingual("超时墙", "Oversight wall"), watches, _late),
    Entry("tickets", "list-check", bilingual("全部工单", "All tickets"), watches),
    Entry("reviews", "arrow-back-up", bilingual("退单与延期", "Returns"), of_the_street, _to_review),
    Entry("intake", "phone", bilingual("来电登记", "Intake"), takes_down),
    Entry("callbacks", "phone-call", bilingual("回访台", "Call-backs"), of_the_street, _to_call),
    Entry("account", "bookmark", bilingual("挂账", "On account"), of_the_street, _on_account),
    Entry("round", "walk", bilingual("巡修单", "Round"), works_outside),
    Entry("duty", "users", bilingual("值班与指派", "Duty"), gives_out),
    Entry("exports", "download", bilingual("导出", "Exports"), works, _ready_exports),
    Entry("health", "chart-bar", bilingual("运行状况", "Health"), of_the_street),
    Entry("homes", "home", bilingual("住处核实", "Homes"), confirms_homes, _to_confirm),
)
"""In the order in which they are shown. The first that admits a person is where the person starts."""


def entries_of(actor: Actor) -> list[Entry]:
    """The entries that the person has."""
    return [one for one in ENTRIES if one.admits(actor)]
