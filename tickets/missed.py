"""Summaries of late reminders: when a sweep fires several rungs of a clock at once, a single message lists them all."""

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from notifications.post import Letter
from notifications.topics import Topic
from notifications.wordings.facts import text
from tickets.models import TicketEvent
from tickets.news import MISSED, SUMMED_UP
from tickets.sides import OutboxEvent
from web.words import bilingual, en, zh


def of_a_sweep(event: TicketEvent) -> bool:
    """Whether a rung caused the event, so that it may be part of a summary of its sweep."""
    return "fired" in event.data and event.verb in SUMMED_UP


def summed_up(told: Sequence[tuple[OutboxEvent, Sequence[Letter]]]) -> list[Letter]:
    """The letters of these events, in their order.

    Where a sweep fired several rungs of one clock of a ticket, a person who was to hear of several of its rungs hears of all in one
    summary, and a person who was asked for something is asked once.
    """
    sweeps: dict[tuple[object, object], list[int]] = {}
    for place, (one, _) in enumerate(told):
        if of_a_sweep(one.event):
            sweeps.setdefault((one.event.subject_id, one.event.at), []).append(place)
    letters = [list(found) for _, found in told]
    for places in sweeps.values():
        if _overtaken([told[place][0] for place in places]):
            for place, found in zip(places, _once([letters[place] for place in places]), strict=True):
                letters[place] = found
    return [letter for found in letters for letter in found]


def _overtaken(sweep: Sequence[OutboxEvent]) -> bool:
    """Whether a clock fired more than one rung in the sweep."""
    clocks = Counter(tuple(one.event.data["fired"].get(part) for part in ("clock", "holder", "epoch")) for one in sweep)
    return max(clocks.values()) > 1


def _once(told: Sequence[Sequence[Letter]]) -> list[list[Letter]]:
    """The letters of a sweep, event by event. A person who has several reads one summary at the end instead."""
    staff = [letter for found in told for letter in found if letter.topic != Topic.ASKED]
    people = _several((one.person_id for one in letter.people) for letter in staff)
    organisations = _several(letter.organisations for letter in staff)
    asked = [letter for found in told for letter in found if letter.topic == Topic.ASKED]
    left = [
        [
            letter if letter.topic == Topic.ASKED else _without(letter, people, organisations)
            for letter in found
            if letter.topic != Topic.ASKED or letter is asked[-1]
        ]
        for found in told
    ]
    left = [[letter for letter in found if letter.people or letter.organisations] for found in left]
    if people or organisations:
        left[-1].insert(0, _summary(staff, people, organisations))
    return left


def _several(letters: Iterable[Iterable[uuid.UUID]]) -> set[uuid.UUID]:
    heard = Counter(one for letter in letters for one in set(letter))
    return {one for one, times in heard.items() if times > 1}


def _without(letter: Letter, people: set[uuid.UUID], organisations: set[uuid.UUID]) -> Letter:
    return replace(
        letter,
        people=[one for one in letter.people if one.person_id not in people],
        organisations=[one for one in letter.organisations if one not in organisations],
    )


def _summary(staff: Sequence[Letter], people: set[uuid.UUID], organisations: set[uuid.UUID]) -> Letter:
    last = staff[-1]
    latest = {str(letter.facts["clock"]): letter.facts for letter in staff}.values()
    clocks = [(text(facts["clock"]), text(facts["remaining"])) for facts in latest]
    passed = bilingual(
        "、".join(f"{zh(clock)}{zh(remaining)}" for clock, remaining in clocks),
        ", ".join(f"{en(clock)} {en(remaining)}".strip() for clock, remaining in clocks),
    )
    addressees = {one.person_id: one for letter in staff for one in letter.people if one.person_id in people}
    return replace(
        last,
        kind=MISSED,
        topic=Topic.OVERSIGHT if any(one.topic == Topic.OVERSIGHT for one in staff) else Topic.REMINDER,
        facts={**last.facts, "passed": passed},
        people=list(addressees.values()),
        organisations=sorted(organisations),
        urgent=any(one.urgent for one in staff),
    )
