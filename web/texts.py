"""The rules for a text and for a line that people write: in bodies, forms and parameters.

* Control characters other than tab and line break are refused: a program that sends them is broken.
* Characters that steer the direction of writing, and invisible ones (zero-width spaces, soft hyphens, byte order
  marks, tags), are removed: the person who pasted them cannot see them. Joiners and variation selectors stay, because
  emoji and some scripts need them.
* A text keeps its line breaks, as `\\n`. In a line, each run of white space becomes one space. Both lose white space
  at their ends.
* A text without any visible character is empty.
"""

import re
import unicodedata

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# Direction: ALM, LRM, RLM, embeddings, overrides and isolates. Unseen: soft hyphen, Mongolian vowel separator, zero-width space,
# word joiner and invisible operators, deprecated format characters, byte order mark, annotations, object replacement, tags.
_TAKEN_OUT = re.compile(
    "[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
    "\u00ad\u180e\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffc\U000e0000-\U000e007f]"
)
_LINE_BREAK = re.compile("\r\n?|\u2028|\u2029")
_SPACE = re.compile(r"\s+")
_HYPHEN = re.compile("[-\u2010-\u2015\u2212]")
# Letters and symbols that are drawn as nothing: fillers of Hangul and Khmer, blanks of Braille, music and hieroglyphs.
_BLANK = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U0001d159\U00013441\U00013442")
_SEEN = frozenset("LNPS")


class ControlCharacter(ValueError):
    """A control character that no text may have."""


def read_text(written: str) -> str:
    """`written` as a text of one or more lines; empty where nothing in it is visible. Raises ControlCharacter."""
    return _tidy(_LINE_BREAK.sub("\n", written)).strip()


def read_line(written: str) -> str:
    """`written` as one line; empty where nothing in it is visible. Raises ControlCharacter."""
    return _SPACE.sub(" ", _tidy(written)).strip()


def read_number(written: str) -> str:
    """A number or reference, without spaces and full-width forms. Raises ControlCharacter."""
    return _SPACE.sub("", unicodedata.normalize("NFKC", read_line(written)))


def read_code(written: str) -> str:
    """A code, without the spaces and hyphens between its digits. Raises ControlCharacter."""
    return _HYPHEN.sub("", read_number(written))


def _tidy(written: str) -> str:
    if written.isascii() and written.isprintable():
        return written
    if _CONTROL.search(written):
        raise ControlCharacter
    kept = _TAKEN_OUT.sub("", written)
    return kept if any(map(_is_seen, kept)) else ""


def _is_seen(character: str) -> bool:
    return unicodedata.category(character)[0] in _SEEN and character not in _BLANK
