"""A WeCom of our own on the loopback: the corporation's token, and who scanned; refusals with status 200, as WeCom gives them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.listening import LoopbackServer, Quiet, listening

CORPORATION, SECRET, AGENT, TOKEN = "ww-of-the-tests", "a-secret-of-the-corporation", "1000002", "a-token"


class FakeWecom(LoopbackServer):
    """The server. Codes `member-…` are good once, for that user id; `guest-…` are of people from outside."""

    def __init__(self) -> None:
        super().__init__(0, Answer)
        self.used: set[str] = set()


class Answer(Quiet, BaseHTTPRequestHandler):
    """One answer."""

    server: FakeWecom

    def do_GET(self) -> None:
        """/cgi-bin/gettoken and /cgi-bin/auth/getuserinfo."""
        address = urlsplit(self.path)
        body = json.dumps(self.told(address.path, dict(parse_qsl(address.query)))).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def told(self, path: str, asked: dict[str, str]) -> dict[str, object]:
        """What WeCom says."""
        if path == "/cgi-bin/gettoken":
            if asked.get("corpid") != CORPORATION:
                return {"errcode": 40013, "errmsg": "invalid corpid"}
            if asked.get("corpsecret") != SECRET:
                return {"errcode": 40001, "errmsg": "invalid credential"}
            return {"errcode": 0, "errmsg": "ok", "access_token": TOKEN, "expires_in": 7200}
        if asked.get("access_token") != TOKEN:
            return {"errcode": 40014, "errmsg": "invalid access_token"}
        code = asked.get("code", "")
        if code in self.server.used or not code.startswith(("member-", "guest-")):
            return {"errcode": 40029, "errmsg": "invalid code"}
        self.server.used.add(code)
        if code.startswith("guest-"):
            return {"errcode": 0, "errmsg": "ok", "openid": "outsider"}
        return {"errcode": 0, "errmsg": "ok", "userid": code.partition("#")[0]}


@contextmanager
def serving() -> Iterator[FakeWecom]:
    """A fake that listens until the block ends."""
    with listening(FakeWecom()) as server:
        yield server
