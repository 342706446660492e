"""What each move is news of, and to whom: the table that telling follows.

A note names a side, the topic by which a person chooses what to hear of, and where it needs one the condition on the facts of
that moment. A move that is news to nobody says so by an empty row.
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
    SUCCESSOR = "successor"  # the follower who is asked to take the place of the reporter who left
    HANDLER = "handler"
    FORMER = "former"  # whoever led it before the event, and leads it no longer
    WORKER = "worker"
    FORMER_WORKER = "former_worker"  # whoever worked on it before the event, and does no longer
    HELPER = "helper"
    NEW_HELPER = "new_helper"  # whoever was asked to help by the event
    RELEASED = "released"  # whoever helped before the event, and does no longer
    COORDINATOR = "coordinator"  # a committee that coordinates; where the street does, it is the desk
    FORMER_COORDINATOR = "former_coordinator"
    COMMITTEE = "committee"  # that of the place
    RESIDENTS_COMMITTEE = "residents_committee"
    OFFICER = "officer"  # who of the street answers for it
    FORMER_OFFICER = "former_officer"  # who of the street answered for it before the event, and does no longer
    DESK = "desk"
    STREET_LEAD = "street_lead"
    SUPERVISOR = "supervisor"  # the handler's head office
    OWNER = "owner"  # of an account
    INSPECTOR = "inspector"  # the organisation that found it on patrol


S, T = Side, Topic
RESIDENTS = (S.REPORTER, S.FOLLOWER)
SIDES = {
    S.REPORTER: bilingual("诉求人", "the reporter"),
    S.FOLLOWER: bilingual("附议人、并单居民", "cosigners, and residents whose ticket was merged"),
    S.SUCCESSOR: bilingual("被征询接续的附议人、并单居民", "the follower who is asked to succeed the reporter"),
    S.HANDLER: bilingual("主办单位（调度员、项目负责人、经办人）", "the lead's dispatchers, managers and worker"),
    S.FORMER: bilingual("原主办单位", "the lead before"),
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
    S.SUPERVISOR: bilingual("承办单位总部", "the lead's head office"),
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


def _residents(kind: str, topic: Topic = T.PROGRESS) -> tuple[Note, ...]:
    """The same for the reporter and for those who follow; these are never asked."""
    return (Note(S.REPORTER, topic, kind), Note(S.FOLLOWER, T.PROGRESS, kind))


def _work(kind: str = "work") -> tuple[Note, ...]:
    """For whoever it lies with now, each where it does."""
    return (
        Note(S.HANDLER, T.WORK, f"{kind}.handler", in_state(State.DISPATCHED, State.IN_PROGRESS)),
        Note(S.COORDINATOR, T.WORK, f"{kind}.coordinator", in_state(State.COORDINATING)),
        Note(S.DESK, T.WORK, f"{kind}.desk", AT_THE_DESK),
    )


_TAKEN = (Note(S.FORMER, T.WORK, "taken.former"), Note(S.RELEASED, T.WORK, "taken.released"))
_HELP = (Note(S.NEW_HELPER, T.WORK, "help.helper"),)
_OVER = (
    Note(S.FORMER, T.WORK, "over.former"),
    Note(S.RELEASED, T.WORK, "over.former"),
    Note(S.FORMER_COORDINATOR, T.WORK, "over.former"),
)
_SUCCESSION = (
    Note(S.SUCCESSOR, T.ASKED, "succession.successor", ASKED),
    Note(S.DESK, T.PROGRESS, "kept.desk", KEPT),
)
# The clock's own moves name their audience in the event (the ladder's), and so does an urge.
BY_AUDIENCE = frozenset({"remind", "raise_level", "supervise", "urge"})
# What a ladder tells; of what was overtaken while nobody swept there is one message of the kind MISSED.
SUMMED_UP = frozenset({"remind", "raise_level", "supervise"})
MISSED = "missed.staff"
URGED = (S.HANDLER,)
URGED_AGAIN = (*URGED, S.SUPERVISOR)
"""The audience of a ticket's first urge, and of those that follow."""

