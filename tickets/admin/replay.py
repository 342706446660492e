"""The deliveries to a webhook: finding them, and sending one or all that failed since a moment again.

A clerk sees nothing of a ticket that accuses somebody, and sends nothing about it anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib import messages as notes
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Count, Min, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.timezone import localtime

from casework.event_types import event_label, event_types, offered
from notifications.delivery.replay import RETRYING, hasten, replay
from notifications.delivery.test_messages import TEST_EVENT
from notifications.models import Delivery, Endpoint
from notifications.topics import ChannelName, DeliveryState
from tickets.admin.deliveries import MOST_COUNTED, Counted, visible
from tickets.admin.messages import ASKED, FAILED, OFF, DeliveryShown, resend_one, tell_resent, ways
from tickets.admin.pages import answer
from tickets.admin.ticket import seen_by
from tickets.codes import read_code
from tickets.models import Ticket
from web.forms import LineFormField
from web.words import bilingual

PER_PAGE = 100
AT_ONCE = 1_000
"""How many are queued again in one transaction."""
DELIVERIES, RECOVER = "notifications_endpoint_deliveries", "notifications_endpoint_recover"
_ANY = ("", bilingual("全部", "All"))
_FAILED = ("failed", bilingual("未送达", "Not delivered"))
_MINUTE = "%Y-%m-%dT%H:%M"


def _moment(label: Any, *, required: bool = True) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=_MINUTE)
    return forms.DateTimeField(label=label, required=required, widget=widget)


class Sought(forms.Form):
    """Which deliveries are looked for."""

    state = forms.ChoiceField(
        label=bilingual("状态", "State"),
        required=False,
        choices=[_ANY, _FAILED, *((one.value, one.label) for one in DeliveryState if one != DeliveryState.GATHERED)],
    )
    type = forms.ChoiceField(
        label=bilingual("事件", "Event"), required=False, choices=lambda: [_ANY, *offered([*event_types(), TEST_EVENT])]
    )
    code = LineFormField(label=bilingual("工单编号", "Ticket's number"), required=False, max_length=20)
    since = _moment(bilingual("从", "From"), required=False)
    until = _moment(bilingual("到", "To"), required=False)

    def clean_code(self) -> str:
        """The number as tickets have it."""
        given = self.cleaned_data["code"].strip()
        code = read_code(given) if given else ""
        if code is None:
            raise forms.ValidationError(bilingual("没有这样的工单编号。", "There is no such number."))
        return code


class Since(forms.Form):
    """The moment since which failed deliveries are sent again."""

    since = _moment(bilingual("补发自", "Send anew what failed since"))


@dataclass(frozen=True, slots=True)
class ReplayLine:
    """One delivery as the page shows it; `ticket` is None where it is about none."""

    way: DeliveryShown
    event: str
    ticket: Ticket | None


def page(site: admin.AdminSite, request: HttpRequest, endpoint: Endpoint, *, may_resend: bool) -> HttpResponse:
    """The webhook's deliveries, newest first. A POST sends one again."""
    its = deliveries(request, endpoint)
    if request.method == "POST":
        return _resend(site, request, endpoint, its, may_resend=may_resend)
    form = Sought(request.GET)
    form.is_valid()
    found = Counted(_narrowed(request, its, form.cleaned_data), PER_PAGE)
    shown = found.get_page(request.GET.get("page"))
    context = {
        "title": bilingual(f"{endpoint.name} 的发送记录", f"Deliveries to {endpoint.name}"),
        "endpoint": endpoint,
        "form": form,
        "lines": _lines(list(shown)),
        "page": shown,
        "numbers": found.get_elided_page_range(shown.number),
        "cut": found.count == MOST_COUNTED,
        "may_resend": may_resend and endpoint.active,
        "may_see_tickets": request.user.has_perm("tickets.view_ticket"),
        "recover": Since(initial={"since": form.cleaned_data.get("since")}, auto_id="recover_%s"),
    }
    return answer(site, request, Endpoint._meta, "notifications/endpoint/deliveries", context)


def deliveries(request: HttpRequest, endpoint: Endpoint) -> QuerySet[Delivery]:
    """What was or is to be sent to the webhook, as far as the caller sees it."""
    return visible(request, Delivery.objects.filter(recipient=endpoint.pk, channel=ChannelName.WEBHOOK))


