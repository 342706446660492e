"""Sweepers at once with people and with each other, killed in the middle: every rung exactly once, none early, none missed."""

import os
import random
import signal
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
import redis
from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from casework import duties
from community import demo
from tests.connections import closing_connection
from tests.processes import Crew, in_a_transaction, wait_until
from tests.tickets.committed import need_superuser, remove
from tests.tickets.paths import Scene
from tests.tickets.story import assert_clocks_are_as_the_events_say, history, row
from tickets import kind
from tickets.escalation import TicketClimber
from tickets.models import Ticket, TicketClock, TicketEvent, TicketFiring
from workflow import sweep
from workflow.actor import Actor
from workflow.errors import Refusal
from workflow.sweep import Due
from workflow.verification import flaw
from workflow.writing import Draft

TICKETS = 150
SECONDS = 6.0
KILLS = 5


@dataclass
class Street(Crew):
    """Tickets whose rungs come due while the test runs, and more that are overdue from the start."""

    scene: Scene
    began: datetime
    tickets: list[uuid.UUID] = field(default_factory=list)

    def fill(self) -> None:
        """File reports hours ago, so that their deadlines lie in the seconds that come."""
        for number in range(TICKETS):
            ahead = timedelta(seconds=SECONDS * number / TICKETS)
            consult, lift = number % 3 == 0, number % 3 == 1
            self.scene.now = (
                self.began
                + ahead
                - (timedelta(hours=2) if consult else timedelta(minutes=10) if lift else timedelta(hours=20))
            )
            self.scene.known.clear()
            kind = {"type": "consult"} if consult else {}
            self.tickets.append(self.scene.file("EL01" if lift else "CL03", **kind))
        self.scene.known.clear()

    def holds(self) -> None:
        """What is due was fired, once, at its time; the clocks are as the events say, and the events hold."""
        # Deadlines come while it sweeps, too.
        now = timezone.now()
        duties.sweep(kind.TICKETS)
        assert not TicketClock.objects.filter(subject__in=self.tickets, fire_at__lte=now).exists()
        assert not TicketClock.objects.filter(subject__in=self.tickets, failures__gt=0).exists()
        firings = TicketFiring.objects.filter(clock__subject__in=self.tickets).select_related("event", "clock")
        early = [one for one in firings if one.fired_at < one.due_at or one.event.at < one.due_at]
        assert early == []
        by_event = Counter((str(one.event_id), one.clock.name, one.clock.epoch, one.rung) for one in firings)
        events = TicketEvent.objects.filter(subject__in=self.tickets, data__has_key="fired")
        said = Counter(
            (str(one.pk), *(one.data["fired"][name] for name in ("clock", "epoch", "rung"))) for one in events
        )
        assert by_event == said
        assert set(said.values()) <= {1}
        once = Counter((one.clock_id, one.rung) for one in firings)
        assert set(once.values()) == {1}
        for pk in self.tickets:
            assert_clocks_are_as_the_events_say(pk)
            events = history(pk)
            assert flaw(row(pk), events) is None
            self.nothing_missed(events)

    def nothing_missed(self, events: list[TicketEvent]) -> None:
        """The rungs of each clock were fired in order, without a gap but for repetitions that were told together."""
        last: dict[tuple[str, str, int], int] = {}
        for event in events:
            if by := event.data.get("fired"):
                key = (by["clock"], by["holder"], by["epoch"])
                expected = last.get(key, -1) + 1
                assert by["position"] == expected or (by["position"] > expected and "#" in by["rung"])
                last[key] = by["position"]


@pytest.fixture
def busy(transactional_db: None) -> Iterator[Street]:
    """A street with deadlines in the seconds that come; afterwards nothing is left of it."""
    need_superuser()
    busy = Street(Scene(demo.cast()), timezone.now() + timedelta(seconds=1.5))
    busy.fill()
    try:
        yield busy
    finally:
        busy.stop()
        remove(busy.tickets)


@closing_connection
def people(busy: Street, until: float, seed: int) -> Counter[str]:
    """Somebody who makes moves on the same tickets as fast as they can; refusals count as well."""
    dice, outcomes = random.Random(seed), Counter()
    scene = Scene(demo.cast())
    while time.monotonic() < until:
        scene.now = timezone.now()
        scene.known.clear()
        who, name, inputs = dice.choice(
            (
                ("desk_officer", "supervise", {"kind": "listed", "reason": "影响较大"}),
                ("desk_officer", "answer_now", {"answer": "已答复"}),
                ("lift_dispatcher", "sign", {}),
                ("dispatcher", "sign", {}),
                ("lift_dispatcher", "arrive", {}),
                ("resident", "urge", {}),
            )
        )
        try:
            scene.do(who, dice.choice(busy.tickets), name, **inputs)
            outcomes[name] += 1
        except (Refusal, Ticket.DoesNotExist):
            outcomes["refused"] += 1
    return outcomes


