"""What can be done to a webhook besides editing it: each after a page that says what follows, and on record."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.contrib import admin
from django.contrib import messages as notes
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.functional import Promise

from notifications.models import Endpoint
from notifications.models.receivers import MOST_SECRETS
from notifications.topics import DeliveryState
from tickets.admin.pages import answer
from tickets.admin.replay import address, deliveries, lost
from web.words import bilingual

BY_HAND = bilingual("由管理人员停用。", "Switched off by the office.")
_CHANGED = bilingual(
    "该 Webhook 在此期间已有变化，请看过后再确认。", "The webhook has changed meanwhile: look again, then confirm."
)


@dataclass(frozen=True, slots=True)
class Deed:
    """Something to do to a webhook. `follows` is what the page says first, `idle` why there is nothing to do (None: there is).

    `do` does it to a locked row, and answers.
    """

    title: Promise
    follows: Callable[[HttpRequest, Endpoint], Sequence[Promise]]
    idle: Callable[[Endpoint], Promise | None]
    do: Callable[[admin.AdminSite, HttpRequest, Endpoint], HttpResponse]


def page(site: admin.AdminSite, request: HttpRequest, endpoint: Endpoint, deed: Deed) -> HttpResponse:
    """Say what follows; a POST that has seen the webhook as it is does it."""
    if request.method == "POST":
        with transaction.atomic():
            locked = Endpoint.objects.select_for_update().get(pk=endpoint.pk)
            seen = constant_time_compare(request.POST.get("seen", ""), _seal(locked))
            if seen and deed.idle(locked) is None:
                assert request.user.pk is not None
                LogEntry.objects.log_actions(request.user.pk, [locked], CHANGE, str(deed.title))
                return deed.do(site, request, locked)
        # Reloaded, or pressed twice.
        notes.warning(request, str(_CHANGED))
        return HttpResponseRedirect(_page_of(endpoint))
    idle = deed.idle(endpoint)
    context = {
        "title": deed.title,
        "endpoint": endpoint,
        "follows": [idle] if idle else deed.follows(request, endpoint),
        "seen": None if idle else _seal(endpoint),
    }
    return answer(site, request, Endpoint._meta, "notifications/endpoint/deed", context)


def show_secret(site: admin.AdminSite, request: HttpRequest, endpoint: Endpoint, secret: str) -> HttpResponse:
    """The only page that shows a secret. Like all admin pages it is never cached."""
    context = {"title": bilingual("签名密钥", "Signing secret"), "endpoint": endpoint, "secret": secret}
    return answer(site, request, Endpoint._meta, "notifications/endpoint/secret", context)


def _seal(endpoint: Endpoint) -> str:
    """A fingerprint of the webhook's present state, secrets included, that reveals nothing of them."""
    state = f"{endpoint.active} {endpoint.secrets}"
    return salted_hmac("tickets.admin.deeds", state, algorithm="sha256").hexdigest()


def _page_of(endpoint: Endpoint) -> str:
    return reverse("admin:notifications_endpoint_change", args=[endpoint.pk])


def _done(request: HttpRequest, endpoint: Endpoint, words: Promise) -> HttpResponse:
    notes.success(request, str(words))
    return HttpResponseRedirect(_page_of(endpoint))


def _rotation(request: HttpRequest, endpoint: Endpoint) -> Sequence[Promise]:
    found: list[Promise] = [
        bilingual(
            "将生成一个新密钥，只在下一页显示一次，请当场交给接收方的技术人员。",
            "A new secret is made and shown once, on the next page: hand it to the receiver's engineers there and then.",
        )
    ]
    match len(endpoint.signing):
        case 0:
            found.append(
                bilingual(
                    "现有密钥已无法读取，推送因此暂停；换上新密钥后自动继续。",
                    "The present secret can no longer be read, so nothing is sent; with a new one it goes on by itself.",
                )
            )
        case number if number < MOST_SECRETS:
            found.append(
                bilingual(
                    "此后每次推送同时用新、旧两个密钥签名，接收方换用新密钥时不会中断；换好后请停用旧密钥。",
                    "From then on the new and the old one both sign, so that the receiver can change over without a break; "
                    "drop the old one when that is done.",
                )
            )
        case _:
            found.append(
                bilingual(
                    "目前已有两个密钥在签名：再次更换后，较旧的那个立即失效，仍用它验签的接收方会拒收全部推送。",
                    "Two secrets sign at present: the older one ends at once, and a receiver that still uses it refuses everything.",
                )
            )
    return found


