"""Those who are sent something, as processes of their own: vendors, a mail server, systems of organisations, each with its book."""

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.ground import Ground
from bench.ledger import LedgerLine, read
from launcher.family import Child
from tests.fakes import sms, webhooks, wechat

WECHAT_TEMPLATE = "template-of-the-street"
FAKES = {
    "email": ["smtp"],
    "sms": ["sms", "--vendor", "aliyun"],
    "wechat": ["wechat_news"],
    "robots": ["robots"],
    "webhook": ["webhooks", "--secret", webhooks.SECRET],
}
ROBOTS = ("wecom", "dingtalk", "feishu")


@dataclass
class Receivers:
    """All of them. `weather` are shares of bad answers, and how long a slow one takes, as the fakes' options name them; `allowed` is how
    many messages each account has allowed WeChat.
    """

    ground: Ground
    weather: Mapping[str, float]
    allowed: float = 4
    urls: dict[str, str] = field(default_factory=dict)
    children: dict[str, Child] = field(default_factory=dict)

    def start(self) -> None:
        """Start them all; they listen when this returns."""
        for seed, name in enumerate(FAKES):
            self.open(name, self.weather, seed)

    def open(self, name: str, weather: Mapping[str, float], seed: int = 0) -> None:
        """Start one, where it was if it has been there before."""
        port = self.urls[name].rpartition(":")[2] if name in self.urls else "0"
        log = self.ground.home.logs / f"receiver-{name}.log"
        module, *options = FAKES[name]
        command = [sys.executable, "-m", f"tests.fakes.{module}", "--port", port, "--log", self.book(name), *options]
        command += ["--seed", str(seed), *(["--allowed", str(self.allowed)] if name == "wechat" else [])]
        for option, value in weather.items():
            command += [f"--{option}", str(value)]
        environment = os.environ | {"PYTHONUNBUFFERED": "1"}
        self.children[name] = self.ground.family.start(f"receiver {name}", command, environment=environment, log=log)
        end = time.monotonic() + 20
        while not log.read_text().startswith(("http", "smtp")) and time.monotonic() < end:
            self.ground.family.watch()
            time.sleep(0.05)
        self.urls[name] = log.read_text().split()[0]

    def close(self, name: str) -> None:
        """Let one be gone."""
        self.ground.family.put_down(self.children.pop(name))

    def book(self, name: str) -> Path:
        """Where one writes down what it is asked."""
        return self.ground.home.path / f"book-{name}.jsonl"

    def books(self) -> dict[str, list[LedgerLine]]:
        """What they have written down, by the channel."""
        found = {name: read(self.book(name)) for name in FAKES if self.book(name).exists()}
        groups = found.pop("robots", [])
        return found | {name: [one for one in groups if one.to.startswith(f"{name}:")] for name in ROBOTS}

    def settings(self) -> dict[str, str]:
        """The settings by which Linli finds them."""
        return {
            "EMAIL_URL": self.urls["email"],
            "DEFAULT_FROM_EMAIL": "Linli <linli@street.example>",
            "SMS_PROVIDER": "aliyun",
            "SMS_KEY_ID": sms.KEY_ID,
            "SMS_KEY_SECRET": sms.KEY_SECRET,
            "SMS_SIGN_NAME": sms.SIGN,
            "SMS_TEMPLATE": sms.NEWS_TEMPLATE,
            "SMS_CODE_TEMPLATE": sms.CODE_TEMPLATE,
            "SMS_BASE_URL": self.urls["sms"],
            "WECHAT_BASE_URL": self.urls["wechat"],
            "WECHAT_APP_ID": wechat.APP_ID,
            "WECHAT_APP_SECRET": wechat.APP_SECRET,
            "WECHAT_TEMPLATE": WECHAT_TEMPLATE,
            **{f"{name.upper()}_BASE_URL": self.urls["robots"] for name in ROBOTS},
            "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
        }
