"""The notifications of tickets' events: letters in words for people and robots, signals for systems. Who hears is `tickets.audience`'s.

What is said follows from the event and from the facts that were written with it, never from what the ticket has become since.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

import orjson
from django.conf import settings
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import format_lazy

from casework.notifying import Teller, signal
from notifications.post import Letter, Signal
from notifications.topics import Topic
from notifications.wordings.facts import MessageFact, Phrase
from notifications.wordings.writer import Catalogue
from tickets import catalogue
from tickets.audience import Audience, Hearers
from tickets.missed import of_a_sweep, summed_up
from tickets.models import FollowerKind, Ticket, TicketEvent, TicketOutbox
from tickets.models.ticket import NEXT
from tickets.moves.endings import RejectBranch
from tickets.news import Side
from tickets.sides import OutboxEvent
from tickets.states import ClockName, State, clock_label, state_label
from web.words import bilingual
from workflow.actor import Actor

WORDINGS = Catalogue(Path(__file__).parent / "data" / "messages.toml")

YOURS = {
    Side.REPORTER: bilingual("您反映的", "you reported"),
    FollowerKind.COSIGNED: bilingual("您附议的", "you cosigned"),
    FollowerKind.MERGED: bilingual("与您反映的问题一并办理的", "that is handled together with yours"),
}


def _news(rows: Sequence[TicketOutbox]) -> tuple[list[Letter], list[Signal]]:
    # What was written before there were facts is told with those of today.
    return letters_of(
        [OutboxEvent(row.event, row.facts or _present(row.event), row.audience) for row in rows], timezone.now()
    )


TELLER = Teller(TicketOutbox, _news, WORDINGS, belongs=lambda row: of_a_sweep(row.event))
tell_outbox = TELLER.tell


def rehearse(event: TicketEvent) -> list[Letter]:
    """The letters that a past event would be told by; what it left no record of is as it is today. Nothing is written."""
    return letters_of([OutboxEvent(event, _present(event))], timezone.now())[0]


def _present(event: TicketEvent) -> dict[str, object]:
    """The facts that an outbox row would hold, told again: the state from the event, the rest as the ticket is now."""
    ticket = Ticket.for_move(None).get(pk=event.subject_id)
    Ticket.gather([ticket], Actor.the_clock(timezone.now()))
    facts: dict[str, object] = orjson.loads(orjson.dumps(ticket.outbox_facts()))
    facts["state"] = event.target
    led = ticket.last_lead
    if led is not None and event.target in _LED:
        facts["handler"] = str(led.organisation_id)
    elif led is not None:
        facts |= {"handler": None, "was": {"handler": str(led.organisation_id)}}
    return facts


_LED = frozenset({State.DISPATCHED, State.IN_PROGRESS, State.RETURNING, State.REPLIED, State.ON_ACCOUNT})


def letters_of(entries: Sequence[OutboxEvent], at: datetime) -> tuple[list[Letter], list[Signal]]:
    """The letters and signals of events, for those who are concerned at `at`.

    The number of statements does not depend on how many events there are.
    """
    audience = Audience(entries, at)
    others = _others(entries)
    letters = [(entry, list(_letters(entry, audience, others))) for entry in entries]
    return summed_up(letters), [_signal(entry, audience) for entry in entries]


def _others(entries: Iterable[OutboxEvent]) -> dict[str, str]:
    """The codes of the tickets that others were merged into, and of those that were filed out of others."""
    named = {str(found) for one in entries for name in ("into", "another") if (found := one.event.data.get(name))}
    rows = Ticket.objects.filter(pk__in=named).values_list("pk", "code") if named else ()
    return {str(pk): code for pk, code in rows}


def _letters(entry: OutboxEvent, audience: Audience, others: Mapping[str, str]) -> Iterator[Letter]:
    hearers = list(audience.hearers(entry))
    if not hearers:
        return
    facts = facts_of(entry, audience, others)
    for one in hearers:
        yield _letter(entry, one, facts | _facts_for(one, entry, others))


def _facts_for(hearers: Hearers, entry: OutboxEvent, others: Mapping[str, str]) -> dict[str, MessageFact]:
    """What is said otherwise, or at all, to these alone."""
    match hearers.note.side:
        case Side.REPORTER:
            # The other ticket is the reporter's as well; not everybody who works on this one sees it.
            another = others.get(str(entry.event.data.get("another")), "")
            return {"yours": YOURS[Side.REPORTER], "another": another}
        case Side.SUCCESSOR:
            due = entry.facts["dues"].get(ClockName.SUCCESSION)
            return {"by": _by(datetime.fromisoformat(due) if due else None)}
    return {"yours": YOURS[hearers.follows]} if hearers.follows else {}


def _letter(entry: OutboxEvent, hearers: Hearers, facts: Mapping[str, MessageFact]) -> Letter:
    event, note = entry.event, hearers.note
    return Letter(
        key=event.pk,
        street_id=event.street_id,
        kind=note.kind,
        topic=note.topic,
        at=event.at,
        facts=facts,
        people=hearers.people,
        organisations=hearers.organisations,
        subject_type="ticket",
        subject_id=event.subject_id,
        about=format_lazy("{} · {}", facts["place"], facts["matter"]),
        seq=event.seq,
        urgent=bool(entry.facts["urgent"]) and note.topic in (Topic.WORK, Topic.REMINDER, Topic.OVERSIGHT, Topic.ASKED),
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


def facts_of(entry: OutboxEvent, audience: Audience, others: Mapping[str, str]) -> dict[str, MessageFact]:
    """The facts of an event that wordings may speak of; one that it has not is empty."""
    facts, data = entry.facts, entry.event.data
    # Rows of the outbox from before the channel mattered have none.
    channel = facts.get("channel") or ""
    leaf = catalogue.leaf_by_id(uuid.UUID(facts["category"]))
    due = datetime.fromisoformat(facts["due"]) if facts["due"] else None
    dues = {name: datetime.fromisoformat(moment) for name, moment in facts["dues"].items()}
    clock = (data.get("fired") or {}).get("clock")
    running = [ends for name, ends in dues.items() if name in _NEXT and ends > entry.event.at]
    return {
        "code": facts["code"],
        "matter": leaf.name,
        "place": facts["place"],
        "yours": "",
        "state": state_label(facts["state"], channel),
        "holder": _name(audience, facts["handler"])
        or _name(audience, facts["coordinator"])
        or _name(audience, facts["desk"]),
        "organisation": _name(audience, entry.event.actor_organisation_id),
        "at": entry.event.at,
        "due": due or "",
        "by": _by(min(running, default=None)),
        "promise": Phrase(_PROMISE, due) if due else "",
        "clock": clock_label(clock, channel) if clock else "",
        "remaining": _remaining(dues.get(clock), entry.event.at) if clock else "",
        "passed": "",
        "level": Phrase("L{}", facts["level"]),
        "days": data.get("days", ""),
        "plan": date.fromisoformat(facts["plan"]) if facts["plan"] else "",
        "branch": RejectBranch(data["branch"]).label if data.get("branch") else "",
        "master": others.get(str(data.get("into")), ""),
        "another": "",
        "url": f"{settings.SITE_URL}/api/v1/tickets/{entry.event.subject_id}",
    }


# What somebody has to do next; the others run beside it.
_NEXT = NEXT - {ClockName.OVERALL, ClockName.PROMISE}


def _name(audience: Audience, key: object) -> MessageFact:
    names = audience.names.get(uuid.UUID(str(key))) if key else None
    return bilingual(*names) if names else ""


_PROMISE = bilingual("承诺于{}前办结。", "It is to be done by {}.")
_BY = bilingual("请于{}前", "by {}")
_SOON = bilingual("请尽快", "soon")
_RUNS_OUT, _RAN_OUT = bilingual("将于{}到期", "runs out at {}"), bilingual("已于{}到期", "ran out at {}")


def _by(due: datetime | None) -> MessageFact:
    return Phrase(_BY, due) if due else _SOON


def _remaining(due: datetime | None, at: datetime) -> MessageFact:
    return Phrase(_RUNS_OUT if due > at else _RAN_OUT, due) if due else ""


def _signal(entry: OutboxEvent, audience: Audience) -> Signal:
    """For systems: that it happened, and where the ticket stands."""
    event, facts = entry.event, entry.facts
    data = {
        "ticket": str(event.subject_id),
        "code": facts["code"],
        "seq": event.seq,
        "state": facts["state"],
        "url": f"{settings.SITE_URL}/api/v1/tickets/{event.subject_id}",
    }
    return signal(event, audience.systems(entry), data, subject_type="ticket")
