"""The words in which a move says to whom it is news.

A note names a side, the topic by which a person chooses what to hear of, and where it needs one the condition on the facts of
that moment. The notes of a move stand beside it, in `tickets.moves`;
a move that is news to nobody says so.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from notifications.topics import Topic
from tickets.states import OPEN, State
from web.words import bilingual


class Side(StrEnum):
    """Whom a note is for: a part in the ticket, as it was at that moment."""

    REPORTER = "reporter"
    FOLLOWER = "follower"
    SUCCESSOR = "successor"
    HOLDER = "handler"  # the word that events and ladders have for it
    FORMER_HOLDER = "former"
    WORKER = "worker"
    FORMER_WORKER = "former_worker"
    HELPER = "helper"
    NEW_HELPER = "new_helper"
    RELEASED = "released"
    COORDINATOR = "coordinator"  # where the street coordinates, it is the desk
    FORMER_COORDINATOR = "former_coordinator"
    COMMITTEE = "committee"
    RESIDENTS_COMMITTEE = "residents_committee"
    OFFICER = "officer"
    FORMER_OFFICER = "former_officer"
    DESK = "desk"
    STREET_LEAD = "street_lead"
    SUPERVISOR = "supervisor"
    OWNER = "owner"
    INSPECTOR = "inspector"


S, T = Side, Topic
RESIDENTS = (S.REPORTER, S.FOLLOWER)
SIDES = {
    S.REPORTER: bilingual("诉求人", "the reporter"),
    S.FOLLOWER: bilingual("附议人、并单居民", "cosigners, and residents whose ticket was merged"),
    S.SUCCESSOR: bilingual("被征询接续的附议人、并单居民", "the follower who is asked to succeed the reporter"),
    S.HOLDER: bilingual("主办单位（调度员、项目负责人、经办人）", "the holder's dispatchers, managers and worker"),
    S.FORMER_HOLDER: bilingual("原主办单位", "the holder before"),
    S.WORKER: bilingual("经办人", "the worker"),
    S.FORMER_WORKER: bilingual("原经办人", "the worker before"),
    S.HELPER: bilingual("协办、被吹哨单位", "co-handlers and whistled departments"),
    S.NEW_HELPER: bilingual("新增协办、被吹哨单位", "those newly asked to help"),
    S.RELEASED: bilingual("不再协办的单位", "those released from helping"),
    S.COORDINATOR: bilingual("协调的物管会（业委会）", "the committee that coordinates"),
    S.FORMER_COORDINATOR: bilingual("原协调单位", "the committee that coordinated"),
    S.COMMITTEE: bilingual("物管会（业委会）", "the committee of the place"),
    S.RESIDENTS_COMMITTEE: bilingual("居委会", "the residents' committee"),
    S.OFFICER: bilingual("街道责任人", "the street's officer who answers for it"),
    S.FORMER_OFFICER: bilingual("原街道责任人", "the street's officer who answered for it before"),
    S.DESK: bilingual("街道责任科室", "the street's section"),
    S.STREET_LEAD: bilingual("街道负责人", "the street's head"),
    S.SUPERVISOR: bilingual("承办单位总部", "the holder's head office"),
    S.OWNER: bilingual("挂账责任单位", "the owner of the account"),
    S.INSPECTOR: bilingual("巡查、自查、网格的上报单位", "the organisation that found it on patrol"),
}

type Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Condition:
    """Where a move is news to somebody: whether it `holds` is asked with the facts as they were after it."""

    words: str
    holds: Callable[[Facts], bool]


@dataclass(frozen=True, slots=True)
class Note:
    """That a move is news to a side; `when` it is, where that depends."""

    side: Side
    topic: Topic
    kind: str
    when: Condition | None = None


def in_state(*states: State) -> Condition:
    """Where the ticket is in one of these states."""
    return Condition(", ".join(states), lambda facts: facts["state"] in states)


def _at_the_desk(facts: Facts) -> bool:
    state, coordinator = facts["state"], facts["coordinator"]
    return bool(state == State.SUBMITTED or (state == State.COORDINATING and coordinator == facts["desk"]))


AT_THE_DESK = Condition("submitted, or coordinated by the street", _at_the_desk)
WITH_NOBODY = Condition(
    "nobody leads it, and no committee coordinates it",
    lambda facts: (
        not facts["handler"] and not (facts["state"] == State.COORDINATING and facts["coordinator"] != facts["desk"])
    ),
)
INSPECTED = Condition("an organisation found it", lambda facts: bool(facts.get("inspector")))
REPORTED = Condition("a resident reported it", lambda facts: not facts.get("inspector"))
ASKED = Condition(
    "somebody is asked to succeed its reporter",
    lambda facts: bool(facts.get("successor")) and "successor" in (facts.get("was") or {}),
)
KEPT = Condition(
    "it is open, and nobody is left to ask",
    lambda facts: facts["state"] in OPEN and not facts["reporter"] and not facts.get("successor"),
)
URGENT = Condition("urgent", lambda facts: bool(facts["urgent"]))


def to_residents(kind: str, topic: Topic = T.PROGRESS) -> tuple[Note, ...]:
    """The same for the reporter and for those who follow; these are never asked."""
    return (Note(S.REPORTER, topic, kind), Note(S.FOLLOWER, T.PROGRESS, kind))


def to_whoever_acts(kind: str = "work") -> tuple[Note, ...]:
    """For the party that has to act now: the holder, the coordinator or the desk, as the state says."""
    return (
        Note(S.HOLDER, T.WORK, f"{kind}.handler", in_state(State.DISPATCHED, State.IN_PROGRESS)),
        Note(S.COORDINATOR, T.WORK, f"{kind}.coordinator", in_state(State.COORDINATING)),
        Note(S.DESK, T.WORK, f"{kind}.desk", AT_THE_DESK),
    )


TAKEN = (Note(S.FORMER_HOLDER, T.WORK, "taken.former"), Note(S.RELEASED, T.WORK, "taken.released"))
HELP = (Note(S.NEW_HELPER, T.WORK, "help.helper"),)
OVER = (
    Note(S.FORMER_HOLDER, T.WORK, "over.former"),
    Note(S.RELEASED, T.WORK, "over.former"),
    Note(S.FORMER_COORDINATOR, T.WORK, "over.former"),
)
SUCCESSION = (
    Note(S.SUCCESSOR, T.ASKED, "succession.successor", ASKED),
    Note(S.DESK, T.PROGRESS, "kept.desk", KEPT),
)
# Moves whose event names sides by itself, as a ladder's rung says or because it is urged again: their topic and kind of message.
NAMING = {
    "remind": (T.REMINDER, "reminder"),
    "raise_level": (T.OVERSIGHT, "raised"),
    "supervise": (T.OVERSIGHT, "supervised"),
    "urge": (T.WORK, "urged"),
}
# What a ladder tells; of what was overtaken while nobody swept there is one message of the kind MISSED.
SUMMED_UP = NAMING.keys() - {"urge"}
MISSED = "missed.staff"
URGED = (S.HOLDER,)
URGED_AGAIN = (*URGED, S.SUPERVISOR)
"""The audience of a ticket's first urge, and of those that follow."""
