"""The page behind a mail's unsubscribe link, for people and for mail programs (RFC 8058)."""

import math
from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from notifications.topics import Topic
from notifications.unsubscribing import BadLink, Mailing
from web.addresses import client_address
from web.limits import Limit
from web.problems import TITLES
from web.words import Words, bilingual, with_wait

_ASK = bilingual("邮件退订", "Unsubscribe")
_ASKED = bilingual("点击“退订”后，您的邮箱不再接收以下通知：", "Press the button, and you get no more mail about:")
_ENDED = bilingual("退订成功", "You have unsubscribed")
_NOW = bilingual("您的邮箱不再接收以下通知：", "You get no more mail about:")
_OTHERWISE = bilingual(
    "站内信等其他接收方式不变，可随时在通知设置中修改。",
    "Your inbox and other channels stay as they are. You can change all of it in your notification settings.",
)
_BAD = bilingual("链接无效", "This link is not valid")
_ANEW = bilingual(
    "请从收到的邮件中重新打开链接，或在通知设置中修改。",
    "Open the link in the mail once more, or change your notification settings.",
)
_OFTEN = bilingual("操作次数已达上限。", "You have done this too often.")


class UnsubscribeLimit(Limit):
    """Rate limit of the unsubscribe page. It is high, because the mail programs of many people call from a few addresses."""

    scope = "unsubscribe"
    requests = 300


@csrf_exempt  # The link itself is signed. A mail program has no cookie.
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """POST ends the mail about the topics in `token`, with or without a body. GET shows the button and changes nothing.

    Answers 404 where the token is not ours.
    """
    limit = UnsubscribeLimit()
    if not limit.allows(client_address(request)):
        answer = _page(request, TITLES[429], with_wait(_OFTEN, limit.wait()), status=429)
        answer["Retry-After"] = math.ceil(limit.wait())
        return answer
    try:
        mailing = Mailing.read(token)
        if request.method == "POST":
            mailing.end()
    except BadLink:
        return _page(request, _BAD, _ANEW, status=404)
    if wanted := mailing.wanted:
        return _page(request, _ASK, _ASKED, wanted, ask=True)
    return _page(request, _ENDED, _NOW, mailing.topics)


def _page(
    request: HttpRequest,
    title: Words,
    words: Words,
    topics: Iterable[Topic] = (),
    *,
    ask: bool = False,
    status: int = 200,
) -> HttpResponse:
    shown = {"title": title, "words": words, "topics": [one.label for one in topics], "note": _OTHERWISE, "ask": ask}
    return render(request, "notifications/unsubscribe.html", shown, status=status)