def _rotate(site: admin.AdminSite, request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
    secret = endpoint.rotate()
    endpoint.save(update_fields=["secrets"])
    return show_secret(site, request, endpoint, secret)


def _drop(site: admin.AdminSite, request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
    endpoint.forget_old_secrets()
    endpoint.save(update_fields=["secrets"])
    return _done(request, endpoint, bilingual("旧密钥已停用，只用最新的签名。", "The newest secret alone signs now."))


def _switching_on(request: HttpRequest, endpoint: Endpoint) -> Sequence[Promise]:
    found: list[Promise] = [
        bilingual("重新开始推送，此前的失败不再计算。", "Sending begins again, and past failures no longer count."),
        bilingual(
            "停用期间发生的事件没有留下推送记录，无法补发；接收方须自行查询工单。",
            "What happened while it was off was not written down for it and cannot be sent: the receiver has to ask for the tickets.",
        ),
    ]
    if failed := lost(request, endpoint).failed:
        found.append(
            bilingual(
                f"停用前后有 {failed} 条未送达，启用后可在下一页补发。",
                f"{failed} deliveries failed before that or were dropped: the next page can send them anew.",
            )
        )
    return found


def _switch_on(site: admin.AdminSite, request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
    found = lost(request, endpoint)
    endpoint.switch_on()
    if not found.failed:
        return _done(request, endpoint, bilingual("已启用。", "It is switched on."))
    words = bilingual(
        f"已启用。停用时有 {found.dropped} 条未再发送，另有 {found.failed - found.dropped} 条发送失败，可在此补发。",
        f"It is switched on. {found.dropped} deliveries were dropped and {found.failed - found.dropped} failed: send them anew here.",
    )
    notes.success(request, str(words))
    return HttpResponseRedirect(address(endpoint, state="failed", since=found.since))


def _switching_off(request: HttpRequest, endpoint: Endpoint) -> Sequence[Promise]:
    found: list[Promise] = [
        bilingual(
            "不再推送；此后的新事件也不再为它记录，启用后无法补发。",
            "Nothing more is sent; what happens from then on is not written down for it either, and cannot be sent later.",
        )
    ]
    if waiting := deliveries(request, endpoint).filter(state=DeliveryState.QUEUED).count():
        found.append(
            bilingual(
                f"正在等待的 {waiting} 条不再发送，启用后可补发。",
                f"{waiting} deliveries that wait are dropped; once it is on again they can be sent anew.",
            )
        )
    return found


def _switch_off(site: admin.AdminSite, request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
    endpoint.switch_off(BY_HAND)
    return _done(request, endpoint, bilingual("已停用。", "It is switched off."))


DEEDS: Mapping[str, Deed] = {
    "rotate": Deed(bilingual("更换密钥", "New secret"), _rotation, lambda endpoint: None, _rotate),
    "drop-old-secret": Deed(
        bilingual("停用旧密钥", "Drop the old secret"),
        lambda request, endpoint: [
            bilingual(
                "此后只用最新的密钥签名。仍用旧密钥验签的接收方会拒收全部推送，请先确认对方已换用新密钥。",
                "From then on the newest secret alone signs. A receiver that still uses the old one refuses everything: make sure "
                "first that it has changed over.",
            )
        ],
        lambda endpoint: (
            None
            if len(endpoint.signing) > 1
            else bilingual("只有一个密钥在签名，没有旧的。", "One secret signs; there is no old one.")
        ),
        _drop,
    ),
    "switch-on": Deed(
        bilingual("启用", "Switch on"),
        _switching_on,
        lambda endpoint: bilingual("已在启用中。", "It is on.") if endpoint.active else None,
        _switch_on,
    ),
    "switch-off": Deed(
        bilingual("停用", "Switch off"),
        _switching_off,
        lambda endpoint: None if endpoint.active else bilingual("已停用。", "It is off."),
        _switch_off,
    ),
}
