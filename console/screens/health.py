"""How Linli itself stands, for the street office: the clocks, what is to be told, what failed to arrive, and the heads of the audit."""

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse

from casework.lag import OUTBOX_STALE, RUNG_STALE, SWEEP_STALE, clock_lag, outbox_age
from casework.sealing import latest_heads
from community.models.organisations import STREET_KINDS
from console.navigation import of_the_street
from console.screen import Screen
from console.spans import span
from notifications.delivery import standing
from notifications.delivery.remedies import remedies
from notifications.models import Delivery
from notifications.topics import ChannelName
from web.words import Words, bilingual, say
from workflow.actor import Actor
from workflow.seals import Head

MOST_FAILED = 500
"""How many of the latest failures are looked through."""


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One thing that is looked at: what it is, whether all is well, and what is found."""

    name: Words
    well: bool
    found: Words


@dataclass(frozen=True, slots=True)
class FailedMessages:
    """Messages that did not arrive by a channel for the same reason: how many, and what can be done."""

    channel: Words
    number: int
    remedy: Words


class HealthScreen(Screen):
    """Whether deadlines are watched and messages go out, and what to do where they do not."""

    entry: ClassVar[str] = "health"
    template: ClassVar[str] = "console/health.html"

    def admits(self, actor: Actor) -> bool:
        """The staff of the street."""
        return of_the_street(actor)

    def get(self, request: HttpRequest) -> HttpResponse:
        """The page, or its list where htmx asks for that. Ten statements for one kind of subject."""
        streets = [seat.street_id for seat in self.actor.seats if seat.kind in STREET_KINDS and seat.street_id]
        sealed: Sequence[tuple[Head, Any]] = latest_heads()
        shown = {
            "checks": [_watched(), _told(), *_sent()],
            "failures": _failures(streets),
            "heads": [(str(head), one) for head, one in sealed if one.street_id in streets],
        }
        if self.asks_for("list"):
            return self.part("list", shown)
        return self.page(bilingual("运行状况", "Health"), shown)


def _watched() -> HealthCheck:
    lag, name = clock_lag(), bilingual("时限", "Deadlines")
    if lag.sweep_age is None or lag.sweep_age >= SWEEP_STALE:
        found = say(
            "没有程序在看时限，到期不会提醒、不会升级。请技术人员启动 sweeper 和 beat。",
            "Nobody watches the deadlines. Whoever runs this server has to start the sweeper and beat.",
        )
        return HealthCheck(name, False, found)
    if lag.oldest_due is not None and lag.oldest_due > RUNG_STALE:
        found = say(
            f"最早到期的已经等了 {span(lag.oldest_due)}。请技术人员加开一个 sweeper。",
            f"The oldest has waited for {span(lag.oldest_due)}. Whoever runs this server should start another sweeper.",
        )
        return HealthCheck(name, False, found)
    if lag.failing:
        found = say(
            f"{lag.failing} 个时限处理失败，会自动再试；请技术人员看日志。",
            f"{lag.failing} deadlines could not be handled and are tried again; the log says why.",
        )
        return HealthCheck(name, False, found)
    return HealthCheck(name, True, say("每秒检查一次，没有积压。", "They are watched every second, and none waits."))


def _told() -> HealthCheck:
    age, name = outbox_age(), bilingual("生成通知", "Writing messages")
    if age is not None and age > OUTBOX_STALE:
        found = say(
            f"最早的一件事已经等了 {span(age)} 还没有通知任何人。请技术人员启动 worker 和 beat。",
            f"The oldest event has waited for {span(age)} to be told. Whoever runs this server has to start worker and beat.",
        )
        return HealthCheck(name, False, found)
    return HealthCheck(name, True, say("办理的每一步都已生成通知。", "Every step has been told."))


def _sent() -> list[HealthCheck]:
    """Whether somebody sends, and each channel by which messages have waited for long. Three statements."""
    age, due = standing.round_age(), standing.oldest_due()
    slow, stuck = standing.slow_and_stuck(due)
    going = age is not None and age < standing.ROUND_STALE
    if not going:
        found = say(
            "没有程序在发送。请技术人员启动 postman 和 beat。",
            "Nobody sends. Whoever runs this server has to start the postman and beat.",
        )
    elif slow or stuck:
        found = say("有渠道积压，见下。", "Some channels are behind.")
    else:
        found = say("正常发送，没有积压。", "Messages go out, and none waits.")
    checks = [HealthCheck(bilingual("发送通知", "Sending messages"), going and not stuck, found)]
    for name in (*stuck, *slow):
        waited = span(due[name])
        words = say(
            f"最早的一条已经等了 {waited}，对方服务器慢或限流。",
            f"The oldest has waited for {waited}: the other server is slow or limits us.",
        )
        if name in stuck:
            words = say(
                f"最早的一条已经等了 {waited}，没有程序在发。请技术人员看 postman 的日志。",
                f"The oldest has waited for {waited}, and nobody sends. The postman's log says more.",
            )
        checks.append(HealthCheck(ChannelName(name).label, False, words))
    return checks


def _failures(streets: Sequence[uuid.UUID]) -> list[FailedMessages]:
    """What failed for good in the last day in these streets, most first. One statement."""
    latest = Delivery.objects.dead().filter(street_id__in=streets, finished_at__gt=Now() - timedelta(days=1))
    rows = latest.order_by("-finished_at").only("channel", "state", "error", "unsure")[:MOST_FAILED]
    found = Counter((str(ChannelName(one.channel).label), " ".join(map(str, remedies(one)))) for one in rows)
    return [FailedMessages(channel, number, remedy) for (channel, remedy), number in found.most_common()]
