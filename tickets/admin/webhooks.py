"""Webhooks of a street's organisations: where their own systems hear of tickets (Standard Webhooks).

A clerk needs a seat in the street's office and `notifications.view_endpoint`, which shows the deliveries as well; `add_endpoint` and
`delete_endpoint` to set one up and to remove it; `change_endpoint` for all else: to change it and its secrets, to switch it on and off, to
try it out and to send anew. They see their own street. A secret is made here, shown once, and never again.
"""

import uuid
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.timezone import localtime

from casework.event_types import event_label, event_types, offered
from notifications.channels.outside import Forbidden
from notifications.channels.webhook import from_settings
from notifications.delivery.test_messages import TEST_EVENT
from notifications.models import Delivery, Endpoint
from notifications.topics import ChannelName, DeliveryState
from tickets.admin import deeds, replay
from tickets.admin.deliveries import visible
from tickets.admin.receivers import ALL, ReceiverAdmin, ReceiverForm, some_of
from web.forms import LineFormField
from web.words import bilingual, listed

_SEEN = ("active", "disabled_reason", "disabled_at", "failing_since", "succeeded_at", "secrets_set", "created_at")
_WAITING = (DeliveryState.QUEUED, DeliveryState.SENDING)


class EndpointForm(ReceiverForm):
    """Whose system hears what, and where it listens."""

    # Not Django's own field, whose words would come first and say less.
    url = LineFormField(
        label=bilingual("地址", "Address"),
        max_length=500,
        widget=forms.URLInput(attrs={"size": 80}),
        help_text=bilingual(
            "接收方的 https 地址，如 https://crm.example.com/hooks。",
            "The receiver's https address, such as https://crm.example.com/hooks.",
        ),
    )
    types = some_of(bilingual("事件", "Events"), lambda: offered(event_types()))

    class Meta:
        model = Endpoint
        fields = ["name", "url", "types", "active"]

    def clean_url(self) -> str:
        """An address that may be gone to, as far as can be told before anybody goes there."""
        url: str = self.cleaned_data["url"]
        try:
            from_settings().check(url)
        except Forbidden as refusal:
            raise forms.ValidationError(str(refusal.reason)) from None
        return url

    def clean(self) -> dict[str, object]:
        """Of one organisation's webhooks each has an address of its own."""
        given = super().clean()
        if self.taken(url=given.get("url")):
            self.add_error(
                "url", bilingual("该单位已有此地址的 Webhook。", "The organisation has one at that address.")
            )
        return given


