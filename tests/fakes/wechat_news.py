"""A WeChat of our own on the loopback for subscription messages: tokens, quotas, templates and refusals as WeChat has them.

By itself: `python -m tests.fakes.wechat_news --log FILE` (tests/fakes/standing.py); every template, page and account is then known.
"""

import json
import math
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.listening import LoopbackServer, Quiet, listening
from tests.fakes.standing import Fault, Log, options, stand, weather_of
from tests.fakes.wechat import APP_ID, APP_SECRET

LIFE, EARLY = 7200, 300
"""Seconds that a token is good, and before its end in which the next one is given and both are good."""
FORCED_A_DAY, FORCE_AGAIN = 20, 30
STATES = {"developer", "trial", "formal"}
LANGS = {"zh_CN", "en_US", "zh_HK", "zh_TW"}
TEMPLATE = "template-of-the-news"
FIELDS = ("thing1", "character_string2", "time3", "phrase4")
MOMENT = r"(\d{4}年\d{1,2}月\d{1,2}日( ([01]\d|2[0-3]):[0-5]\d)?|([01]\d|2[0-3]):[0-5]\d)"
DAY = r"\d{4}年\d{1,2}月\d{1,2}日( ([01]\d|2[0-3]):[0-5]\d)?"
HAN = "\u4e00-\u9fff"
# What a value has to be, by the type of its field.
TYPES = {
    "thing": r"[^\x00-\x1f\x7f]{1,20}",
    "number": r"(?=.{1,32}$)\d+(\.\d+)?",
    "letter": r"[A-Za-z]{1,32}",
    "symbol": rf"[^A-Za-z0-9\s{HAN}]{{1,5}}",
    "character_string": r"[\x20-\x7e]{1,32}",
    "time": rf"{MOMENT}(~{MOMENT})?",
    "date": rf"{DAY}(~{MOMENT})?",
    "amount": r"[¥￥$€£]?\d{1,10}(\.\d+)?元?",
    "phone_number": r"[0-9+()-]{1,17}",
    "car_number": rf"[{HAN}A-Z0-9][A-Z0-9]{{1,6}}[{HAN}A-Z0-9]",
    "name": rf"[^0-9]{{1,10}}|[^0-9{HAN}]{{1,20}}",
    "phrase": rf"[{HAN}]{{1,5}}",
}


@dataclass(frozen=True)
class Asked:
    """A message that was asked for: the errcode it got, and whether the answer went missing."""

    key: str
    openid: str
    template: str
    data: Mapping[str, str]
    page: str
    state: str
    lang: str
    errcode: int
    fault: str


@dataclass
class Tokens:
    """The access tokens of the app; `life` and `early` in seconds."""

    life: float = LIFE
    early: float = EARLY
    current: str = ""
    ends: float = 0.0
    before: str = ""
    given: int = 0
    forced: list[float] = field(default_factory=list)

    def give(self, *, force: bool) -> tuple[str, int]:
        """The token and the seconds it is good; by force a new one, too seldom to be abused."""
        now = time.monotonic()
        self.forced = [one for one in self.forced if one > now - 86400]
        if force and len(self.forced) < FORCED_A_DAY and (not self.forced or self.forced[-1] < now - FORCE_AGAIN):
            self.forced.append(now)
            self.change(before="")
        elif self.ends - self.early <= now:
            self.change(before=self.current if self.ends > now else "")
        return self.current, max(1, int(self.ends - now))

    def change(self, *, before: str) -> None:
        """A new token; the one before is good beside it."""
        self.given += 1
        self.before, self.current, self.ends = before, f"token-{self.given}", time.monotonic() + self.life

    def good(self, token: str) -> bool:
        """Whether the token may be used."""
        return bool(token) and token in {self.current, self.before} and self.ends > time.monotonic()


