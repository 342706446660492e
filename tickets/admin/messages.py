"""The page of a ticket's messages and their deliveries, for those who see the ticket in the admin."""

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from django.contrib import admin
from django.contrib import messages as notes
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.paginator import Page, Paginator
from django.db import transaction
from django.db.models import Count, F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.functional import Promise
from django.utils.timezone import localtime

from notifications.delivery.remedies import remedies
from notifications.delivery.replay import replay, switched_off
from notifications.models import Delivery, Message
from notifications.topics import DeliveryState
from tickets.admin.pages import answer
from tickets.admin.recipients import Recipients
from tickets.models import Ticket, TicketEvent
from tickets.models.ticket import move_label
from web.words import bilingual

PER_PAGE = 200
FAILED = (DeliveryState.DEAD, DeliveryState.DROPPED)
RESENT = bilingual("重新发送", "Sent anew")
ASKED = bilingual("确认重新发送", "Send it anew?")
OFF = bilingual(
    "接收方（Webhook 或群机器人）已停用，请先启用再重发。",
    "The webhook or robot is switched off: switch it on, then send anew.",
)
_MAY_RESEND = "notifications.change_delivery"


@dataclass(frozen=True, slots=True)
class DeliveryShown:
    """One delivery as the page shows it. `resent` says who sent it again, and when."""

    delivery: Delivery
    resent: str = ""

    @property
    def outcome(self) -> Delivery:
        """The delivery with its outcome: the digest's, where it became part of one."""
        return self.delivery.gathered_into or self.delivery

    @property
    def when(self) -> datetime | None:
        """When it ended; None while it has not."""
        return self.outcome.finished_at

    @property
    def remedies(self) -> Sequence[Promise]:
        """What the office should know and do about it."""
        return remedies(self.outcome)

    @property
    def resendable(self) -> bool:
        """Whether it may be sent again."""
        return may_resend(self.delivery)

    @property
    def failed(self) -> bool:
        """Whether it ended without arriving."""
        return self.outcome.state in FAILED


@dataclass(frozen=True, slots=True)
class MessageLine:
    """One message as the page shows it."""

    message: Message
    recipient: str
    ways: Sequence[DeliveryShown]

    @property
    def inbox(self) -> str:
        """Whether it is in the recipient's inbox, and was read there."""
        one = self.message
        if one.gathered_into_id:
            return str(bilingual("已并入汇总", "Part of a digest"))
        if one.held_until:
            until = f"{localtime(one.held_until):%m-%d %H:%M}"
            return str(bilingual(f"等待汇总（{until}）", f"Held for a digest ({until})"))
        if not one.inbox:
            return "-"
        if one.read_at:
            read = f"{localtime(one.read_at):%m-%d %H:%M}"
            return str(bilingual(f"已读 {read}", f"Read {read}"))
        return str(bilingual("未读", "Unread"))


@dataclass(slots=True)
class Telling:
    """An event with its messages."""

    seq: int | None
    move: str
    at: datetime
    lines: list[MessageLine] = field(default_factory=list)


def may_resend(delivery: Delivery) -> bool:
    """Whether the delivery has ended and is no part of a digest, so that it can be sent again."""
    return delivery.state in {*FAILED, DeliveryState.SENT}


def may_have_arrived(delivery: Delivery) -> bool:
    """Whether it may arrive twice if it is sent again."""
    return delivery.state == DeliveryState.SENT or delivery.unsure


