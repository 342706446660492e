"""WeCom, DingTalk and Feishu of our own on the loopback: group robots with keys, secrets, keywords and limits that are really counted.

By itself: `python -m tests.fakes.robots --log FILE` (tests/fakes/standing.py); every key but `gone` is then a robot's, without a secret.
"""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.receiver import Receiver, Reply, Request, receiving
from tests.fakes.standing import Fault, Log, Weather, options, stand, weather_of

HOUR = 3600
FEISHU_PATH = "/open-apis/bot/v2/hook/"
LIMITS: Mapping[str, tuple[tuple[int, float], ...]] = {
    "wecom": ((20, 60),),
    "dingtalk": ((20, 60),),
    "feishu": ((5, 1), (100, 60)),
}


_TROUBLE = {Fault.FAILING: 500, Fault.BUSY: -1}


@dataclass(frozen=True)
class Account:
    """A robot as its group has set it up."""

    secret: str = ""
    keyword: str = ""
    admits: bool = True
    stopped: bool = False


@dataclass(frozen=True)
class Seen:
    """One request; `code` is what was answered (0 is well, None no answer of the vendor's), `text` what the group then read."""

    vendor: str
    token: str
    key: str
    at: float
    text: str
    status: int
    code: int | None


@dataclass
class Robots:
    """The three vendors. `trouble` may answer in a vendor's place, by HTTP status or by a code; `slow` is waited first. By the `weather`
    as well, some answers go wrong.

    `limits` are numbers and seconds, `silence` how long DingTalk says nothing more. `everybody`: any key but `gone` is a robot's.
    """

    limits: Mapping[str, tuple[tuple[int, float], ...]] = field(default_factory=lambda: LIMITS)
    silence: float = 600
    accounts: dict[str, Account] = field(default_factory=dict)
    everybody: bool = False
    trouble: Callable[[], int] = lambda: 0
    slow: Callable[[], float] = lambda: 0
    weather: Weather = field(default_factory=Weather)
    log: Log = field(default_factory=Log)
    seen: list[Seen] = field(default_factory=list)
    url: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _calls: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    _silent: dict[str, float] = field(default_factory=dict)

    def reply(self, request: Request) -> Reply:
        """Answer one request as its vendor does."""
        fault = self.weather.fault()
        time.sleep(self.weather.takes if fault == Fault.SLOW else self.slow())
        address = urlsplit(request.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        with self._lock:
            if address.path == "/cgi-bin/webhook/send":
                return self._answer("wecom", query.get("key", ""), query, request, fault)
            if address.path == "/robot/send":
                return self._answer("dingtalk", query.get("access_token", ""), query, request, fault)
            if address.path.startswith(FEISHU_PATH):
                return self._answer("feishu", address.path.removeprefix(FEISHU_PATH), query, request, fault)
        return Reply(404, b"not found")

    def texts(self, token: str) -> list[str]:
        """What the group of a robot has read."""
        return [one.text for one in self.seen if one.token == token and one.code == 0]

    def _answer(
        self, vendor: str, token: str, query: Mapping[str, str], request: Request, fault: Fault | None
    ) -> Reply:
        now, trouble = time.monotonic(), _TROUBLE.get(fault) or self.trouble()
        text, status, code, words = "", 200, 0, "ok"
        if 500 <= trouble < 600:
            status, code, words = trouble, None, "trouble"
        elif trouble:
            code, words = trouble, "trouble"
        else:
            text, status, code, words = getattr(self, f"_{vendor}")(token, query, request.body, now)
        seen = Seen(vendor, token, request.headers.get("idempotency-key", ""), now, text, status, code)
        self.seen.append(seen)
        answer = str(status if code is None else code)
        self.log.note(key=seen.key, to=f"{vendor}:{token}", said=text, taken=code == 0, answer=answer)
        if fault == Fault.LOST:
            return Reply(close=True)
        if code is None:
            return Reply(status, b"<html>")
        names = ("code", "msg") if vendor == "feishu" else ("errcode", "errmsg")
        return Reply(status, json.dumps(dict(zip(names, (code, words), strict=True))).encode())

    def _account(self, token: str) -> Account | None:
        return self.accounts.get(token) or (Account() if self.everybody and token not in {"", "gone"} else None)

    def _wecom(self, token: str, query: Mapping[str, str], body: bytes, now: float) -> tuple[str, int, int, str]:
        account = self._account(token)
        if account is None:
            return "", 200, 93000, "invalid webhook url, hint: [1], from ip: 127.0.0.1"
        if account.stopped:
            return "", 200, 93004, "robot is disabled"
        if self._too_many("wecom", token, now) is not None:
            return "", 200, 45009, "api freq out of limit"
        text = words_of(body, "msgtype", "text", "content")
        if text is None:
            return "", 200, 40008, "invalid message type"
        if len(text.encode()) > 2048:
            return "", 200, 40058, "text.content exceed max length 2048"
        return text, 200, 0, "ok"

    def _dingtalk(self, token: str, query: Mapping[str, str], body: bytes, now: float) -> tuple[str, int, int, str]:
        account = self._account(token)
        if account is None:
            return "", 200, 300001, "token is not exist"
        if account.stopped:
            return "", 200, 400102, "robot is disabled"
        if self._silent.get(token, 0) > now:
            return "", 200, 130101, "send too fast, exceed 20 times per minute"
        if self._too_many("dingtalk", token, now) is not None:
            self._silent[token] = now + self.silence
            return "", 200, 130101, "send too fast, exceed 20 times per minute"
        text = words_of(body, "msgtype", "text", "content")
        if text is None:
            return "", 200, 40035, "缺少参数 json"
        if len(text) > 5000:
            return "", 200, 34016, "消息内容长度超过限制"
        if account.secret:
            at = query.get("timestamp", "0")
            if abs(time.time() - int(at) / 1000) > HOUR:
                return "", 200, 310000, "invalid timestamp"
            mac = hmac.new(account.secret.encode(), f"{at}\n{account.secret}".encode(), hashlib.sha256)
            if query.get("sign") != base64.b64encode(mac.digest()).decode():
                return "", 200, 310000, "sign not match"
        if account.keyword not in text:
            return "", 200, 310000, "keywords not in content"
        if not account.admits:
            return "", 200, 310000, "ip X.X.X.X not in whitelist"
        return text, 200, 0, "ok"

    def _feishu(self, token: str, query: Mapping[str, str], body: bytes, now: float) -> tuple[str, int, int, str]:
        account = self._account(token)
        if account is None:
            return "", 200, 19001, "param invalid: incoming webhook access token invalid"
        if (window := self._too_many("feishu", token, now)) is not None:
            # One of its gates answers this way, the other that.
            return ("", 400, 9499, "too many request") if window else ("", 200, 11232, "frequency limited psm[x]")
        text = words_of(body, "msg_type", "content", "text")
        if text is None or len(body) > 20 * 1024:
            return "", 400, 9499, "Bad Request"
        if account.secret:
            said = json.loads(body)
            at = str(said.get("timestamp", "0"))
            mac = hmac.new(f"{at}\n{account.secret}".encode(), b"", hashlib.sha256)
            if abs(time.time() - int(at)) > HOUR or said.get("sign") != base64.b64encode(mac.digest()).decode():
                return "", 200, 19021, "sign match fail or timestamp is not within one hour from current time"
        if not account.admits:
            return "", 200, 19022, "Ip Not Allowed"
        if account.keyword not in text:
            return "", 200, 19024, "Key Words Not Found"
        return text, 200, 0, "success"

    def _too_many(self, vendor: str, token: str, now: float) -> int | None:
        """The window that this call is too many in; None where it is in none. Calls count, refused or not."""
        calls, limits = self._calls[token], self.limits[vendor]
        calls.append(now)
        while calls and calls[0] <= now - max(period for _, period in limits):
            calls.popleft()
        for window, (number, period) in enumerate(limits):
            if sum(one > now - period for one in calls) > number:
                return window
        return None


def words_of(body: bytes, kind: str, part: str, name: str) -> str | None:
    """The text in a body; None where it is no text message."""
    try:
        said: Any = json.loads(body)
        return str(said[part][name]) if said[kind] == "text" and said[part][name] else None
    except (ValueError, KeyError, TypeError):
        return None


@contextmanager
def serving(robots: Robots) -> Iterator[Robots]:
    """The vendors at `robots.url` until the block ends."""
    with receiving(robots.reply) as receiver:
        robots.url = receiver.url
        yield robots


def main() -> None:
    """Serve until killed."""
    given = options("robots", __doc__).parse_args()
    robots = Robots(everybody=True, weather=weather_of(given), log=Log(given.log))
    with Receiver(robots.reply, given.port) as server:
        stand(server, server.url)


if __name__ == "__main__":
    main()
