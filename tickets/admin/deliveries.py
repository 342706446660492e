"""The deliveries for the street's clerks: what was sent, what failed and why, and sending again.

A clerk needs a seat in the street's office as for tickets, and `notifications.view_delivery`; to send anew,
`notifications.change_delivery`. They see their own street, and nothing about a ticket that accuses somebody.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, cast

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.timesince import timesince

from community.staff import streets_of
from notifications.delivery.remedies import remedies
from notifications.delivery.replay import switched_off
from notifications.models import Delivery
from notifications.topics import DeliveryState
from tickets.admin.messages import FAILED, resend, tell_resent
from tickets.admin.recipients import Recipients
from tickets.admin.ticket import seen_by
from tickets.codes import read_code
from tickets.models import Ticket
from web.admin import AdminPage, ReadOnly
from web.words import bilingual

MOST_COUNTED = 10_000
"""Up to how many rows the list counts, and can be leafed through; the filters lead to the others."""
MOST_AT_ONCE = 1_000
"""How many the action takes at once."""


def visible(request: HttpRequest, rows: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """All for a superuser; for a clerk those of their streets, without tickets that they do not see."""
    streets = streets_of(request)
    if streets is None:
        return rows
    ticket = OuterRef("message__subject_id")
    mine = Q(message__subject_id=None) | Exists(seen_by(request).filter(pk=ticket))
    return rows.filter(mine, street_id__in=streets)


class Counted(Paginator):
    """Counts no further than anybody leafs."""

    @cached_property
    def count(self) -> int:
        """How many rows there are, as far as they are counted."""
        rows = cast("QuerySet[Model]", self.object_list)
        return rows.order_by()[:MOST_COUNTED].count()


class StateFilter(admin.SimpleListFilter):
    """The state of a delivery; dead by default."""

    title = bilingual("状态", "state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """Every state except dead, which Django's filter lists first."""
        others = [(one.value, str(one.label)) for one in DeliveryState if one != DeliveryState.DEAD]
        return [("all", str(bilingual("全部", "All"))), *others]

    def choices(self, changelist: Any) -> Iterator[Any]:
        """The dead first."""
        first, *others = super().choices(changelist)
        yield {**first, "display": str(DeliveryState.DEAD.label)}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        """Keep what was chosen."""
        chosen = self.value() or DeliveryState.DEAD
        return queryset if chosen == "all" else queryset.filter(state=chosen)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly, AdminPage):
    """Deliveries, dead ones first."""

    list_display = ["recipient_name", "channel", "state", "about", "said", "why", "attempts", "age"]
    list_display_links = ["recipient_name"]
    list_filter = [StateFilter, "channel", "created_at", "urgent"]
    list_per_page = 100
    search_fields = ["message__subject_id"]
    search_help_text = bilingual("工单编号", "A ticket's number")
    show_full_result_count = False
    ordering = ["-id"]
    paginator = Counted
    actions = ["send_anew", "send_all_anew"]
    fields = [
        "recipient_name", "channel", "state", "about", "said", "why", "attempts", "failures", "unsure", "created_at",
        "available_at", "finished_at", "receipt",
    ]  # fmt: skip
    readonly_fields = ["recipient_name", "about", "said", "why"]

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["tickets/messages.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        """Those that the caller sees."""
        return visible(request, super().get_queryset(request)).select_related("message")

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """The list with what its rows name, in as many statements for one row as for many."""
        found = super().get_changelist_instance(request)
        rows = list(found.result_list)
        self._name(rows)
        found.result_list = rows
        return found

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Delivery | None:
        """One delivery with what its page names."""
        found = super().get_object(request, object_id, from_field)
        if found is not None:
            self._name([found])
        return found

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Model], search_term: str
    ) -> tuple[QuerySet[Model], bool]:
        """Deliveries about the ticket with that number."""
        if not search_term.strip():
            return queryset, False
        code = read_code(search_term)
        return queryset.filter(message__subject_id__in=seen_by(request).filter(code=code).values("pk")), False

    def has_resend_permission(self, request: HttpRequest) -> bool:
        """Django's permission to change deliveries."""
        return request.user.has_perm("notifications.change_delivery")

    @admin.action(
        description=bilingual("重新发送所选的失败通知", "Send the selected failed ones anew"), permissions=["resend"]
    )
    def send_anew(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """Queue again what failed and has surely not arrived."""
        self._send(request, queryset.filter(unsure=False))
        if left := queryset.filter(unsure=True, state__in=FAILED).count():
            words = bilingual(
                f"{left} 条可能已经送达，未重发；确需重发请选另一操作。",
                f"{left} may have arrived and were left alone; the other action sends them, too.",
            )
            self.message_user(request, str(words), messages.WARNING)

    @admin.action(
        description=bilingual(
            "重新发送所选的失败通知，可能已送达的也再发一次",
            "Send the selected failed ones anew, even those that may have arrived",
        ),
        permissions=["resend"],
    )
    def send_all_anew(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """Queue the failed deliveries again. Sent ones are not touched."""
        self._send(request, queryset)

    def _send(self, request: HttpRequest, chosen: QuerySet[Delivery]) -> None:
        failed = chosen.filter(state__in=FAILED)
        if left := failed.filter(switched_off()).count():
            words = bilingual(
                f"{left} 条的接收方（Webhook 或群机器人）已停用，未重发；请先启用。",
                f"{left} are for a webhook or robot that is switched off, and were left alone; switch it on first.",
            )
            self.message_user(request, str(words), messages.WARNING)
            failed = failed.exclude(switched_off())
        keys = list(failed.order_by("-id").values_list("pk", flat=True)[:MOST_AT_ONCE])
        tell_resent(request, resend(request, keys, FAILED))

    @admin.display(description=bilingual("接收方", "recipient"))
    def recipient_name(self, one: Any) -> str:
        """Staff by name, residents masked."""
        return str(one.named)

    @admin.display(description=bilingual("工单", "ticket"), empty_value="-")
    def about(self, one: Any) -> str | None:
        """The ticket's number, leading to all its messages."""
        ticket: Ticket | None = one.ticket
        if ticket is None:
            return None
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:tickets_ticket_messages", args=[ticket.pk]), ticket.code
        )

    @admin.display(description=bilingual("消息", "message"))
    def said(self, one: Delivery) -> str:
        """Its title."""
        return one.message.title

    @admin.display(description=bilingual("原因", "reason"), empty_value="-")
    def why(self, one: Delivery) -> str | None:
        """What to do about it, and the receiver's error."""
        words = [*map(str, remedies(one)), *([one.error] if one.error else [])]
        return format_html_join(" ", "{}", ((each,) for each in words)) or None

    @admin.display(description=bilingual("已有", "age"), ordering="created_at")
    def age(self, one: Delivery) -> str:
        """How long ago it was written."""
        return timesince(one.created_at, depth=1)

    def _name(self, rows: list[Any]) -> None:
        recipients = Recipients.of([one.message for one in rows])
        for one in rows:
            one.named = recipients.name(one.message)
            one.ticket = recipients.tickets.get(one.message.subject_id)
