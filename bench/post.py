"""`make bench-post`: how fast events become messages in people's inboxes.

Starts its own PostgreSQL (durable, as in production). Tickets are filed through the engine, with their events, clocks and outbox rows;
one run of `tell_outbox` (which beat asks for every second) is measured from the first waiting event to the last
committed message, and one event with many cosigners. Everybody has switched digests off, so all messages are
in inboxes at once. Prints a table and writes JSON.
"""

import time

from bench.ground import parser, prepared, refuse_named_database, write


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


def filings(count: int) -> dict[str, object]:
    """Measure the messages of so many filed tickets. Returns the figures."""
    from bench.deeds import file  # noqa: PLC0415 - Django is set up only now
    from community.demo import cast  # noqa: PLC0415

    resident = cast()["resident"]
    for number in range(count):
        file(resident, f"楼道灯不亮，第{number}处。", "CL03")
    return told("filings", count)


def fan_out(count: int) -> dict[str, object]:
    """Measure the messages of one event to so many cosigners. Returns the figures."""
    from bench.deeds import cosign, file, move, neighbours  # noqa: PLC0415 - Django is set up only now
    from community.demo import cast  # noqa: PLC0415
    from tickets import announce  # noqa: PLC0415

    people = cast()
    ticket = file(people["resident"], "楼道堆物，多户受影响。", "SV01")
    announce.tell_outbox()
    cosign(ticket, neighbours(count))
    move(people["chair"], ticket.pk, "record", {"met_with": "业主", "agreed": "周五前整改"})
    return told("fan-out to cosigners", 1)


def told(what: str, events: int) -> dict[str, object]:
    """Empty the outbox once. Returns how many messages are in inboxes, and how fast."""
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
