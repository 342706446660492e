"""One scene of a measurement: its ground, who receives, who lives there, Linli's processes, and what came of it."""

import argparse
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from django.db.models import QuerySet
from django.db.models.functions import Now

from bench.ledger import balance
from bench.neighbourhood import Neighbourhood, untold
from bench.receivers import ROBOTS, Receivers
from bench.stack import Stack
from notifications.models import Bucket, Delivery, Message


@dataclass
class Play:
    """One scene. `options` are those of the command line."""

    options: argparse.Namespace
    receivers: Receivers
    neighbourhood: Neighbourhood
    stack: Stack
    began: float = field(default_factory=time.monotonic)

    def live(self) -> None:
        """Let the tickets go their way."""
        self.neighbourhood.live(self.options.tickets, self.options.followers, self.options.pause, threading.Event())

    def hours_pass(self, *, leases: bool = False) -> None:
        """Make everything that waits due now. With `leases` also end the leases, where all senders have been killed."""
        Delivery.objects.filter(state="queued", available_at__gt=Now()).update(available_at=Now())
        Message.objects.held().filter(held_until__gt=Now()).update(held_until=Now())
        # What an overloaded system asked for, too; the limits of robots go on as they are.
        Bucket.objects.filter(name__startswith="webhook:").update(blocked_until=None)
        if leases:
            Delivery.objects.filter(state="sending").update(lease_until=Now())

    def minute(self, seconds: float, *, besides: str) -> dict[str, float]:
        """Let tickets go their way for so long; how late what happened arrived by each channel but one, p99 in seconds."""
        hanging = ROBOTS if besides == "robots" else ()
        stop, since = threading.Event(), time.time()
        driver = threading.Thread(target=self.neighbourhood.live, args=(100_000, self.options.followers, 0.2, stop))
        driver.start()
        driver.join(seconds)
        stop.set()
        driver.join()
        others = [one for one in ("email", "sms", "wechat", "feishu", "webhook") if one not in {besides, *hanging}]
        waiting = self.waiting().filter(channel__in=others)
        end = time.monotonic() + self.options.minute
        while waiting.exists() and time.monotonic() < end:
            time.sleep(0.2)
        books = self.receivers.books()
        born = {str(pk): at.timestamp() for pk, at in Delivery.objects.values_list("pk", "created_at")}
        found = {}
        for channel in others:
            late = sorted(one.at - born[one.key] for one in books[channel] if born[one.key] >= since and one.taken)
            found[channel] = round(late[int(0.99 * (len(late) - 1))], 3)
        return found

    def settle(self) -> None:
        """Wait until nothing waits any more."""
        end, said, passed = time.monotonic() + self.options.patience, 0.0, 0.0
        while (events := untold()) + (waiting := self.waiting().count()) and (now := time.monotonic()) < end:
            self.stack.tend()
            self.stack.ground.family.watch()
            if now - said > 10:
                said = now
                print(f"  {events} to be told, {waiting} on their way", file=sys.stderr, flush=True)
            # What was asked for slowly has been answered before anybody asks again.
            if now - passed > self.receivers.weather.get("takes", 0.0) + 3:
                passed = now
                self.hours_pass()
            time.sleep(0.5)

    def waiting(self) -> QuerySet[Delivery]:
        """How much is still under way."""
        return Delivery.objects.filter(state__in=["queued", "sending"])

    def due(self) -> int:
        """How much is due now."""
        return self.waiting().filter(available_at__lte=Now()).count()

    def report(self, scene: str, *, repeats: bool) -> dict[str, object]:
        """The figures, and what promises were broken."""
        seconds = time.monotonic() - self.began
        neighbourhood = self.neighbourhood
        expected = list(neighbourhood.expected())
        result = balance(expected, neighbourhood.news(), neighbourhood.ways(), self.receivers.books())
        attempts = Counter(Delivery.objects.values_list("attempts", flat=True))
        states = Counter(Delivery.objects.values_list("state", flat=True))
        return {
            "scene": scene,
            "seconds": round(seconds, 1),
            "expected": len(expected),
            "messages": Message.objects.count(),
            "due": result.due.total(),
            "arrived": result.arrived.total(),
            "lost": len(result.lost),
            "untold": len(result.untold),
            "repeats": result.repeats.total(),
            "repeats_under_another_key": len(result.renamed),
            "kills": dict(self.stack.kills),
            "falls": dict(self.stack.falls),
            "channels": {
                name: {"due": due, "arrived": result.arrived[name], "repeats": result.repeats[name]}
                for name, due in sorted(result.due.items())
            },
            "attempts": dict(sorted(attempts.items())),
            "states": dict(states),
            "broken": list(result.faults(repeats=repeats)),
        }
