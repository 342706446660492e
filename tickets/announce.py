"""What became of tickets, told to those concerned: each event once, and then it is gone from the outbox.

What is said follows from the event and from the facts that were written with it, never from what the ticket has become since.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from django.conf import settings
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import format_lazy

from casework.notifying import Teller
from notifications.post import Addressee, Letter, Signal
from notifications.topics import Topic
from notifications.wording import Catalogue
from tickets import catalogue
from tickets.audience import OFFICERS, Audience, Told
from tickets.missed import of_a_sweep, summed_up
from tickets.models import FollowerKind, Ticket, TicketEvent, TicketOutbox
from tickets.models.ticket import NEXT
from tickets.moves.endings import RejectBranch
from tickets.news import Note, Side
from tickets.notes import notes
from tickets.states import ClockName, State, clock_label, state_label
from web.words import bilingual
from workflow.actor import Actor
from workflow.moves import Visibility

WORDINGS = Catalogue(Path(__file__).parent / "data" / "messages")

YOURS = {
    Side.REPORTER: bilingual("您反映的", "you reported"),
    FollowerKind.COSIGNED: bilingual("您附议的", "you cosigned"),
    FollowerKind.MERGED: bilingual("与您反映的问题一并办理的", "that is handled together with yours"),
}


def _news(rows: Sequence[TicketOutbox]) -> tuple[list[Letter], list[Signal]]:
    # What was written before there were facts is told with those of today.
    batch = [(row.event, row.facts or _present(row.event), row.audience) for row in rows]
    return letters_of(batch, timezone.now())


tell_outbox = Teller(TicketOutbox, _news, WORDINGS, belongs=lambda row: of_a_sweep(row.event)).tell


def rehearse(event: TicketEvent) -> list[Letter]:
    """The letters that a past event would be told by; what it left no record of is as it is today. Nothing is written."""
    return letters_of([(event, _present(event), [])], timezone.now())[0]


def _present(event: TicketEvent) -> dict[str, Any]:
    """The facts that an outbox row would hold, told again: the state from the event, the rest as the ticket is now."""
    ticket = Ticket.for_move(None).get(pk=event.subject_id)
    Ticket.gather([ticket], Actor.the_clock(timezone.now()))
    facts: dict[str, Any] = orjson.loads(orjson.dumps(ticket.outbox_facts()))
    facts["state"] = event.target
    led = ticket.last_lead
    if led is not None and event.target in _LED:
        facts["handler"] = str(led.organisation_id)
    elif led is not None:
        facts |= {"handler": None, "was": {"handler": str(led.organisation_id)}}
    return facts


_LED = frozenset({State.DISPATCHED, State.IN_PROGRESS, State.RETURNING, State.REPLIED, State.ON_ACCOUNT})


def letters_of(
    batch: Sequence[tuple[TicketEvent, Mapping[str, Any], Sequence[uuid.UUID]]], at: datetime
) -> tuple[list[Letter], list[Signal]]:
    """What events are told by, each with the facts and the organisations of its outbox row, to whoever is concerned at `at`.

    The number of statements does not depend on how many events there are.
    """
    events = [Told(event, facts) for event, facts, _ in batch]
    audience = Audience(events, at)
    others = _others(events)
    letters: list[tuple[Told, list[Letter]]] = []
    signals: list[Signal] = []
    for told, (_, _, concerned) in zip(events, batch, strict=True):
        letters.append((told, list(_letters(told, audience, others))))
        signals.append(_signal(told, audience, concerned))
    return summed_up(letters), signals


def _others(events: Iterable[Told]) -> dict[str, str]:
    """The codes of the tickets that others were merged into, and of those that were filed out of others."""
    named = {str(found) for one in events for name in ("into", "another") if (found := one.event.data.get(name))}
    rows = Ticket.objects.filter(pk__in=named).values_list("pk", "code") if named else ()
    return {str(pk): code for pk, code in rows}


def _letters(told: Told, audience: Audience, others: Mapping[str, str]) -> Iterator[Letter]:
    event = told.event
    listed = [note for note in notes(event.verb, told.named) if note.when is None or note.when.holds(told.facts)]
    if not listed:
        return
    facts = facts_of(told, audience, others)
    for note in listed:
        if note.side == Side.REPORTER:
            # The other ticket is the reporter's as well; not everybody who works on this one sees it.
            own = {"yours": YOURS[Side.REPORTER], "another": others.get(str(event.data.get("another")), "")}
            yield from _letter(told, note, facts | own, audience.reporter(told))
        elif note.side == Side.SUCCESSOR:
            due = told.facts["dues"].get(ClockName.SUCCESSION)
            asked = facts | {"by": _by(datetime.fromisoformat(due) if due else None)}
            yield from _letter(told, note, asked, audience.successor(told))
        elif note.side in OFFICERS:
            yield from _letter(told, note, facts, audience.officer(told, note.side))
        elif note.side == Side.FOLLOWER:
            for kind in FollowerKind:
                yield from _letter(told, note, facts | {"yours": YOURS[kind]}, audience.following(told, kind))
        else:
            organisations = audience.organisations(told, note.side)
            people = audience.staff(told, note.side, organisations)
            yield from _letter(told, note, facts, people, organisations)


def _letter(
    told: Told,
    note: Note,
    facts: Mapping[str, Any],
    people: Sequence[Addressee],
    organisations: Sequence[uuid.UUID] = (),
) -> Iterator[Letter]:
    event = told.event
    # A receipt is for whoever filed it; of anything else nobody is told what they did themselves.
    receipt = event.verb == "submit" and note.side == Side.REPORTER
    readers = [one for one in people if receipt or one.person_id != event.actor_id]
    if not readers and not organisations:
        return
    yield Letter(
        key=event.pk,
        street_id=event.street_id,
        kind=note.kind,
        topic=note.topic,
        at=event.at,
        facts=facts,
        people=readers,
        organisations=organisations,
        subject_type="ticket",
        subject_id=event.subject_id,
        about=format_lazy("{} · {}", facts["place"], facts["matter"]),
        seq=event.seq,
        urgent=bool(told.facts["urgent"]) and note.topic in (Topic.WORK, Topic.REMINDER, Topic.OVERSIGHT, Topic.ASKED),
    )


FACTS: Mapping[str, Promise] = {
    "code": bilingual("工单号", "the ticket's code"),
    "matter": bilingual("事项", "what it is about"),
    "place": bilingual("地点", "where"),
    "yours": bilingual("“您反映的”等", "“you reported” and the like"),
    "state": bilingual("状态", "its state after the event"),
    "holder": bilingual("承办单位", "who leads it now"),
    "organisation": bilingual("操作单位", "who acted"),
    "at": bilingual("发生时间", "when it happened"),
    "due": bilingual("办结期限", "when it is to be disposed of"),
    "by": bilingual("“请于…前”；没有期限时为“请尽快”", "“by …”, or “soon” where nothing is due"),
    "promise": bilingual("“承诺于…前办结。”；未定时为空", "“It is to be done by ….”, or nothing"),
    "clock": bilingual("提醒所指的时限", "the clock of a reminder"),
    "passed": bilingual("已过的各项时限，仅用于汇总", "the clocks that have run on, in a summary alone"),
    "remaining": bilingual("“将于…到期”或“已于…到期”", "whether that clock runs out or has run out, and when"),
    "level": bilingual("层级", "the level"),
    "days": bilingual("天数", "how many days"),
    "plan": bilingual("计划销账日期", "the plan date of the account"),
    "branch": bilingual("不予受理的情形", "why it is not taken up"),
    "master": bilingual("主单号", "the code of the ticket that it was merged into"),
    "another": bilingual(
        "另立工单的编号，仅告知诉求人", "the code of the ticket filed out of it, for its reporter alone"
    ),
    "url": bilingual("工单在接口中的地址，供系统使用", "its address in the API, for systems"),
}
"""What a wording may speak of, and what each stands for."""


def facts_of(told: Told, audience: Audience, others: Mapping[str, str]) -> dict[str, Any]:
    """The facts of an event that wordings may speak of; one that it has not is empty."""
    facts, data = told.facts, told.event.data
    # Rows of the outbox from before the channel mattered have none.
    channel = facts.get("channel") or ""
    leaf = catalogue.leaf_by_id(uuid.UUID(facts["category"]))
    due = datetime.fromisoformat(facts["due"]) if facts["due"] else None
    dues = {name: datetime.fromisoformat(moment) for name, moment in facts["dues"].items()}
    clock = (data.get("fired") or {}).get("clock")
    running = [ends for name, ends in dues.items() if name in _NEXT and ends > told.event.at]
    return {
        "code": facts["code"],
        "matter": leaf.name,
        "place": facts["place"],
        "yours": "",
        "state": state_label(facts["state"], channel),
        "holder": _name(audience, facts["handler"])
        or _name(audience, facts["coordinator"])
        or _name(audience, facts["desk"]),
        "organisation": _name(audience, told.event.actor_organisation_id),
        "at": _moment(told.event.at),
        "due": _moment(due) if due else "",
        "by": _by(min(running, default=None)),
        "promise": _promise(due) if due else "",
        "clock": clock_label(clock, channel) if clock else "",
        "remaining": _remaining(dues.get(clock), told.event.at) if clock else "",
        "passed": "",
        "level": f"L{facts['level']}",
        "days": data.get("days", ""),
        "plan": _day(date.fromisoformat(facts["plan"])) if facts["plan"] else "",
        "branch": RejectBranch(data["branch"]).label if data.get("branch") else "",
        "master": others.get(str(data.get("into")), ""),
        "another": "",
        "url": f"{settings.SITE_URL}/api/v1/tickets/{told.event.subject_id}",
    }


# What somebody has to do next; the others run beside it.
_NEXT = NEXT - {ClockName.OVERALL, ClockName.PROMISE}


def _name(audience: Audience, key: Any) -> Any:
    names = audience.names.get(uuid.UUID(str(key))) if key else None
    return bilingual(*names) if names else ""


def _spoken(at: datetime) -> tuple[str, str]:
    local = at.astimezone(ZoneInfo(settings.TIME_ZONE))
    if local.time() == time(0):
        # The midnight at which a day ends belongs to that day.
        day = local - timedelta(days=1)
        return f"{day.month}月{day.day}日 24:00", f"the end of {day.day} {day:%B}"
    return f"{local.month}月{local.day}日 {local:%H:%M}", f"{local:%H:%M on} {local.day} {local:%B}"


def _moment(at: datetime) -> Any:
    return bilingual(*_spoken(at))


def _by(due: datetime | None) -> Any:
    if due is None:
        return bilingual("请尽快", "soon")
    zh, en = _spoken(due)
    return bilingual(f"请于{zh}前", f"by {en}")


def _promise(due: datetime) -> Any:
    zh, en = _spoken(due)
    return bilingual(f"承诺于{zh}前办结。", f"It is to be done by {en}.")


def _day(day: date) -> Any:
    return bilingual(f"{day.year}年{day.month}月{day.day}日", f"{day.day} {day:%B %Y}")


def _remaining(due: datetime | None, at: datetime) -> Any:
    if due is None:
        return ""
    zh, en = _spoken(due)
    return (
        bilingual(f"将于{zh}到期", f"runs out at {en}") if due > at else bilingual(f"已于{zh}到期", f"ran out at {en}")
    )


def _signal(told: Told, audience: Audience, concerned: Sequence[uuid.UUID]) -> Signal:
    """For systems: that it happened. A confined ticket, and what the street notes for itself, is its own business."""
    event, facts = told.event, told.facts
    office = audience.offices.get(event.street_id)
    others = [] if facts["confined"] or event.visibility == Visibility.OFFICE else concerned
    return Signal(
        key=event.pk,
        street_id=event.street_id,
        type=f"ticket.{event.verb}",
        at=event.at,
        organisations=[one for one in (office, *others) if one is not None and one not in told.accused],
        data={
            "ticket": str(event.subject_id),
            "code": facts["code"],
            "seq": event.seq,
            "state": facts["state"],
            "url": f"{settings.SITE_URL}/api/v1/tickets/{event.subject_id}",
        },
        subject_type="ticket",
        subject_id=event.subject_id,
        seq=event.seq,
    )