def page(site: admin.AdminSite, request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """The page of a ticket that the caller may see. A POST sends a delivery again."""
    if request.method == "POST":
        return _resend(site, request, ticket)
    everything = Message.objects.filter(subject_id=ticket.pk)
    failed = "failed" in request.GET
    shown = Paginator(_of_ticket(everything, failed=failed), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "title": bilingual(f"{ticket.code} 的通知记录", f"Messages about {ticket.code}"),
        "events": _told(ticket, shown),
        "page": shown,
        "numbers": shown.paginator.get_elided_page_range(shown.number),
        "failed": failed,
        "counts": _counts(everything),
        "may_resend": request.user.has_perm(_MAY_RESEND),
    }
    return answer(site, request, Ticket._meta, "tickets/ticket/messages", {**context, "ticket": ticket})


def _of_ticket(everything: QuerySet[Message], *, failed: bool) -> QuerySet[Message]:
    """The messages, those of the newest event first; only those with a delivery that failed where `failed`."""
    if failed:
        state = Delivery.objects.filter(message__in=everything, state__in=FAILED)
        everything = everything.filter(pk__in=state.values("message"))
    return everything.order_by(F("seq").desc(nulls_first=True), "key", "id")


def _counts(everything: QuerySet[Message]) -> list[tuple[Promise, int]]:
    """How many deliveries of these messages are in each state."""
    found = Delivery.objects.filter(message__in=everything).values_list("state").annotate(Count("pk"))
    number = dict(found)
    return [(state.label, number[state]) for state in DeliveryState if state in number]


def _told(ticket: Ticket, shown: "Page[Message]") -> list[Telling]:
    """What the page shows, event by event; a fixed number of statements."""
    rows = list(shown)
    recipients, ways = Recipients.of(rows), _ways([one.pk for one in rows])
    numbers = {one.seq for one in rows if one.seq is not None}
    verbs = dict(TicketEvent.objects.filter(subject=ticket, seq__in=numbers).values_list("seq", "verb"))
    found = []
    for (seq, _), its in groupby(rows, lambda one: (one.seq, one.key)):
        lines = [MessageLine(one, recipients.name(one), ways.get(one.pk, ())) for one in its]
        first = lines[0].message
        verb = verbs.get(seq) if seq is not None else None
        found.append(Telling(seq, str(move_label(verb)) if verb else first.get_topic_display(), first.at, lines))
    return found


def _ways(messages: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, list[DeliveryShown]]:
    rows = Delivery.objects.filter(message__in=messages).select_related("gathered_into").order_by("id")
    found: dict[uuid.UUID, list[DeliveryShown]] = {}
    for one in ways(list(rows)):
        found.setdefault(one.delivery.message_id, []).append(one)
    return found


def ways(deliveries: Sequence[Delivery]) -> list[DeliveryShown]:
    """`deliveries` as pages show them, in their order, with the person who last sent each again."""
    kind = ContentType.objects.get_for_model(Delivery)
    entries = LogEntry.objects.filter(content_type=kind, object_id__in=[str(one.pk) for one in deliveries])
    resent = {}
    for entry in entries.select_related("user").order_by("action_time"):
        resent[entry.object_id] = f"{entry.user.name} {localtime(entry.action_time):%m-%d %H:%M}"
    return [DeliveryShown(one, resent.get(str(one.pk), "")) for one in deliveries]


def _resend(site: admin.AdminSite, request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """Send one delivery about this ticket again."""
    if not request.user.has_perm(_MAY_RESEND):
        raise Http404

    def ask(delivery: Delivery) -> HttpResponse:
        recipient = Recipients.of([delivery.message]).name(delivery.message)
        context = {"delivery": delivery, "recipient": recipient, "ticket": ticket}
        return answer(site, request, Ticket._meta, "tickets/ticket/resend", {"title": ASKED, **context})

    return resend_one(request, Delivery.objects.filter(message__subject_id=ticket.pk), ask)


def resend_one(
    request: HttpRequest, among: QuerySet[Delivery], ask: Callable[[Delivery], HttpResponse]
) -> HttpResponse:
    """Send the delivery of `among` that the form names again. One that may have arrived needs a confirmation on the page `ask`.

    Raises Http404 where it is none of them.
    """
    delivery = _named(among, request.POST.get("delivery", ""))
    if not may_resend(delivery):
        words = bilingual("该通知正在发送或已在队列中。", "It is being sent, or waits to be.")
        notes.warning(request, str(words))
    elif among.filter(switched_off(), pk=delivery.pk).exists():
        notes.warning(request, str(OFF))
    elif may_have_arrived(delivery) and request.POST.get("confirm") != str(delivery.pk):
        return ask(delivery)
    else:
        tell_resent(request, resend(request, [delivery.pk], [DeliveryState(delivery.state)]))
    return HttpResponseRedirect(request.get_full_path())


def _named(among: QuerySet[Delivery], key: str) -> Delivery:
    try:
        return among.select_related("message").get(pk=uuid.UUID(key))
    except (ValueError, Delivery.DoesNotExist):
        raise Http404 from None


def resend(request: HttpRequest, deliveries: Collection[uuid.UUID], states: Collection[DeliveryState]) -> int:
    """Send those of `deliveries` in one of `states` again, and log who asked for it. Returns how many."""
    with transaction.atomic():
        # What another sender has sent meanwhile is not sent again.
        rows = list(Delivery.objects.select_for_update().filter(pk__in=deliveries, state__in=states))
        assert request.user.pk is not None
        LogEntry.objects.log_actions(request.user.pk, rows, CHANGE, str(RESENT))
        return replay([one.pk for one in rows], states=states)


def tell_resent(request: HttpRequest, done: int) -> None:
    """Say how many are on their way again."""
    if done:
        notes.success(request, str(bilingual(f"已重新排队 {done} 条。", f"{done} will be sent anew.")))
    else:
        notes.warning(request, str(bilingual("没有可以重新发送的。", "There was nothing to send anew.")))