NEWS: Mapping[str, tuple[Note, ...]] = {
    "submit": (
        Note(S.REPORTER, T.PROGRESS, "received.resident"),
        *_work(),
        *_HELP,
        Note(S.COMMITTEE, T.OVERSIGHT, "urgent.committee", URGENT),
    ),
    "answer_now": (
        *_residents("replied.resident", T.ASKED),
        Note(S.INSPECTOR, T.WORK, "replied.inspector"),
        *_OVER,
    ),
    "correct": (
        *_residents("corrected.resident"),
        Note(S.COORDINATOR, T.PROGRESS, "corrected.staff"),
        Note(S.HANDLER, T.WORK, "corrected.staff"),
        *_TAKEN,
    ),
    "correct_contact": (Note(S.HANDLER, T.WORK, "contact.handler"),),
    "coordinate": (*_residents("coordinating.resident"), *_work(), *_TAKEN),
    "record": _residents("recorded.resident"),
    "take_over": (
        *_residents("coordinating.resident"),
        Note(S.FORMER_COORDINATOR, T.OVERSIGHT, "taken.coordinator"),
        Note(S.DESK, T.WORK, "work.desk"),
    ),
    "dispatch": (*_residents("dispatched.resident"), *_work(), *_HELP),
    "sign": (*_residents("signed.resident"), Note(S.WORKER, T.WORK, "signed.worker")),
    "assign": (Note(S.WORKER, T.WORK, "signed.worker"), Note(S.FORMER_WORKER, T.PROGRESS, "assigned.former")),
    "redispatch": (*_residents("dispatched.resident"), *_work(), *_HELP, *_TAKEN),
    "relieve": (*_HELP, Note(S.RELEASED, T.WORK, "taken.released")),
    "bounce": (
        *_residents("rearranging.resident"),
        *_work("bounced"),
        *_TAKEN,
        Note(S.SUPERVISOR, T.OVERSIGHT, "bounced.supervisor"),
    ),
    "step_in": (
        *_residents("dispatched.resident"),
        Note(S.WORKER, T.WORK, "signed.worker"),
        *_TAKEN,
        Note(S.SUPERVISOR, T.OVERSIGHT, "bounced.supervisor"),
    ),
    "return": (Note(S.DESK, T.WORK, "return.desk"),),
    "uphold": (*_work(), *_TAKEN),
    "designate": (Note(S.HANDLER, T.WORK, "designated.handler"), Note(S.DESK, T.PROGRESS, "designated.desk")),
    "contact": (),
    "arrive": _residents("arrived.resident"),
    "progress": _residents("progress.resident"),
    "complete_step": (*_residents("step.resident"), *_work(), *_HELP),
    "ask": (Note(S.REPORTER, T.ASKED, "asked.reporter"), Note(S.INSPECTOR, T.WORK, "asked.inspector")),
    "answer": (
        Note(S.HANDLER, T.WORK, "answered.handler"),
        Note(S.COORDINATOR, T.WORK, "answered.handler", in_state(State.COORDINATING)),
        Note(S.DESK, T.WORK, "answered.handler", AT_THE_DESK),
    ),
    "lapse": (
        Note(S.REPORTER, T.PROGRESS, "lapsed.reporter"),
        Note(S.HANDLER, T.WORK, "lapsed.handler"),
        Note(S.COORDINATOR, T.WORK, "lapsed.handler", in_state(State.COORDINATING)),
        Note(S.DESK, T.WORK, "lapsed.handler", AT_THE_DESK),
    ),
    "request_extension": (Note(S.DESK, T.WORK, "extension.desk"),),
    "grant_extension": (*_residents("extended.resident"), Note(S.HANDLER, T.PROGRESS, "extended.handler")),
    "refuse_extension": (Note(S.HANDLER, T.WORK, "unextended.handler"),),
    "whistle": (*_residents("whistled.resident"), *_HELP),
    "report_in": (Note(S.DESK, T.PROGRESS, "reported_in.desk"),),
    "decline": (Note(S.DESK, T.WORK, "declined.desk"),),
    "assist_done": (
        Note(S.HANDLER, T.PROGRESS, "assisted.handler"),
        Note(S.DESK, T.PROGRESS, "assisted.desk"),
    ),
    "put_on_account": (
        *_residents("on_account.resident"),
        Note(S.OWNER, T.WORK, "on_account.owner"),
        Note(S.HANDLER, T.PROGRESS, "on_account.handler"),
    ),
    "resume": (*_residents("resumed.resident"), *_work("resumed"), *_TAKEN),
    "reply": (
        Note(S.REPORTER, T.ASKED, "replied.resident"),
        Note(S.FOLLOWER, T.PROGRESS, "replied.follower"),
        Note(S.INSPECTOR, T.WORK, "replied.inspector"),
    ),
    "close": (
        Note(S.FOLLOWER, T.PROGRESS, "closed.follower"),
        Note(S.FORMER, T.PROGRESS, "checked.handler"),
        Note(S.INSPECTOR, T.PROGRESS, "checked.handler"),
    ),
    "confirm": (
        Note(S.FORMER, T.PROGRESS, "confirmed.handler"),
        Note(S.FOLLOWER, T.PROGRESS, "closed.follower"),
    ),
    "close_silent": (
        Note(S.REPORTER, T.PROGRESS, "closed.resident"),
        Note(S.FOLLOWER, T.PROGRESS, "closed.follower"),
        Note(S.FORMER, T.PROGRESS, "closed.handler", REPORTED),
        Note(S.FORMER, T.PROGRESS, "unchecked.staff", INSPECTED),
        Note(S.INSPECTOR, T.PROGRESS, "unchecked.staff"),
    ),
    "dispute": (*_residents("reworked.resident"), *_work("disputed"), *_TAKEN),
    "callback": (),
    "reopen": (*_residents("reworked.resident"), *_work("reopened")),
    "reject": (
        *_residents("rejected.resident"),
        Note(S.INSPECTOR, T.PROGRESS, "rejected.inspector"),
        *_OVER,
    ),
    "merge": (*_residents("merged.resident"), *_OVER),
    "absorb": (Note(S.HANDLER, T.PROGRESS, "absorbed.handler"),),
    "file_another": (
        Note(S.REPORTER, T.PROGRESS, "another.resident"),
        Note(S.HANDLER, T.PROGRESS, "another.staff"),
        Note(S.COORDINATOR, T.PROGRESS, "another.staff", in_state(State.COORDINATING)),
    ),
    "split": (*_residents("split.resident"), *_work()),
    "withdraw": (*_SUCCESSION, *_OVER),
    "succeed": (Note(S.HANDLER, T.PROGRESS, "succeeded.staff"), Note(S.DESK, T.PROGRESS, "succeeded.staff")),
    "decline_succession": _SUCCESSION,
    "keep": (Note(S.DESK, T.PROGRESS, "kept.desk"),),
    "terminate": (*_residents("terminated.resident"), Note(S.INSPECTOR, T.PROGRESS, "over.former"), *_OVER),
    "urge": (
        Note(S.COORDINATOR, T.WORK, "urged.staff", in_state(State.COORDINATING)),
        Note(S.DESK, T.WORK, "urged.staff", AT_THE_DESK),
    ),
    "comment": (
        Note(S.HANDLER, T.WORK, "commented.staff"),
        Note(S.COORDINATOR, T.WORK, "commented.staff", in_state(State.COORDINATING)),
        Note(S.OWNER, T.PROGRESS, "commented.staff"),
        Note(S.DESK, T.WORK, "commented.staff", WITH_NOBODY),
    ),
    "cosign": (),
    "uncosign": (Note(S.SUCCESSOR, T.ASKED, "succession.successor", ASKED),),
    "rate": (),
    "thank": (
        Note(S.HANDLER, T.PROGRESS, "thanked.handler"),
        Note(S.FORMER, T.PROGRESS, "thanked.handler"),
    ),
    "supervise": (
        Note(S.HANDLER, T.OVERSIGHT, "supervised.staff"),
        Note(S.COORDINATOR, T.OVERSIGHT, "supervised.staff"),
    ),
    "raise_level": (Note(S.HANDLER, T.OVERSIGHT, "raised.staff"),),
    "lift_supervision": (
        Note(S.HANDLER, T.OVERSIGHT, "unsupervised.staff"),
        Note(S.COORDINATOR, T.OVERSIGHT, "unsupervised.staff"),
    ),
    "lower_level": (Note(S.HANDLER, T.OVERSIGHT, "lowered.staff"),),
    "appoint": (
        Note(S.OFFICER, T.WORK, "appointed.officer"),
        Note(S.FORMER_OFFICER, T.PROGRESS, "appointed.former"),
    ),
    "remark": (),
    "remind": (Note(S.INSPECTOR, T.REMINDER, "reminder.staff", in_state(State.REPLIED)),),
    "recalendar": (),
    "reveal": (),
    "look_up": (),
    "hide_words": (),
    "redact": (),
}
"""Every move's news, the nearest side first: somebody who is several hears it once, as the first."""

_AUDIENCE_KINDS = {
    "remind": (T.REMINDER, "reminder"),
    "raise_level": (T.OVERSIGHT, "raised"),
    "supervise": (T.OVERSIGHT, "supervised"),
    "urge": (T.WORK, "urged"),
}


def notes(verb: str, audience: tuple[str, ...] = ()) -> tuple[Note, ...]:
    """Whom an event of `verb` is told; `audience` are the sides that its ladder names."""
    listed = NEWS[verb]
    if verb not in BY_AUDIENCE:
        return listed
    topic, kind = _AUDIENCE_KINDS[verb]
    named = tuple(
        Note(
            Side(one), T.ASKED if one == S.REPORTER else topic, f"{kind}.{'reporter' if one == S.REPORTER else 'staff'}"
        )
        for one in audience
    )
    return named + tuple(note for note in listed if note.side not in audience)


def kinds() -> set[str]:
    """Every kind of message that there is."""
    found = {note.kind for listed in NEWS.values() for note in listed}
    for verb in BY_AUDIENCE:
        found |= {note.kind for note in notes(verb, ("handler", "reporter"))}
    return (found | {MISSED}) - {"raised.reporter", "supervised.reporter", "urged.reporter"}