@admin.register(Endpoint)
class EndpointAdmin(ReceiverAdmin):
    """The webhooks of a street."""

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["tickets/messages.css"]}

    form = EndpointForm
    list_display = ["name", "organisation", "host", "condition", "succeeded_at", "waiting", "dead"]

    def get_urls(self) -> list[URLPattern]:
        """The admin's own, the deliveries, and what can be done."""
        view = self.admin_site.admin_view
        its = [
            path("<uuid:key>/deliveries/", view(self.deliveries), name=replay.DELIVERIES),
            path("<uuid:key>/recover/", view(self.recover), name=replay.RECOVER),
        ]
        for name in deeds.DEEDS:
            its.append(
                path(f"<uuid:key>/{name}/", view(self.deed), {"name": name}, name=f"notifications_endpoint_{name}")
            )
        return [*its, *super().get_urls()]

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """The list with how many deliveries of each webhook wait and are dead, counted in one statement."""
        found = super().get_changelist_instance(request)
        rows: list[Any] = list(found.result_list)
        its = Delivery.objects.filter(channel=ChannelName.WEBHOOK, recipient__in=[one.pk for one in rows])
        open = visible(request, its.filter(state__in=[*_WAITING, DeliveryState.DEAD]))
        counted = {
            (recipient, state): number
            for recipient, state, number in open.values_list("recipient", "state").annotate(Count("pk"))
        }
        for one in rows:
            one.number = {state: counted.get((one.pk, state), 0) for state in (*_WAITING, DeliveryState.DEAD)}
        found.result_list = rows
        return found

    def get_fields(self, request: HttpRequest, obj: object = None) -> list[Any]:
        """Whose it is stays as it is; what it hears can be read by people who may not change it."""
        if obj is None:
            return ["street", "organisation", "name", "url", "types", "active"]
        hears = "types" if self.has_change_permission(request, obj) else "told"
        return ["organisation", "name", "url", *_SEEN, hears]

    def get_readonly_fields(self, request: HttpRequest, obj: object = None) -> list[str]:
        """What the form does not ask."""
        return [] if obj is None else ["organisation", "told", *_SEEN]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """One button: what follows is the secret, whichever is pressed."""
        one_button = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().add_view(request, form_url, {**(extra_context or {}), **one_button})

    def save_model(self, request: HttpRequest, obj: Endpoint, form: Any, change: bool) -> None:
        """A new one gets its secret. Of an old one what was changed is written alone: the postman writes there, too."""
        if change:
            obj.save(update_fields=form.changed_data)
        else:
            obj.rotate()
            obj.save()

    def response_add(self, request: HttpRequest, obj: Endpoint, post_url_continue: str | None = None) -> HttpResponse:
        """The secret, this once."""
        return deeds.show_secret(self.admin_site, request, obj, obj.signing[0])

    def outcome_page(self, trial: Delivery) -> str:
        """The webhook's trials."""
        return replay.address(Endpoint(pk=trial.recipient), type=TEST_EVENT)

    def deliveries(self, request: HttpRequest, key: uuid.UUID) -> HttpResponse:
        """What was sent, for people who see the webhook."""
        endpoint = self._found(request, key)
        may_resend = self.has_change_permission(request, endpoint)
        return replay.page(self.admin_site, request, endpoint, may_resend=may_resend)

    def recover(self, request: HttpRequest, key: uuid.UUID) -> HttpResponse:
        """Send anew what failed, for people who may change the webhook."""
        return replay.recover(self.admin_site, request, self._found(request, key, change=True))

    def deed(self, request: HttpRequest, key: uuid.UUID, name: str) -> HttpResponse:
        """What can be done to the webhook, for people who may change it."""
        return deeds.page(self.admin_site, request, self._found(request, key, change=True), deeds.DEEDS[name])

    def _found(self, request: HttpRequest, key: uuid.UUID, *, change: bool = False) -> Endpoint:
        endpoint = self.get_object(request, str(key))
        if endpoint is None or not self.has_view_permission(request, endpoint):
            raise Http404
        if change and not self.has_change_permission(request, endpoint):
            raise PermissionDenied
        return endpoint

    @admin.display(description=bilingual("主机", "host"), ordering="url")
    def host(self, one: Endpoint) -> str:
        """Where it listens, without the rest of the address."""
        return urlsplit(one.url).netloc

    @admin.display(description=bilingual("状态", "state"), ordering="active")
    def condition(self, one: Endpoint) -> str:
        """Whether it is on, and since when it does nothing but fail or why it is off."""
        if not one.active:
            why = one.disabled_reason
            return str(bilingual(f"已停用：{why}" if why else "已停用", f"Off: {why}" if why else "Off"))
        if one.failing_since is None:
            return str(bilingual("启用", "On"))
        since = f"{localtime(one.failing_since):%Y-%m-%d %H:%M}"
        return str(bilingual(f"自 {since} 起持续失败", f"Has done nothing but fail since {since}"))

    @admin.display(description=bilingual("事件", "events"))
    def told(self, one: Endpoint) -> str:
        """What it hears."""
        return listed(map(event_label, one.types)) or str(ALL)

    @admin.display(description=bilingual("签名密钥", "signing secrets"))
    def secrets_set(self, one: Endpoint) -> str:
        """How many sign."""
        match len(one.signing):
            case 0:
                return str(bilingual("无法读取，请更换密钥", "None can be read: make a new one"))
            case 1:
                return str(bilingual("1 个", "One"))
            case number:
                return str(bilingual(f"{number} 个，更换中", f"{number}: being changed over"))

    @admin.display(description=bilingual("等待", "waiting"))
    def waiting(self, one: Any) -> int:
        """How many deliveries wait or are being sent."""
        return sum(one.number[state] for state in _WAITING)

    @admin.display(description=bilingual("失败", "dead"))
    def dead(self, one: Any) -> int:
        """How many failed for good."""
        return int(one.number[DeliveryState.DEAD])
