"""From facts to text: find the wording (the office's own, otherwise ours), fill it in, and cut it to the channel's length.

It is done when a message is posted, so what waits to be sent is text: a worker of the release before can send it too.
"""

import re
import tomllib
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from string import Template
from typing import Any, TypedDict

from django.conf import settings
from django.utils.translation import override

from notifications.models import Wording
from notifications.models.wording import ANY, TEXT
from notifications.topics import ChannelName
from notifications.wordings.facts import MessageFacts, text
from notifications.wordings.wechat_fields import Unfit, fit, written
from web.words import Words, bilingual

TITLE_LENGTH = 120
_FIELD = re.compile(r"^\s*([A-Za-z_]+[0-9]*)\s*[:：]\s*(.*)$")


class BadWording(ValueError):
    """A wording that cannot be filled in; `reason` says what is wrong."""

    def __init__(self, reason: Words):
        super().__init__(str(reason))
        self.reason = reason


class Content(TypedDict, total=False):
    """What a message says. `template`, `fields` and `order` are for a vendor's template, `subject` is a mail's."""

    title: str
    body: str
    language: str
    subject: str
    template: str
    fields: dict[str, str]
    order: list[str]


@dataclass(frozen=True, slots=True)
class WordingText:
    """The words of one kind, for one shape and language, with their placeholders."""

    title: str
    body: str
    template: str = ""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The wordings that come with Linli, from a TOML `file`: by kind, language and shape."""

    file: Path
    _read: dict[str, Mapping[str, Mapping[str, WordingText]]] = field(default_factory=dict)

    def kinds(self, language: str) -> Mapping[str, Mapping[str, WordingText]]:
        """The wordings of every kind, by shape."""
        if language not in self._read:
            document = tomllib.loads(self.file.read_text())
            self._read[language] = {kind: _shapes(languages[language]) for kind, languages in document.items()}
        return self._read[language]

    def find(self, kind: str, shape: str, language: str) -> WordingText | None:
        """The wording of the kind, otherwise the one for any kind; None where the shape has neither."""
        known = self.kinds(language)
        return known.get(kind, {}).get(shape) or known.get(ANY, {}).get(shape)


def _shapes(table: Mapping[str, Any]) -> dict[str, WordingText]:
    shapes = {
        name: WordingText("", value["body"], value.get("template", ""))
        for name, value in table.items()
        if isinstance(value, dict)
    }
    if "body" in table:
        shapes[TEXT] = WordingText(table["title"], table["body"])
    return shapes


class Writer:
    """Writes the texts of one batch. The wordings of its streets are read once."""

    def __init__(self, catalogue: Catalogue, streets: Collection[uuid.UUID], *, drafts: Iterable[Wording] = ()):
        self.catalogue, self.streets, self.drafts = catalogue, streets, list(drafts)

    @cached_property
    def own(self) -> Mapping[tuple[uuid.UUID, str, str, str], WordingText]:
        """The streets' own wordings. `drafts` replace stored ones."""
        stored = Wording.objects.filter(street_id__in=set(self.streets))
        return {
            (one.street_id, one.kind, one.channel, one.language): WordingText(one.title, one.body, one.template)
            for one in (*stored, *self.drafts)
        }

    def content(self, street: uuid.UUID, kind: str, shape: str, language: str, facts: MessageFacts) -> Content | None:
        """The content of a delivery: `title`, `body` and `language`; shapes other than text also have `template`, `fields` and `order`.

        None where the shape has no wording or no vendor template, or where its fields cannot hold the facts. Facts
        are written in `language`.
        """
        with override(language):
            return self._content(street, kind, shape, language, facts)

    def _content(self, street: uuid.UUID, kind: str, shape: str, language: str, facts: MessageFacts) -> Content | None:
        said = {name: str(text(fact)) for name, fact in facts.items()}
        words = self._find(street, kind, TEXT, language) or WordingText("${code}", "")
        title, body = filled(words.title, said)[:TITLE_LENGTH], filled(words.body, said)
        if shape == TEXT:
            return {"title": title, "body": body, "language": language}
        found = self._find(street, kind, shape, language)
        template = found.template or DEFAULT_TEMPLATES[shape]() if found else ""
        if found is None or not template:
            return None
        try:
            fields = _FIELDS[shape](fields_of(found.body), {**facts, "title": title, "body": body})
        except (BadWording, Unfit):
            return None
        # The database keeps no order of a mapping's names, and Tencent counts on it.
        order = list(fields)
        return {
            "title": title,
            "body": body,
            "language": language,
            "template": template,
            "fields": fields,
            "order": order,
        }

    def _find(self, street: uuid.UUID, kind: str, shape: str, language: str) -> WordingText | None:
        return (
            self.own.get((street, kind, shape, language))
            or (self.own.get((street, ANY, shape, language)) if shape != TEXT else None)
            or self.catalogue.find(kind, shape, language)
        )


DEFAULT_TEMPLATES = {
    ChannelName.SMS.value: lambda: settings.SMS_TEMPLATE,
    ChannelName.WECHAT.value: lambda: settings.WECHAT_TEMPLATE,
}
"""The vendor's template for a wording that names none."""


def placeholders(text: str) -> list[str]:
    """The names of the placeholders in `text`, in order. Raises BadWording where a `$` does not begin a placeholder."""
    template = Template(text)
    if not template.is_valid():
        raise BadWording(bilingual("“$” 后应为 {名称}，如 ${code}。", "A “$” begins a placeholder such as ${code}."))
    return template.get_identifiers()


def filled(text: str, said: Mapping[str, str]) -> str:
    """`text` with its placeholders filled in. A placeholder without a fact is left empty, so that the message is still sent."""
    return (
        Template(text).safe_substitute({name: said.get(name, "") for name in Template(text).get_identifiers()}).strip()
    )


def fields_of(body: str) -> dict[str, str]:
    """The fields of a wording that has one field per line, with their placeholders. Raises BadWording for a line that is not a field."""
    fields = {}
    for line in filter(None, map(str.strip, body.splitlines())):
        found = _FIELD.match(line)
        if found is None:
            raise BadWording(bilingual(f"“{line}”应写成 名称: 内容。", f"“{line}” should read: name: words."))
        fields[found[1]] = found[2]
    return fields


def _sms_fields(fields: Mapping[str, str], facts: MessageFacts) -> dict[str, str]:
    said = {name: str(text(fact)) for name, fact in facts.items()}
    return {name: filled(words, said) for name, words in fields.items()}


def _wechat_fields(fields: Mapping[str, str], facts: MessageFacts) -> dict[str, str]:
    """Each field with the facts as its type writes them. Raises Unfit."""
    return {
        name: fit(name, filled(words, {known: written(name, fact) for known, fact in facts.items()}))
        for name, words in fields.items()
    }


_FIELDS: Mapping[str, Callable[[Mapping[str, str], MessageFacts], dict[str, str]]] = {
    ChannelName.SMS.value: _sms_fields,
    ChannelName.WECHAT.value: _wechat_fields,
}
