"""A WeChat of our own on the loopback: it answers jscode2session as WeChat does, errors included."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

from tests.fakes.listening import LoopbackServer, Quiet, listening

APP_ID = "wx-of-the-tests"
APP_SECRET = "a-secret-that-must-not-be-logged"
SESSION_KEY = "a-session-key-that-goes-nowhere"

# What `js_code` asks the fake to do; `openid-…` codes are good once, for that openid.
ERRORS = {
    "busy": (-1, "system error"),
    "limited": (45011, "api minute-quota reach limit"),
    "blocked": (40226, "code blocked"),
    "strange": (40999, "never heard of"),
}


class FakeWechat(LoopbackServer):
    """The server; `asked` has the query of every request, `used` the codes that were good and are no longer."""

    def __init__(self) -> None:
        super().__init__(0, Answer)
        self.asked: list[dict[str, str]] = []
        self.used: set[str] = set()


class Answer(Quiet, BaseHTTPRequestHandler):
    """One answer, in JSON called text/plain, with status 200 even for errors: as WeChat does it."""

    server: FakeWechat

    def do_GET(self) -> None:
        """Answer /sns/jscode2session."""
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        self.server.asked.append(query)
        if address.path != "/sns/jscode2session":
            self.say(b"not found", status=404)
        elif query.get("js_code") == "slow":
            time.sleep(1)
            self.say(b"{}")
        elif query.get("js_code") == "broken":
            self.say(b"<html>", status=200)
        elif query.get("js_code") == "down":
            self.say(b"bad gateway", status=502)
        else:
            self.say(json.dumps(self.session(query)).encode())

    def session(self, query: dict[str, str]) -> dict[str, object]:
        """What WeChat says to this query."""
        for name, errcode in (("appid", 41002), ("secret", 41004), ("js_code", 41008)):
            if not query.get(name):
                return {"errcode": errcode, "errmsg": f"{name} missing"}
        if query["appid"] != APP_ID:
            return {"errcode": 40013, "errmsg": "invalid appid"}
        if query["secret"] != APP_SECRET:
            return {"errcode": 40125, "errmsg": "invalid appsecret"}
        code = query["js_code"]
        if code in ERRORS:
            errcode, errmsg = ERRORS[code]
            return {"errcode": errcode, "errmsg": errmsg}
        if code == "nobody":
            return {"session_key": SESSION_KEY}
        if code in self.server.used:
            return {"errcode": 40163, "errmsg": "code been used"}
        if not code.startswith("openid-"):
            return {"errcode": 40029, "errmsg": "invalid code"}
        self.server.used.add(code)
        return {"openid": code.partition("#")[0], "session_key": SESSION_KEY, "unionid": "u"}

    def say(self, body: bytes, status: int = 200) -> None:
        """Send the answer."""
        # A caller that has lost patience is gone, and that is meant.
        with suppress(ConnectionError):
            self.send_response(status)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()


@contextmanager
def serving() -> Iterator[FakeWechat]:
    """A fake that listens until the block ends."""
    with listening(FakeWechat()) as server:
        yield server
