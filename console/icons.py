"""The icons of the console: which there are, and the file that holds them all."""

import re
from pathlib import Path

SPRITE = Path(__file__).parent / "static" / "console" / "icons.svg"
"""One symbol for each icon, made by `manage.py draw_icons` from @tabler/icons 3.52.0 (MIT)."""

NAMES = (
    *("alarm", "alert-triangle", "arrow-back", "arrow-back-up", "arrow-right", "arrows-shuffle", "ban", "bell", "bolt"),
    *("bookmark", "building", "calendar", "camera", "chart-bar", "check", "chevron-down", "chevron-left"),
    *("chevron-right", "circle-check", "circle-dashed", "circle-half-2", "clock", "clock-pause", "dots", "download"),
    *("eye", "file-text", "filter", "flag", "git-merge", "help", "home", "hourglass-low", "inbox", "keyboard"),
    *("language", "layout-list", "list-check", "lock", "logout", "map-pin", "menu-2", "message", "message-circle-question"),
    *("minus", "moon", "pencil", "phone", "phone-call", "photo", "plus", "printer", "refresh", "repeat", "search", "send"),
    *("square-x", "sun", "thumb-up", "tool", "user", "user-check", "users", "users-group", "walk", "x"),
)  # fmt: skip

_SYMBOL = (
    '<symbol id="{name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-linecap="round" '
    'stroke-linejoin="round">{body}</symbol>'
)


def sprite(source: Path) -> str:
    """The sprite, made of the files `name.svg` in the folder `source`. Raises FileNotFoundError for an icon that is not there."""
    symbols = [_SYMBOL.format(name=name, body=_body((source / f"{name}.svg").read_text())) for name in NAMES]
    return "\n".join(['<svg xmlns="http://www.w3.org/2000/svg">', *symbols, "</svg>\n"])


def _body(svg: str) -> str:
    """What stands in an icon's file, without the empty square that tabler draws around each."""
    found = re.search(r"<svg[^>]*>(.*)</svg>", svg, re.DOTALL)
    assert found
    body = re.sub(r'<path stroke="none" d="M0 0h24v24H0z" fill="none" ?/>', "", found[1])
    return re.sub(r"\s+", " ", body).strip().replace(" />", "/>").replace("> <", "><")
