"""Who is concerned by a ticket, what each was asked and answered, and what was agreed when they met."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tickets.access import Relation
from tickets.states import AssignmentRole, Outcome, State

RECORD = "record"
_READERS = frozenset({Relation.COORDINATOR, Relation.STREET})
_ASKS_THE_HOLDER = frozenset({"supervise", "urge", "remind"})
_NO_ANSWERS = frozenset({RECORD, "reveal"})
_VOICES = frozenset({"comment", "urge", "dispute", "reopen"})

type HistoryLine = Mapping[str, Any]


def parties(document: Mapping[str, Any], history: Sequence[HistoryLine]) -> dict[str, Any]:
    """The parts by how they stand: those that are open, the steps that wait, and those that have ended, the latest first.

    For those who coordinate, and for the street, also who coordinates, the residents, and of each party the latest that it was asked
    and answered. Both come from the document and the history that the reader has.
    """
    parts: Sequence[Mapping[str, Any]] = document["assignments"] or ()
    between = bool(_READERS & set(document["relations"]))
    open = sorted((one for one in parts if one["open"]), key=lambda one: one["role"] != AssignmentRole.LEAD)
    ended = [one for one in parts if not one["open"] and one["outcome"] != Outcome.PENDING]
    return {
        "open": [{**one, **_said(one, history)} for one in open] if between else open,
        "waiting": [one for one in parts if not one["open"] and one["outcome"] == Outcome.PENDING],
        "ended": ended[::-1],
        "coordinator": document["coordinator_name"] if between else "",
        "residents": _residents(document, history) if between else None,
        # What is coordinated shows it beside the list already.
        "first": between and document["state"] == State.COORDINATING,
    }


def records(document: Mapping[str, Any], history: Sequence[HistoryLine]) -> list[dict[str, Any]]:
    """The meetings that are on record, the latest first, each with its photos; none for readers who do not coordinate."""
    if not _READERS & set(document["relations"]):
        return []
    photos = {one["id"]: one for one in document["photos"]}
    return [
        {**one, **one["words"], "photos": [photos[key] for key in one["photos"] if key in photos]}
        for one in reversed(history)
        if one["verb"] == RECORD
    ]


def _said(part: Mapping[str, Any], history: Sequence[HistoryLine]) -> dict[str, HistoryLine | None]:
    """The latest that was asked of the organisation of a part, and the latest that it said since it has that part."""
    key, leads = part["organisation"]["id"], part["role"] == AssignmentRole.LEAD
    return {
        "asked": _last(
            one for one in history if str(key) in _named(one["data"]) or (leads and one["verb"] in _ASKS_THE_HOLDER)
        ),
        "answered": _last(
            one
            for one in history
            if one["organisation"]
            and one["organisation"]["id"] == key
            and one["verb"] not in _NO_ANSWERS
            and (one["said"] or one["chosen"])
            and one["at"] >= part["opened_at"]
        ),
    }


def _residents(document: Mapping[str, Any], history: Sequence[HistoryLine]) -> dict[str, Any]:
    """The reporter and those who follow: what they were asked, what they answered to that, and what else they said last."""
    asked = _last(one for one in history if one["verb"] == "ask")
    since = [one for one in history if asked is None or one["at"] >= asked["at"]]
    return {
        "contact": document["contact"],
        "cosigns": document["cosigns"],
        "asked": asked,
        "answered": _last(one for one in since if one["verb"] == "answer") if asked else None,
        "waits": bool(document["question_open"]),
        "voice": _last(
            one for one in history if one["verb"] in _VOICES and one["organisation"] is None and one["said"]
        ),
    }


def _named(facts: Mapping[str, Any]) -> set[str]:
    """The organisations that an event gives a part."""
    single = {str(facts[name]) for name in ("holder", "lead") if facts.get(name)}
    return single | {str(one) for name in ("helping", "whistled") for one in facts.get(name) or ()}


def _last(found: Iterable[HistoryLine]) -> HistoryLine | None:
    return next(iter(list(found)[::-1]), None)