def _narrowed(request: HttpRequest, rows: QuerySet[Delivery], given: Mapping[str, object]) -> QuerySet[Delivery]:
    """Those of `rows` that were asked for, the newest first; an answer that is none narrows nothing."""
    if state := given.get("state"):
        rows = rows.filter(state__in=FAILED if state == _FAILED[0] else [state])
    if type := given.get("type"):
        rows = rows.filter(message__kind=type)
    if code := given.get("code"):
        rows = rows.filter(message__subject_id__in=seen_by(request).filter(code=code).values("pk"))
    if since := given.get("since"):
        rows = rows.filter(created_at__gte=since)
    if until := given.get("until"):
        rows = rows.filter(created_at__lte=until)
    return rows.select_related("message").order_by("-created_at", "-id")


def _lines(rows: list[Delivery]) -> list[ReplayLine]:
    tickets = Ticket.objects.only("code").in_bulk({one.message.subject_id for one in rows if one.message.subject_id})
    return [
        ReplayLine(way, event_label(way.delivery.message.kind), tickets.get(way.delivery.message.subject_id))
        for way in ways(rows)
    ]


def _resend(
    site: admin.AdminSite, request: HttpRequest, endpoint: Endpoint, its: QuerySet[Delivery], *, may_resend: bool
) -> HttpResponse:
    if not may_resend:
        raise Http404

    def ask(delivery: Delivery) -> HttpResponse:
        context = {"title": ASKED, "delivery": delivery, "recipient": endpoint.name, "endpoint": endpoint}
        return answer(site, request, Endpoint._meta, "notifications/endpoint/resend", context)

    return resend_one(request, its, ask)


def recover(site: admin.AdminSite, request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
    """Send everything again that failed or was dropped since a moment, and make retries due now.

    A GET counts them, a POST queues them.
    """
    if not endpoint.active:
        notes.warning(request, str(OFF))
        return HttpResponseRedirect(reverse(f"admin:{DELIVERIES}", args=[endpoint.pk]))
    form = Since(request.POST if request.method == "POST" else request.GET or None)
    known = form.is_valid()
    failed = deliveries(request, endpoint).filter(Q(state__in=FAILED) | RETRYING)
    if known:
        failed = failed.filter(created_at__gte=form.cleaned_data["since"])
        if request.method == "POST":
            return _recover(request, endpoint, failed, form.cleaned_data["since"])
    number = dict(failed.values_list("state").annotate(Count("pk"))) if known else {}
    context = {
        "title": bilingual("补发未送达的", "Send anew what failed"),
        "endpoint": endpoint,
        "form": form,
        "since": form.cleaned_data["since"] if known else None,
        "counts": [(state.label, number[state]) for state in (*FAILED, DeliveryState.QUEUED) if state in number],
        "total": sum(number.values()),
    }
    return answer(site, request, Endpoint._meta, "notifications/endpoint/recover", context)


def _recover(request: HttpRequest, endpoint: Endpoint, failed: QuerySet[Delivery], since: datetime) -> HttpResponse:
    ids = list(failed.order_by("created_at", "id").values_list("pk", flat=True))
    if ids:
        assert request.user.pk is not None
        words = bilingual(
            f"补发 {len(ids)} 条（自 {localtime(since):%Y-%m-%d %H:%M} 起）",
            f"Sent {len(ids)} anew, from {localtime(since):%Y-%m-%d %H:%M} on",
        )
        LogEntry.objects.log_actions(request.user.pk, [endpoint], CHANGE, str(words))
    # Each batch is committed separately. A delivery that was queued meanwhile is not queued twice.
    tell_resent(request, sum(replay(batch, states=FAILED) + hasten(batch) for batch in batched(ids, AT_ONCE)))
    return HttpResponseRedirect(address(endpoint, since=since))


@dataclass(frozen=True, slots=True)
class Lost:
    """What failed since the webhook began to fail: how many deliveries, how many of them were dropped, and when the first was written."""

    failed: int
    dropped: int
    since: datetime | None


def lost(request: HttpRequest, endpoint: Endpoint) -> Lost:
    """What of the webhook's deliveries failed before it was switched off and was dropped then, as far as the caller sees it."""
    began = min(filter(None, (endpoint.failing_since, endpoint.disabled_at)), default=None)
    if began is None:
        return Lost(0, 0, None)
    dropped = Count("pk", filter=Q(state=DeliveryState.DROPPED))
    ended = deliveries(request, endpoint).filter(state__in=FAILED, finished_at__gte=began)
    return Lost(**ended.aggregate(failed=Count("pk"), dropped=dropped, since=Min("created_at")))


def address(endpoint: Endpoint, *, since: datetime | None = None, **sought: str) -> str:
    """The page of the webhook's deliveries, narrowed; `since` to the minute."""
    asked = QueryDict(mutable=True)
    asked.update(sought)
    if since is not None:
        asked["since"] = f"{localtime(since):{_MINUTE}}"
    return f"{reverse(f'admin:{DELIVERIES}', args=[endpoint.pk])}?{asked.urlencode()}"
