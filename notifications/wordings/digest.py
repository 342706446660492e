"""Many messages as one text: a line each, urgent ones first, and how many more there are where they do not fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from notifications.models import Message
from notifications.models.wording import TEXT
from notifications.wordings.writer import Catalogue, WordingText, filled
from web.words import bilingual

CATALOGUE = Catalogue(Path(__file__).parent.parent / "data" / "messages.toml")
"""The wordings of digests and test messages."""
KIND = "digest"
FACTS = {
    "count": bilingual("消息条数", "how many messages there are"),
    "lines": bilingual("各条的编号、标题和事由，每行一条", "the number, title and matter of each, one a line"),
}
"""The placeholders of a digest's wording."""
_URGENT, _MORE = "urgent", "more"


@dataclass(frozen=True, slots=True)
class DigestLine:
    """A message's line in a digest: its title and, where there is room, what it is about."""

    title: str
    urgent: bool = False
    about: str = ""

    @classmethod
    def of(cls, message: Message) -> "DigestLine":
        """The line of a message: its code (unless the title has it), its title, and what it is about."""
        code, title = message.code, message.title
        return cls(title if code in title else f"{code} {title}", message.urgent, message.about)


def digest_content(lines: Sequence[DigestLine], language: str, *, room: int | None = None) -> dict[str, str]:
    """The content of a digest of `lines`: `title`, `body` and `language`. Urgent lines come first, the others in their order.

    Title, a line break and body take at most `room` bytes of UTF-8. Where that is not enough, the lines leave out
    what they are about; what still does not fit is counted in the last line.
    """
    text = _words(TEXT, language)
    title = filled(text.title, {"count": str(len(lines))})
    said = _said(lines, language, about=True)
    if room is not None:
        left = room - _size(title) - 1
        if _size(*said) > left:
            said = _said(lines, language, about=False)
        if _size(*said) > left:
            said = _fitting(said, left, language)
    return {"title": title, "body": filled(text.body, {"lines": "\n".join(said)}), "language": language}


def _said(lines: Sequence[DigestLine], language: str, *, about: bool) -> list[str]:
    urgent = _words(_URGENT, language).body
    said = []
    for one in sorted(lines, key=lambda one: not one.urgent):
        words = f"{one.title} · {one.about}" if about and one.about else one.title
        said.append(filled(urgent, {"line": words}) if one.urgent else words)
    return said


def _fitting(said: Sequence[str], room: int, language: str) -> list[str]:
    # The last line is at most as long as the line that counts all of them.
    left = room - _size(_more(len(said), language))
    fitting: list[str] = []
    for line in said:
        left -= _size(line) + 1
        if left < 0:
            break
        fitting.append(line)
    return [*fitting, _more(len(said) - len(fitting), language)]


def _more(count: int, language: str) -> str:
    return filled(_words(_MORE, language).body, {"count": str(count)})


def _words(shape: str, language: str) -> WordingText:
    found = CATALOGUE.find(KIND, shape, language)
    assert found is not None
    return found


def _size(*lines: str) -> int:
    return len("\n".join(lines).encode())
