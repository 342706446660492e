"""Group robots of a street's organisations, by which their groups get messages.

A clerk needs a seat in the street's office and `notifications.view_robot`; `add_robot`, `change_robot` and `delete_robot` to set one
up, to change it, to try it out and to remove it. They see their own street. Key and secret can be entered and not be read again.
"""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from notifications.channels.robots import VENDORS
from notifications.channels.robots.robot import RobotChannel
from notifications.models import Robot
from notifications.topics import Topic
from tickets.admin.receivers import ALL, ReceiverAdmin, ReceiverForm, some_of
from web.forms import LineFormField
from web.words import bilingual, listed

_KEPT = bilingual("已设置，不再显示；留空则不变。", "Set, and shown no more; left empty, it stays.")


def _hidden(label: Any, help_text: Any) -> LineFormField:
    widget = forms.PasswordInput(attrs={"size": 80, "autocomplete": "new-password"})
    return LineFormField(label=label, help_text=help_text, max_length=500, required=False, widget=widget)


class RobotForm(ReceiverForm):
    """The robot's name, key, secret and topics. The key is taken out of a whole address."""

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
    topics = some_of(bilingual("主题", "Topics"), Topic.choices)

    class Meta:
        model = Robot
        fields = ["name", "vendor", "token", "secret", "topics", "active"]

    def __init__(self, *args: object, **kwargs: object):
        super().__init__(*args, **kwargs)
        # An empty field means no change. The page never contains the stored value.
        self.initial.update(token="", secret="")
        if not self.instance._state.adding:
            for name in ("token", "secret"):
                if name in self.fields and getattr(self.instance, name):
                    self.fields[name].help_text = _KEPT

    def clean(self) -> dict[str, Any]:
        """There is a key, and the organisation's robots have names of their own."""
        given = super().clean()
        one, vendor = self.instance, given.get("vendor") or self.instance.vendor
        entered = given.get("token", "").strip()
        key = key_of(entered, vendor)
        given["token"] = key or one.token
        given["secret"] = "" if given.get("forget_secret") else given.get("secret", "").strip() or one.secret
        if entered and not key:
            self.add_error(
                "token", bilingual("该地址不是所选平台的机器人地址。", "It is no address of that platform's robots.")
            )
        elif not given["token"]:
            self.add_error("token", bilingual("请填写。", "It needs one."))
        if self.taken(name=given.get("name")):
            self.add_error("name", bilingual("该单位已有此名称的机器人。", "The organisation has one of that name."))
        return given


def key_of(given: str, vendor: str) -> str:
    """The key itself, or the key in an address."""
    given = given.strip()
    if "://" not in given:
        return given
    return VENDORS.get(vendor, RobotChannel).key_of(given)


@admin.register(Robot)
class RobotAdmin(ReceiverAdmin):
    """The group robots of a street."""

    form = RobotForm
    list_display = ["name", "organisation", "vendor", "active", "told", "key_set", "secret_set"]
    list_filter = ["active", "vendor"]

    def get_fields(self, request: HttpRequest, obj: object = None) -> list[Any]:
        """Whose it is and which platform's stays as it is; who may only look sees that there is a key, and no key."""
        if obj is None:
            return ["street", "organisation", "vendor", "name", "token", "secret", "topics", "active"]
        if self.has_change_permission(request, obj):
            hidden = ["token", "secret", "forget_secret"]
            return ["organisation", "vendor", "name", *hidden, "topics", "active", "created_at"]
        return ["organisation", "vendor", "name", "key_set", "secret_set", "told", "active", "created_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: object = None) -> list[str]:
        """What the form does not ask."""
        return [] if obj is None else ["organisation", "vendor", "key_set", "secret_set", "told", "created_at"]

    @admin.display(description=bilingual("主题", "topics"))
    def told(self, one: Robot) -> str:
        """Its topics."""
        return listed(Topic(each).label for each in one.topics) or str(ALL)

    @admin.display(description=bilingual("密钥", "key"), boolean=True)
    def key_set(self, one: Robot) -> bool:
        """Whether there is one that can be decrypted."""
        return bool(one.token)

    @admin.display(description=bilingual("加签", "signs"), boolean=True)
    def secret_set(self, one: Robot) -> bool:
        """Whether there is one that can be decrypted."""
        return bool(one.secret)
