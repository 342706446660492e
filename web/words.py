"""Words for people, in Chinese and in English, chosen by the reader's language."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, cast

from django.utils.functional import Promise, lazy
from django.utils.translation import get_language, override

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


def in_english() -> bool:
    """Whether English is the active language."""
    return (get_language() or "zh").startswith("en")


def _say(zh: str, en: str) -> str:
    return en if in_english() else zh


_lazy = cast("Callable[[str, str], _StrPromise]", lazy(_say, str))


def bilingual(zh: str, en: str) -> "_StrPromise":
    """Words that read in Chinese, or in English where English is the active language."""
    return _lazy(zh, en)


def listed(items: Iterable[object]) -> str:
    """The items one after the other, divided as the active language divides them."""
    return (", " if in_english() else "、").join(map(str, items))


def zh(words: Promise | str) -> str:
    """`words` in Chinese."""
    return _spoken(words, "zh-hans")


def en(words: Promise | str) -> str:
    """`words` in English."""
    return _spoken(words, "en")


def _spoken(words: Promise | str, language: str) -> str:
    with override(language):
        return str(words)
