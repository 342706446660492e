"""A running Linli server as its people see it: they sign in by SMS code, and everything they do is a request."""

import json
import os
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from community import demo
from tickets.demo.pictures import picture
from web.words import bilingual

LONGEST_WAIT = 120
"""Seconds that one request waits for limits before the demo gives up."""
CODE_PATIENCE = 5.0
"""Seconds until a sign-in code must have appeared in the log."""
_BUSY = frozenset({429, 503})  # a limit, or a row that another holds


class DemoFailed(Exception):
    """The demo cannot go on; its words tell the person at the terminal what to do."""


class MoveRefused(DemoFailed):
    """The server refused what the story expected to work; `problem` is its answer."""

    def __init__(self, response: httpx.Response):
        self.status = response.status_code
        self.problem: dict[str, Any] = {}
        if "json" in response.headers.get("Content-Type", ""):
            self.problem = response.json()
        super().__init__(f"{response.request.method} {response.request.url.path} → {self.status}: {self.reasons}")

    @property
    def reasons(self) -> str:
        """What the server says about it, in one line."""
        faults = [f"{fault['field']}: {fault['reason']}" for fault in self.problem.get("errors") or ()]
        return "; ".join(faults) or str(self.problem.get("detail") or self.problem.get("title") or "?")


@dataclass(frozen=True, slots=True)
class Someone:
    """One of the cast, signed in. `organisation` and `role` are those of the first seat, empty for a resident."""

    key: str
    id: str
    name: str
    token: str
    organisation_id: str
    organisation: str
    role: str
    home: str


