"""`make bench-post`: how fast events become messages in people's inboxes.

Starts its own PostgreSQL (durable, as in production). Tickets are filed through the engine, with their events, clocks and outbox rows;
measured is how long one teller (`tell_outbox`, which beat asks for every second) takes from the first waiting event to the last
committed message, and how long one event takes that so many cosigners follow. Everybody has asked for each message by itself, so that all
stand in inboxes at once. Prints a table and writes JSON.
"""

import time
from typing import Any

from bench.ground import parser, prepared, refuse_named_database, write

HOME = "学院路14号院"


def main() -> None:
    """Measure and report."""
    asked = parser("make bench-post", __doc__)
    asked.add_argument("--tickets", type=int, default=2_000, help="tickets whose filing is told (default: 2000)")
    asked.add_argument("--cosigners", type=int, default=1_000, help="cosigners of one ticket (default: 1000)")
    options = asked.parse_args()
    refuse_named_database(asked)
    with prepared():
        each_by_itself()
        print(f"{'what':<24} {'events':>8} {'in inboxes':>10} {'seconds':>8} {'per s':>8}")
        rows = [filings(options.tickets), fan_out(options.cosigners)]
    write(options.json, rows)


def each_by_itself() -> None:
    """Nothing is held for a digest."""
    from community.models import Person  # noqa: PLC0415 - Django is set up only now
    from notifications.models import Profile  # noqa: PLC0415
    from notifications.topics import Digest  # noqa: PLC0415

    Profile.objects.bulk_create(Profile(person=one, digest=Digest.NEVER) for one in Person.objects.all())


def filings(count: int) -> dict[str, Any]:
    """Tell of so many filed tickets; the figures."""
    for number in range(count):
        file(f"楼道灯不亮，第{number}处。")
    return told("filings", count)


def fan_out(count: int) -> dict[str, Any]:
    """Tell one event to so many cosigners; the figures."""
    from django.contrib.auth.hashers import make_password  # noqa: PLC0415 - Django is set up only now
    from django.db import transaction  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from community.demo import cast  # noqa: PLC0415
    from community.models import Person  # noqa: PLC0415
    from tickets import announce  # noqa: PLC0415
    from tickets.actions import act, hold  # noqa: PLC0415
    from tickets.models import Follower, FollowerKind  # noqa: PLC0415

    ticket = file("楼道堆物，多户受影响。", category="SV01")
    announce.tell_outbox()
    people = Person.objects.bulk_create(
        Person(phone=f"1700000{number:04}", name="邻居", password=make_password(None)) for number in range(count)
    )
    Follower.objects.bulk_create(
        Follower(
            street_id=ticket.street_id, ticket=ticket, person=one, kind=FollowerKind.COSIGNED, since=timezone.now()
        )
        for one in people
    )
    chair = actor(cast()["chair"])
    with transaction.atomic():
        locked, inputs = hold("record", ticket.pk, {"met_with": "业主", "agreed": "周五前整改"}, by=chair)
        act("record", locked, by=chair, version=None, inputs=inputs)
    return told("fan-out to cosigners", 1)


def file(text: str, *, category: str = "CL03") -> Any:
    """File a report by a resident who lives there."""
    from django.db import transaction  # noqa: PLC0415

    from community.demo import cast  # noqa: PLC0415
    from community.models import Compound  # noqa: PLC0415
    from tickets.actions import Report, submit  # noqa: PLC0415

    resident, home = cast()["resident"], Compound.objects.get(name=HOME)
    report = Report(type="help", category=category, title=text[:20], text=text, compound_id=home.pk)
    with transaction.atomic():
        ticket, _ = submit(report, by=actor(resident), person=resident)
    return ticket


def actor(person: Any) -> Any:
    """The person as they act now."""
    from community.actors import by_person  # noqa: PLC0415

    caller = by_person(person.pk)
    assert caller is not None
    return caller.actor


def told(what: str, events: int) -> dict[str, Any]:
    """Tell what waits, once; how many messages came to stand in inboxes, and how fast."""
    from notifications.models import Message  # noqa: PLC0415
    from tickets import announce  # noqa: PLC0415
    from tickets.models import TicketOutbox  # noqa: PLC0415

    shown = Message.objects.filter(inbox=True)
    waiting, before = TicketOutbox.objects.count(), shown.count()
    began = time.perf_counter()
    done = announce.tell_outbox()
    seconds = time.perf_counter() - began
    if not done == waiting == events:
        raise SystemExit(f"{events} events should have been told, but {done} of {waiting} were.")
    messages = shown.count() - before
    print(f"{what:<24} {events:>8} {messages:>10} {seconds:>8.2f} {messages / seconds:>8.0f}", flush=True)
    return {
        "what": what, "events": events, "in_inboxes": messages,
        "seconds": round(seconds, 2), "per_second": round(messages / seconds, 1),
    }  # fmt: skip


if __name__ == "__main__":
    main()