def test_four_sweepers_killed_in_the_middle_beside_people_fire_every_rung_once(busy: Street) -> None:
    until = time.monotonic() + SECONDS + 1.5
    outcomes: list[Counter[str]] = []
    threads = [
        threading.Thread(target=lambda seed=seed: outcomes.append(people(busy, until + 2, seed))) for seed in range(2)
    ]
    command = ("manage.py", "tick", "--loop", "--only", "clocks", "--every", "0.05")
    sweepers = {f"sweeper-{number}": busy.start(f"sweeper-{number}", *command) for number in range(4)}
    for thread in threads:
        thread.start()
    kills = in_the_middle = 0
    end = time.monotonic() + 40
    while (kills < KILLS or in_the_middle == 0 or time.monotonic() < until) and time.monotonic() < end:
        name, process = random.choice(list(sweepers.items()))
        if kills < KILLS or in_the_middle == 0:
            caught = in_a_transaction(name)
            if caught or random.random() < 0.02:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                kills += 1
                in_the_middle += caught
                sweepers[name] = busy.start(name, *command)
        time.sleep(0.01)
    for thread in threads:
        thread.join()
    # They go on, whatever has died beside them.
    wait_until(lambda: not TicketClock.objects.filter(subject__in=busy.tickets, fire_at__lte=timezone.now()).exists())
    busy.stop()
    assert in_the_middle > 0, "No sweeper was killed inside a transaction; the test shows nothing."
    assert sum(sum(one.values()) - one["refused"] for one in outcomes) > 0
    busy.holds()


class Listening(TicketClimber):
    """Notes which threads fire rungs, and cannot fire those of one ticket."""

    def __init__(self, bad: uuid.UUID) -> None:
        super().__init__(Ticket)
        self.bad, self.threads = bad, set[str]()

    def fire(self, draft: Draft[Ticket], due: Due, *, by: Actor, facts: Mapping[str, object]) -> None:
        self.threads.add(threading.current_thread().name)
        if draft.subject.pk == self.bad:
            raise ValueError("a rung that nobody can fire")
        super().fire(draft, due, by=by, facts=facts)


def test_more_than_a_batch_is_fired_by_two_threads_every_rung_once(
    busy: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "BATCH", 10)
    due = TicketClock.objects.filter(subject__in=busy.tickets, failures=0)
    wait_until(lambda: due.filter(fire_at__lte=timezone.now()).values("subject").distinct().count() == TICKETS)
    climber = Listening(busy.tickets[70])
    before = connections_here()
    swept = duties.sweep(kind.TICKETS, climber)
    assert len(climber.threads) == 2
    # A server's process ends a moment after its connection.
    wait_until(lambda: connections_here() == before)
    # What fails is put off for a second, and a sweep that takes longer counts it again, as its clocks do.
    noted = [one.failures for one in failing()]
    assert max(noted) <= swept.failed <= sum(noted)
    assert TicketFiring.objects.filter(clock__subject__in=busy.tickets).count() == swept.rungs
    assert {one.subject_id for one in failing()} == {busy.tickets[70]}
    fired = set(TicketFiring.objects.values_list("clock__subject", flat=True))
    assert set(busy.tickets) - fired == {busy.tickets[70]}
    # What was put off is fired once it can be.
    wait_until(lambda: duties.sweep(kind.TICKETS).failed == 0 and not failing().exists())
    busy.holds()


def failing() -> QuerySet[TicketClock]:
    return TicketClock.objects.filter(failures__gt=0)


def connections_here() -> int:
    """How many connections to the database there are; the second thread closes its own."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        (count,) = cursor.fetchone()
    return int(count)


def test_two_beats_and_an_emptied_broker_fire_every_rung_once(busy: Street, tmp_path: object) -> None:
    celery = ("-m", "celery", "--app", "config.celery", "--quiet")
    quiet = ("--without-gossip", "--without-mingle", "--loglevel", "ERROR")
    for number in range(2):
        busy.start(
            f"worker-{number}", *celery, "worker", "--queues", "clocks", "--concurrency", "1", *quiet,
            "--hostname", f"clocks-{number}@test",
        )  # fmt: skip
        busy.start(
            f"beat-{number}", *celery, "beat", "--schedule", f"{tmp_path}/beat-{number}", "--pidfile", "", "--loglevel", "ERROR"
        )  # fmt: skip

    def fired() -> int:
        return TicketFiring.objects.filter(clock__subject__in=busy.tickets).count()

    wait_until(lambda: fired() > 0)
    with redis.Redis.from_url(settings.REDIS_URL) as broker:
        for _ in range(5):
            broker.flushall()
            time.sleep(1)
    before = fired()
    wait_until(lambda: not TicketClock.objects.filter(subject__in=busy.tickets, fire_at__lte=timezone.now()).exists())
    assert all(process.poll() is None for process in busy.processes)
    busy.stop()
    assert before > TICKETS
    busy.holds()
