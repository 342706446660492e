"""Every kind of message that the office can word, with its placeholders."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from django.utils.functional import Promise

from community import timers
from notifications.models.wording import ANY, SHAPES, TEXT
from notifications.wordings import digest
from notifications.wordings.writer import Catalogue, filled
from tickets import announce, news, notes
from tickets.models.ticket import move_label
from web.words import bilingual, listed

CHINESE, ENGLISH = "zh-hans", "en"
_INBOX = {
    "title": bilingual("站内信的标题", "the inbox's title"),
    "body": bilingual("站内信的正文", "the inbox's text"),
}
_ABOUT_CONTRACTS = bilingual("服务合同", "Service contracts")
_NAMES = {
    ANY: bilingual("未单独设置的所有类别", "Every kind that has none of its own"),
    digest.KIND: bilingual("多条消息的汇总", "A digest of several messages"),
}
_OF_MANY = bilingual("一人有多条消息时", "Several messages for one person")


@dataclass(frozen=True, slots=True)
class MessageKind:
    """One kind of message: its catalogue, its placeholders, the moves or rung that it is about, and its recipients."""

    code: str
    catalogue: Catalogue
    facts: Mapping[str, Promise]
    verbs: tuple[str, ...] = ()
    sides: tuple[Promise, ...] = ()
    rung: str = ""

    @property
    def name(self) -> str:
        """The title of Linli's own wording, without its placeholders."""
        if self.code in _NAMES:
            return str(_NAMES[self.code])
        words = self.catalogue.find(self.code, TEXT, str(bilingual(CHINESE, ENGLISH)))
        return (filled(words.title, {}).rstrip(":： ") if words else "") or self.code

    @property
    def when(self) -> str:
        """The moves that it is about."""
        if self.code == digest.KIND:
            return str(_OF_MANY)
        return str(_ABOUT_CONTRACTS) if self.rung else listed(move_label(verb) for verb in self.verbs)

    @property
    def whom(self) -> str:
        """Its recipients."""
        return listed(self.sides)

    @property
    def shapes(self) -> list[str]:
        """The shapes that it can be worded for. `*` is the SMS and WeChat wording of every kind without one."""
        return [shape for shape, _ in SHAPES if self.code != ANY or shape != TEXT]

    def known(self, shape: str) -> Mapping[str, Promise]:
        """The placeholders of `shape`, and what they stand for."""
        return self.facts if shape == TEXT else {**self.facts, **_INBOX}


@cache
def kinds() -> Mapping[str, MessageKind]:
    """Every kind by its code, those of tickets first."""
    verbs: dict[str, list[str]] = {}
    sides: dict[str, list[Promise]] = {}
    for verb in notes.NEWS:
        for note in notes.notes(verb, tuple(news.Side)):
            verbs.setdefault(note.kind, []).append(verb)
            sides.setdefault(note.kind, []).append(news.SIDES[note.side])
            if verb in news.SUMMED_UP and note.side != news.Side.REPORTER:
                verbs.setdefault(news.MISSED, []).append(verb)
                sides.setdefault(news.MISSED, []).append(news.SIDES[note.side])
    anything = {**timers.FACTS, **announce.FACTS}
    found = [MessageKind(ANY, announce.WORDINGS, anything)]
    for code in announce.WORDINGS.kinds(CHINESE):
        if code != ANY:
            mine = _once(verbs.get(code, ())), _once(sides.get(code, ()))
            found.append(MessageKind(code, announce.WORDINGS, announce.FACTS, *mine))
    for code in timers.CATALOGUE.kinds(CHINESE):
        if code != ANY:
            found.append(MessageKind(code, timers.CATALOGUE, timers.FACTS, rung=code.removeprefix(timers.KIND)))
    found.append(MessageKind(digest.KIND, digest.CATALOGUE, digest.FACTS))
    return {one.code: one for one in found}


def _once[T](those: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(those))
