"""People of the demo street at the console in Chromium, and what is looked at on every page: errors, accessibility, the picture."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from community.models import Person
from community.sessions import SessionStore
from launcher.family import PROJECT

AXE = (Path(__file__).parent / "axe.min.js").read_text()
WIDTHS: Mapping[int, int] = {1440: 900, 390: 844}
NARROWEST = 320
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
# What a policy refuses is an error of the page; and what a refusal of ours writes into the console is none.
_TELL_VIOLATIONS = """
addEventListener("securitypolicyviolation", (e) => console.error(`CSP: ${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}`));
"""
_REFUSED = "Failed to load resource: the server responded with a status of 4"
# Chromium 109 says so of every page with a popover, which a rule of our own shows there.
_POPOVER = "Found a 'popover' attribute."


def screens() -> Path:
    """Where pictures go: what LINLI_SCREENS names (docs/screens, to have the committed ones anew), else a folder that git ignores."""
    return Path(os.environ.get("LINLI_SCREENS", PROJECT / ".local" / "screens"))


@dataclass
class Looking:
    """Opens pages as somebody, and keeps what went wrong on them."""

    chromium: Browser
    address: str
    cast: Mapping[str, Person]
    width: int = 1440
    contexts: list[BrowserContext] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def context(
        self,
        who: str = "",
        *,
        width: int = 0,
        touch: bool = False,
        cookies: Sequence[Any] = (),
        **options: Any,
    ) -> BrowserContext:
        """A browser in which `who` of the cast is signed in; without a name, nobody."""
        width = width or self.width
        context = self.chromium.new_context(
            base_url=self.address,
            viewport={"width": width, "height": WIDTHS.get(width, 900)},
            color_scheme="light",
            reduced_motion="reduce",
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            has_touch=touch,
            **options,
        )
        context.set_default_timeout(10_000)
        context.add_init_script(_TELL_VIOLATIONS)
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.wrong.append(f"{error.error}"))
        if who:
            context.add_cookies([{"name": "sessionid", "value": session_of(self.cast[who]), "url": self.address}])
        if cookies:
            context.add_cookies(list(cookies))
        self.contexts.append(context)
        return context

    def open(self, who: str, path: str, **how: Any) -> Page:
        """A page, opened by `who` in a browser of their own."""
        page = self.context(who, **how).new_page()
        page.goto(path)
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith((_REFUSED, _POPOVER)):
            self.wrong.append(f"{message.type}: {message.text}")

    def offline(self, page: Page, is_away: bool) -> None:
        """Cut the page's connection, or mend it; what the browser writes about that is no error of the page."""
        page.context.set_offline(is_away)
        if not is_away:
            told = ("ERR_INTERNET_DISCONNECTED", "Failed to fetch")
            self.wrong[:] = [one for one in self.wrong if not any(word in one for word in told)]

    def close(self) -> None:
        """Close every browser."""
        for context in self.contexts:
            context.close()


def session_of(person: Person) -> str:
    """The key of a new session in which the person is signed in."""
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    (session[BACKEND_SESSION_KEY],) = settings.AUTHENTICATION_BACKENDS
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.create()
    assert session.session_key
    return session.session_key


def violations(page: Page) -> list[str]:
    """What axe finds on the page: every rule that it has on, at any level, each with the elements that break it."""
    found = page.evaluate(f"{AXE}\n;axe.run({json.dumps({'resultTypes': ['violations']})})")
    return [
        f"{one['id']}: {node['target']} {node['html'][:120]}" for one in found["violations"] for node in one["nodes"]
    ]


def sideways(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def beside(page: Page) -> list[str]:
    """What stands beyond the right edge of the window, each with how far; empty where the page is as wide as the window."""
    found = page.evaluate("""() => {
      const edge = document.documentElement.clientWidth;
      if (document.documentElement.scrollWidth <= edge) return [];
      const by = (one) => Math.round(one.getBoundingClientRect().right - edge);
      const all = [...document.querySelectorAll("body *")].filter((one) => by(one) > 0);
      return all.map((one) => `${by(one)}: ${one.outerHTML.slice(0, 90)}`);
    }""")
    return list(found)


def picture(page: Page, name: str, *, whole: bool = False) -> None:
    """Keep a picture of the page, in few colours, so that it is small."""
    folder = screens()
    folder.mkdir(parents=True, exist_ok=True)
    shot = Image.open(BytesIO(page.screenshot(full_page=whole))).convert("RGB")
    shot.quantize(96, dither=Image.Dither.NONE).save(folder / f"{name}.png", optimize=True)


def look_at(looking: Looking, name: str, who: str, path: str, ready: Callable[[Page], None], **how: Any) -> None:
    """See the page in both themes and widths: nothing sideways, in text of twice the size and 320 pixels neither; nothing that axe
    finds; keep the pictures.

    Under docs/screens only the light ones are kept.
    """
    for width in WIDTHS:
        page = looking.open(who, path, width=width, **how)
        ready(page)
        page.wait_for_load_state("networkidle")
        assert sideways(page) <= 0, (name, width)
        for theme in THEMES:
            # As when the device turns dark while the page is open.
            page.emulate_media(color_scheme=theme)
            page.wait_for_function("(theme) => document.documentElement.dataset.theme === theme", arg=theme)
            assert (found := violations(page)) == [], (name, width, theme, *found)
            if theme == "light" or "LINLI_SCREENS" not in os.environ:
                picture(page, f"{name}-{width}" if theme == "light" else f"{name}-{width}-{theme}")
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert (found := beside(page)) == [], (name, width, "twice the size", *found)
        page.evaluate("document.documentElement.style.fontSize = ''")
        page.set_viewport_size({"width": NARROWEST, "height": 640})
        assert (found := beside(page)) == [], (name, NARROWEST, *found)
        page.context.close()
        looking.contexts.remove(page.context)