class Server:
    """The server at the other end of `client`, whose base address ends before `/api/v1/`.

    `sms_log` is where its development gateway writes the codes; tokens are kept in `tokens` from run to run.
    """

    def __init__(self, client: httpx.Client, *, sms_log: Path | None, tokens: Path, say: Callable[[str], None]):
        self.client, self.sms_log, self.say = client, sms_log, say
        self.kept = Tokens(tokens, str(client.base_url))
        self.phones = {row["key"]: row["phone"] for row in demo.rows("people")}
        self.people: dict[str, Someone] = {}

    def check(self) -> None:
        """Raise DemoFailed unless a Linli server answers there."""
        try:
            alive = self.client.get("/healthz")
            linli = "database" in alive.text
        except httpx.HTTPError as error:
            raise DemoFailed(
                bilingual(
                    f"{self.client.base_url} 没有应答（{type(error).__name__}）。"
                    "请先在另一个终端运行 make run，或用 --url 指明地址。",
                    f"No server answers at {self.client.base_url} ({type(error).__name__}). "
                    "Run `make run` in another terminal first, or name the right address with --url.",
                )
            ) from error
        if not linli:
            raise DemoFailed(
                bilingual(
                    f"{self.client.base_url} 应答的不是 Linli。请用 --url 指明地址。",
                    f"What answers at {self.client.base_url} is not Linli. Name the right address with --url.",
                )
            )

    def person(self, key: str) -> Someone:
        """One of the cast, signed in; with the token of an earlier run while it is good."""
        if key not in self.people:
            phone = self.phones[key]
            token = self.kept.get(phone)
            me = self.client.get("/api/v1/me", headers=_bearer(token)) if token else None
            if me is None or me.status_code != 200:
                token = self._sign_in(phone)
                self.kept.put(phone, token)
                me = self._send("GET", "me", headers=_bearer(token))
            self.people[key] = _someone(key, token, me.json())
        return self.people[key]

    def _sign_in(self, phone: str) -> str:
        if self.sms_log is None:
            raise DemoFailed(
                bilingual("演示需要开发环境的短信日志。", "The demo needs the SMS log of a development server.")
            )
        read = self.sms_log.stat().st_size if self.sms_log.exists() else 0
        self._send("POST", "auth/codes", json={"phone": phone})
        proof = {"phone": phone, "code": self._code(phone, read), "device": "manage.py demo"}
        return str(self._send("POST", "auth/tokens", json=proof).json()["token"])

    def _code(self, phone: str, read: int) -> str:
        """The code that was sent to `phone` after the log's first `read` bytes."""
        assert self.sms_log is not None
        end = time.monotonic() + CODE_PATIENCE
        while time.monotonic() < end:
            if self.sms_log.exists():
                with self.sms_log.open("rb") as log:
                    log.seek(read)
                    lines = [line.split() for line in log.read().decode().splitlines()]
                codes = [words[2] for words in lines if len(words) == 3 and words[1] == phone]
                if codes:
                    return codes[-1]
            time.sleep(0.05)
        raise DemoFailed(
            bilingual(
                f"验证码没有出现在 {self.sms_log}。请让本命令与服务器使用同一个 LINLI_LOCAL_DIR。",
                f"The sign-in code did not appear in {self.sms_log}. "
                "Give this command the LINLI_LOCAL_DIR that the server has.",
            )
        )

    def get(self, by: Someone, path: str, **query: str) -> dict[str, Any]:
        """The JSON at `path` below /api/v1/, as `by` sees it. Raises MoveRefused."""
        found: dict[str, Any] = self._send("GET", path, headers=_bearer(by.token), params=query).json()
        return found

    def post(self, by: Someone, path: str, body: Mapping[str, object], version: int | None = None) -> dict[str, Any]:
        """The JSON that answers a POST, made once however often it is sent. Raises MoveRefused."""
        headers = _bearer(by.token) | {"Idempotency-Key": str(uuid.uuid4())}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        made: dict[str, Any] = self._send("POST", path, headers=headers, json=dict(body)).json()
        return made

    def photo(self, by: Someone, kind: str, colour: str) -> str:
        """Upload a small picture; its id."""
        files = {"file": ("photo.jpg", picture(kind, colour), "image/jpeg")}
        sent = self._send("POST", "photos", headers=_bearer(by.token), files=files, data={"kind": kind})
        return str(sent.json()["id"])

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        waited = 0
        while True:
            response = self.client.request(method, f"/api/v1/{path}", **request)
            if response.is_success:
                return response
            wait = response.headers.get("Retry-After", "")
            if response.status_code not in _BUSY or not wait.isdigit():
                raise MoveRefused(response)
            waited += int(wait) + 1
            if waited > LONGEST_WAIT:
                raise DemoFailed(
                    bilingual(
                        f"服务器限制了 {path}，{-(-int(wait) // 60)} 分钟后再试。",
                        f"The server's limit on {path} is reached; try again in {-(-int(wait) // 60)} min.",
                    )
                )
            self.say(
                str(
                    bilingual(
                        f"服务器请我们稍候 {wait} 秒（{path}）…",
                        f"The server asks us to wait {wait} s ({path}) …",
                    )
                )
            )
            time.sleep(int(wait) + 0.1)  # A Retry-After is in whole seconds.


class Tokens:
    """The tokens of earlier runs, by server and phone, in a file that nobody else may read."""

    def __init__(self, path: Path, server: str):
        self.path, self.server = path, server
        try:
            self.known: dict[str, dict[str, str]] = json.loads(path.read_text())
        except (OSError, ValueError):
            self.known = {}

    def get(self, phone: str) -> str:
        """The token kept for `phone`; empty where there is none."""
        return self.known.get(self.server, {}).get(phone, "")

    def put(self, phone: str, token: str) -> None:
        """Keep a token."""
        self.known.setdefault(self.server, {})[phone] = token
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(self.known, file)
        fresh.replace(self.path)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def _someone(key: str, token: str, me: Mapping[str, Any]) -> Someone:
    seat = me["seats"][0] if me["seats"] else None
    home = me["homes"][0]["compound"]["name"] if me["homes"] else ""
    return Someone(
        key=key,
        id=me["id"],
        name=me["name"],
        token=token,
        organisation_id=seat["organisation"]["id"] if seat else "",
        organisation=seat["organisation"]["name"] if seat else "",
        role=seat["role"] if seat else "",
        home=home,
    )
