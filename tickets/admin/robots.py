"""Group robots of a street's organisations: where their groups hear of tickets.

A clerk needs a seat in the street's office and `notifications.view_robot`; `add_robot`, `change_robot` and `delete_robot` to set one
up, to change it, to try it out and to remove it. They see their own street. Key and secret can be entered and not be read again.
"""

import uuid
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from community.admin import Scoped, streets_of
from community.models import Organisation, Street
from notifications.models import Robot
from notifications.tasks import nudge
from notifications.topics import ChannelName, Topic
from notifications.trial import try_out
from web.words import bilingual

_KEPT = bilingual("已设置，不再显示；留空则不变。", "Set, and shown no more; left empty, it stays.")
_QUERY = {ChannelName.WECOM: "key", ChannelName.DINGTALK: "access_token"}


def _hidden(label: Any, help_text: Any) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"size": 80, "autocomplete": "new-password"})
    return forms.CharField(label=label, help_text=help_text, max_length=500, required=False, widget=widget)


class RobotForm(forms.ModelForm):
    """Whose group hears what, and by which key. Of an address that is pasted as a whole, the key is taken."""

    # Set by the page: the streets that the caller may choose.
    streets: ClassVar["QuerySet[Street]"]

    street = forms.ModelChoiceField(Street.objects.none(), label=bilingual("街道", "Street"))
    organisation = forms.ModelChoiceField(Organisation.objects.none(), label=bilingual("单位", "Organisation"))
    token = _hidden(
        bilingual("密钥", "Key"),
        bilingual(
            "机器人地址中的 key 或 access_token，也可粘贴整个地址。", "The key in its address, or the whole address."
        ),
    )
    secret = _hidden(
        bilingual("加签密钥", "Signing secret"),
        bilingual("钉钉、飞书的安全设置请选“加签”；企业微信没有。", "DingTalk's and Feishu's; WeCom has none."),
    )
    forget_secret = forms.BooleanField(label=bilingual("不再加签", "Sign no more"), required=False)
    topics = forms.MultipleChoiceField(
        label=bilingual("主题", "Topics"),
        choices=Topic.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=bilingual("不选即全部。", "None chosen means all."),
    )

    class Meta:
        model = Robot
        fields = ["name", "vendor", "token", "secret", "topics", "active"]

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        # An empty field is no change, and the page never holds what is stored.
        self.initial.update(token="", secret="")
        if not self.instance._state.adding:
            for name in ("token", "secret"):
                if name in self.fields and getattr(self.instance, name):
                    self.fields[name].help_text = _KEPT
            for name in ("street", "organisation"):
                self.fields.pop(name, None)
            return
        street, organisation = self.fields["street"], self.fields["organisation"]
        assert isinstance(street, forms.ModelChoiceField)
        assert isinstance(organisation, forms.ModelChoiceField)
        street.queryset = self.streets.order_by("name")
        known = Q(street__in=self.streets) | Q(street=None)
        organisation.queryset = Organisation.objects.filter(known, active=True).order_by("name")
        if len(only := list(self.streets[:2])) == 1:
            street.initial = only[0]

    def clean(self) -> dict[str, Any]:
        """The organisation is of the street, or of all; its robots have names of their own; there is a key."""
        given: dict[str, Any] = super().clean() or {}
        one, vendor = self.instance, given.get("vendor") or self.instance.vendor
        given["token"] = key_of(given.get("token", ""), vendor) or one.token
        given["secret"] = "" if given.get("forget_secret") else given.get("secret", "").strip() or one.secret
        if not given["token"]:
            self.add_error("token", bilingual("请填写。", "It needs one."))
        street, organisation = given.get("street"), given.get("organisation")
        if street and organisation:
            one.street_id, one.organisation_id = street.pk, organisation.pk
            if organisation.street_id not in {None, street.pk}:
                self.add_error("organisation", bilingual("不属于该街道。", "It is not of that street."))
        same = Robot.objects.exclude(pk=one.pk).filter(name=given.get("name"), organisation_id=one.organisation_id)
        if one.street_id and same.filter(street_id=one.street_id).exists():
            self.add_error("name", bilingual("该单位已有此名称的机器人。", "The organisation has one of that name."))
        return given


