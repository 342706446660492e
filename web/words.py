"""Words in Chinese and English; the reader's language decides which are shown."""

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, cast

from django.utils.functional import Promise, lazy
from django.utils.translation import get_language, override

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


type Words = Promise | str
"""Words for people; read in the language that is active when they are shown."""


def in_english() -> bool:
    """Whether English is the active language."""
    return (get_language() or "zh").startswith("en")


def say(zh: str, en: str) -> str:
    """`en` where English is the active language, otherwise `zh`."""
    return en if in_english() else zh


_lazy = cast("Callable[[str, str], _StrPromise]", lazy(say, str))


def bilingual(zh: str, en: str) -> "_StrPromise":
    """Lazy words: Chinese, or English where English is the active language."""
    return _lazy(zh, en)


def listed(items: Iterable[object]) -> str:
    """The items in a row, with the separators of the active language."""
    return (", " if in_english() else "、").join(map(str, items))


def with_wait(reason: Promise | str, seconds: float) -> "_StrPromise":
    """A refusal's reason, and after how many seconds, minutes, hours or days to try again. Never less than `seconds`."""
    _, size, unit_zh, unit_en = next(unit for unit in _UNITS if math.ceil(seconds / unit[1]) <= unit[0])
    number = max(1, math.ceil(seconds / size))
    plural = "" if number == 1 else "s"
    return bilingual(
        f"{zh(reason)}请在{number}{unit_zh}后重试。", f"{en(reason)} Try again in {number} {unit_en}{plural}."
    )


# Up to how many of a unit are named, its seconds, and its name.
_UNITS = (
    (90, 1, "秒", "second"),
    (90, 60, "分钟", "minute"),
    (36, 3600, "小时", "hour"),
    (math.inf, 86400, "天", "day"),
)


def zh(words: Promise | str) -> str:
    """`words` in Chinese."""
    return _spoken(words, "zh-hans")


def en(words: Promise | str) -> str:
    """`words` in English."""
    return _spoken(words, "en")


def _spoken(words: Promise | str, language: str) -> str:
    with override(language):
        return str(words)
