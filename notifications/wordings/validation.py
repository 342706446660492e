"""Checking a wording for its channel: every fault in words, with the field where it is."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from django.utils.functional import Promise

from notifications.models.wording import TEXT
from notifications.topics import ChannelName
from notifications.wordings.wechat_fields import TYPES, type_of
from notifications.wordings.writer import TITLE_LENGTH, BadWording, WordingText, fields_of, filled, placeholders
from web.words import bilingual, listed

SHORT_FORM = ("title", "body")
"""What a wording for SMS or WeChat can say besides the facts: what the inbox says."""


class WordingProblem(NamedTuple):
    """What is wrong, and where: `title`, `body` or `template`."""

    field: str
    reason: str | Promise


def problems(words: WordingText, shape: str, known: Collection[str]) -> Iterator[WordingProblem]:
    """Every fault of `words` in the shape; `known` are the facts that this kind of message has."""
    names = [*known, *(SHORT_FORM if shape != TEXT else ())]
    readable = True
    for field, text in (("title", words.title), ("body", words.body)):
        try:
            unknown = [one for one in placeholders(text) if one not in names]
        except BadWording as fault:
            yield WordingProblem(field, fault.reason)
            readable = False
            continue
        if unknown:
            said = listed(f"${{{one}}}" for one in unknown)
            yield WordingProblem(
                field,
                bilingual(
                    f"没有这样的占位符：{said}。", f"There are no such placeholders: {said.replace('、', ', ')}."
                ),
            )
    if shape == TEXT:
        yield from _text_faults(words)
    elif readable:
        yield from _field_faults(words, shape)


def _text_faults(words: WordingText) -> Iterator[WordingProblem]:
    if not words.title.strip():
        yield WordingProblem("title", bilingual("请填写标题。", "Give a title."))
    if len(words.title) > TITLE_LENGTH:
        yield WordingProblem(
            "title", bilingual(f"标题最多 {TITLE_LENGTH} 字。", f"A title has {TITLE_LENGTH} characters at most.")
        )
    if words.template:
        yield WordingProblem("template", bilingual("只有短信和微信有平台模板。", "Only SMS and WeChat have templates."))


def _field_faults(words: WordingText, shape: str) -> Iterator[WordingProblem]:
    if words.title:
        yield WordingProblem("title", bilingual("短信和微信没有标题。", "SMS and WeChat have no title."))
    try:
        fields = fields_of(words.body)
    except BadWording as fault:
        yield WordingProblem("body", fault.reason)
        return
    lines = [line for line in words.body.splitlines() if line.strip()]
    if not lines:
        yield WordingProblem("body", bilingual("请至少填写一个字段。", "Give one field at least."))
    if len(fields) < len(lines):
        yield WordingProblem("body", bilingual("同一字段写了两次。", "A field is there twice."))
    for name, text in fields.items():
        if not text:
            yield WordingProblem("body", bilingual(f"字段 {name} 没有内容。", f"The field {name} has no words."))
        if shape == ChannelName.WECHAT:
            yield from _wechat_faults(name, filled(text, {}))


def _wechat_faults(name: str, bare: str) -> Iterator[WordingProblem]:
    kind = type_of(name)
    if kind not in TYPES:
        yield WordingProblem(
            "body",
            bilingual(
                f"微信没有“{name}”这种字段；可用：{'、'.join(TYPES)}，后接编号。",
                f"WeChat has no field “{name}”; there are {', '.join(TYPES)}, each with a number behind.",
            ),
        )
        return
    most = TYPES[kind]
    if kind == name:
        yield WordingProblem(
            "body", bilingual(f"“{name}”后面缺编号，如 {name}1。", f"“{name}” lacks its number, as in {name}1.")
        )
    elif most is not None and len(bare) > most:
        yield WordingProblem(
            "body",
            bilingual(
                f"字段 {name} 最多 {most} 字，未计占位符已超出。",
                f"The field {name} takes {most} characters; its own words alone are more.",
            ),
        )