def key_of(given: str, vendor: str) -> str:
    """The key, out of an address where one was given."""
    given = given.strip()
    if "://" not in given:
        return given
    address = urlsplit(given)
    if vendor in _QUERY:
        return parse_qs(address.query).get(_QUERY[ChannelName(vendor)], [""])[0]
    return address.path.rstrip("/").rpartition("/")[2]


@admin.register(Robot)
class RobotAdmin(Scoped):
    """The group robots of a street."""

    form = RobotForm
    list_display = ["name", "organisation", "vendor", "active", "told", "key_set", "secret_set"]
    list_filter = ["active", "vendor"]
    search_fields = ["name"]
    ordering = ["name", "id"]
    actions = ["send_trial"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Robot]:
        """With the names of the organisations."""
        named = Organisation.objects.filter(pk=OuterRef("organisation_id")).values("name")[:1]
        return super().get_queryset(request).annotate(named=Subquery(named))

    def within(self, rows: QuerySet[Any], streets: frozenset[uuid.UUID]) -> QuerySet[Any]:
        """Those of the caller's streets."""
        return rows.filter(street_id__in=streets)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Nothing is filtered by a key or a secret."""
        return not lookup.startswith(("token", "secret")) and super().lookup_allowed(lookup, value, request)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form that offers the caller's own streets."""
        form: Any = super().get_form(request, obj, change, **kwargs)
        streets = streets_of(request)
        form.streets = Street.objects.all() if streets is None else Street.objects.filter(pk__in=streets)
        return form

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Whose it is and which platform's stays as it is; who may only look sees that there is a key, and no key."""
        if obj is None:
            return ["street", "organisation", "vendor", "name", "token", "secret", "topics", "active"]
        if self.has_change_permission(request, obj):
            hidden = ["token", "secret", "forget_secret"]
            return ["organisation", "vendor", "name", *hidden, "topics", "active", "created_at"]
        return ["organisation", "vendor", "name", "key_set", "secret_set", "told", "active", "created_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """What the form does not ask."""
        return [] if obj is None else ["organisation", "vendor", "key_set", "secret_set", "told", "created_at"]

    @admin.display(description=bilingual("单位", "organisation"), ordering="named")
    def organisation(self, one: Any) -> str:
        """Whom it speaks to."""
        return one.named or str(bilingual("已删除的单位", "An organisation that is gone"))

    @admin.display(description=bilingual("主题", "topics"))
    def told(self, one: Robot) -> str:
        """What it tells."""
        return "、".join(str(Topic(each).label) for each in one.topics) or str(bilingual("全部", "All"))

    @admin.display(description=bilingual("密钥", "key"), boolean=True)
    def key_set(self, one: Robot) -> bool:
        """That there is one that can be read."""
        return bool(one.token)

    @admin.display(description=bilingual("加签", "signs"), boolean=True)
    def secret_set(self, one: Robot) -> bool:
        """That there is one that can be read."""
        return bool(one.secret)

    @admin.action(description=bilingual("试发消息", "Send a test message"), permissions=["change"])
    def send_trial(self, request: HttpRequest, queryset: QuerySet[Robot]) -> None:
        """Queue a message for each that is switched on, and say where to see what became of it."""
        chosen = [one for one in queryset.filter(active=True) if self.has_change_permission(request, one)]
        if not chosen:
            words = bilingual("所选机器人均未启用。", "None of them is switched on.")
            self.message_user(request, str(words), messages.WARNING)
            return
        with transaction.atomic():
            sent = [(try_out(one).pk, one.name) for one in chosen]
            for one in chosen:
                self.log_change(request, one, str(bilingual("试发消息", "Sent a test message")))
        nudge({ChannelName(one.vendor) for one in chosen})
        pages = ((reverse("admin:notifications_delivery_change", args=[key]), name) for key, name in sent)
        links = format_html_join("、", '<a href="{}">{}</a>', pages)
        said = bilingual("已试发，请看群里；结果见：", "Sent: look into the group. What became of it:")
        self.message_user(request, format_html("{} {}", said, links), messages.SUCCESS)