class FakeWechatNews(LoopbackServer):
    """The server.

    `allowed` has what each account has left of each template, `templates` their fields (None: any), `pages` those of the released version
    (None: any). `fault` says what goes wrong with a message: `busy`, `limited`, `error` (HTTP 500), `slow`, `hang` (no answer, and
    nothing was sent), `lost` (no answer, and it was sent) or nothing. `fetches` counts what asked for a token, `asked` has the messages.
    """

    def __init__(self, port: int = 0) -> None:
        super().__init__(port, Answer)
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.tokens = Tokens()
        self.allowed: dict[tuple[str, str], float] = {}
        self.otherwise: float | None = None
        self.templates: dict[str, tuple[str, ...]] | None = {TEMPLATE: FIELDS}
        self.pages: set[str] | None = {"pages/ticket/index"}
        self.fault: Callable[[Mapping[str, Any]], str] = lambda message: ""
        self.token_fault: Callable[[], Mapping[str, Any] | None] = lambda: None
        self.token_takes, self.slow_takes = 0.0, 1.0
        self.fetches: list[bool] = []
        self.asked: list[Asked] = []
        self.log = Log()

    @property
    def sent(self) -> list[Asked]:
        """The messages that were sent."""
        return [one for one in self.asked if one.errcode == 0 and one.fault != "hang"]

    def token(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """What stable_token says."""
        time.sleep(self.token_takes)
        with self.lock:
            self.fetches.append(bool(asked.get("force_refresh")))
            if (fault := self.token_fault()) is not None:
                return fault
            if asked.get("grant_type") != "client_credential":
                return {"errcode": 40002, "errmsg": "invalid grant_type"}
            if asked.get("appid") != APP_ID:
                return {"errcode": 40013, "errmsg": "invalid appid"}
            if asked.get("secret") != APP_SECRET:
                return {"errcode": 40125, "errmsg": "invalid appsecret"}
            token, lasts = self.tokens.give(force=bool(asked.get("force_refresh")))
            return {"access_token": token, "expires_in": lasts}

    def message(self, token: str, asked: Mapping[str, Any], fault: str) -> tuple[int, str]:
        """The errcode and errmsg of a message; a one-time quota is used up by one."""
        with self.lock:
            if fault in {"busy", "limited", "error"}:
                return {"busy": (-1, "system error"), "limited": (45009, "reach max api daily quota limit")}.get(
                    fault, (-1, "")
                )
            if not self.tokens.good(token):
                return (42001, "access_token expired") if token.startswith("token-") else (40001, "invalid credential")
            openid, template = str(asked.get("touser", "")), str(asked.get("template_id", ""))
            if not openid.startswith("openid-"):
                return 40003, "invalid openid"
            if self.templates is not None and template not in self.templates:
                return 40037, "invalid template_id"
            page = str(asked.get("page", "")).partition("?")[0]
            if page and self.pages is not None and page not in self.pages:
                return 41030, "invalid page"
            if asked.get("miniprogram_state", "formal") not in STATES or asked.get("lang", "zh_CN") not in LANGS:
                return 47001, "data format error"
            if bad := self.bad_field(template, asked.get("data")):
                return 47003, f"argument invalid! data.{bad}.value invalid rid: 0-0-0"
            left = self.allowed.get((openid, template), self.otherwise)
            if not left:
                return 43101, "user refuse to accept the msg rid: 0-0-0"
            if fault != "hang":
                self.allowed[openid, template] = left - 1
            return 0, "ok"

    def bad_field(self, template: str, data: Any) -> str | None:
        """The first field that is missing or breaks the rule of its type."""
        data = data if isinstance(data, dict) else {}
        for name in data if self.templates is None else self.templates[template]:
            value = data.get(name, {}).get("value")
            rule = TYPES.get(name.rstrip("0123456789"), r"[^\x00-\x1f\x7f]{1,20}")
            if not isinstance(value, str) or not re.fullmatch(rule, value) or value != value.strip():
                return str(name)
        return None

    def note(self, asked: Asked) -> None:
        """Keep what was asked for."""
        with self.lock:
            self.asked.append(asked)
        said = json.dumps([asked.template, asked.data, asked.page], ensure_ascii=False)
        taken = asked.errcode == 0 and asked.fault != "hang"
        self.log.note(key=asked.key, to=asked.openid, said=said, taken=taken, answer=asked.fault or str(asked.errcode))


class Answer(Quiet, BaseHTTPRequestHandler):
    """One connection, which is kept open; HTTP 200 even for refusals, as WeChat does it."""

    server: FakeWechatNews
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer /cgi-bin/stable_token and /cgi-bin/message/subscribe/send."""
        address = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            asked = json.loads(body)
        except ValueError:
            return self.say({"errcode": 47001, "errmsg": "data format error"})
        if address.path == "/cgi-bin/stable_token":
            return self.say(self.server.token(asked))
        if address.path != "/cgi-bin/message/subscribe/send":
            return self.say({"errcode": -1, "errmsg": "not found"}, status=404)
        return self.answer_message(parse_qs(address.query).get("access_token", [""])[0], asked)

    def answer_message(self, token: str, asked: Mapping[str, Any]) -> None:
        """Send a message, or let go wrong what is to go wrong."""
        fault = self.server.fault(asked)
        errcode, errmsg = self.server.message(token, asked, fault)
        said = {"data": {}, "page": "", "miniprogram_state": "", "lang": "", **asked}
        self.server.note(
            Asked(
                self.headers.get("Idempotency-Key", ""),
                said["touser"],
                said["template_id"],
                {name: one.get("value") for name, one in said["data"].items()},
                said["page"],
                said["miniprogram_state"],
                said["lang"],
                errcode,
                fault,
            )
        )
        if fault in {"hang", "lost"}:
            self.close_connection = True
        elif fault == "error":
            self.say({}, status=500)
        else:
            self.server.over.wait(self.server.slow_takes if fault == "slow" else 0)
            self.say({"errcode": errcode, "errmsg": errmsg, **({} if errcode else {"msgid": len(self.server.asked)})})

    def say(self, document: Mapping[str, Any], status: int = 200) -> None:
        """Send the answer."""
        # A caller that has lost patience is gone, and that is meant.
        with suppress(OSError):
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; encoding=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)


@contextmanager
def serving() -> Iterator[FakeWechatNews]:
    """A fake that listens until the block ends."""
    server = FakeWechatNews()
    with listening(server, server.over.set):
        yield server


def main() -> None:
    """Serve until killed."""
    parser = options("wechat_news", __doc__)
    parser.add_argument("--allowed", type=float, default=math.inf, help="messages that every account has allowed")
    given = parser.parse_args()
    faults = {Fault.SLOW: "slow", Fault.FAILING: "error", Fault.BUSY: "busy", Fault.LOST: "lost", None: ""}
    weather = weather_of(given)
    with FakeWechatNews(given.port) as server:
        server.templates, server.pages, server.otherwise = None, None, given.allowed
        server.log, server.slow_takes = Log(given.log), weather.takes
        server.fault = lambda message: faults[weather.fault()]
        stand(server, server.url)


if __name__ == "__main__":
    main()
