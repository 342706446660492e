"""Rendering a draft of a wording for a real event in every shape and language, in a transaction that cannot write."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.http import HttpRequest

from community import timers
from community.models import ContractFiring, ServiceContract
from notifications.models import Message, Wording
from notifications.models.wording import ANY, LANGUAGES, SHAPES, TEXT
from notifications.topics import ChannelName
from notifications.wordings import digest
from notifications.wordings.facts import MessageFacts
from notifications.wordings.wechat_fields import TYPES, type_of
from notifications.wordings.writer import DEFAULT_TEMPLATES, Writer
from tickets import announce
from tickets.admin.kinds import CHINESE, MessageKind
from tickets.admin.ticket import seen_by
from tickets.codes import read_code
from tickets.models import TicketEvent
from tickets.models.ticket import move_label

NEWEST = 20_000
"""How many of the newest events are searched for an example where no ticket is named."""
TRIED = 5
"""How many candidates are tried before the search ends."""
_NO_TEMPLATE = "-"


class Example(NamedTuple):
    """A real event: its name, and its facts for wordings."""

    name: str
    facts: MessageFacts


class Field(NamedTuple):
    """A field of an SMS or WeChat message as it would be sent. `most` is its length limit, or None."""

    name: str
    words: str
    most: int | None
    cut: bool


@dataclass(frozen=True, slots=True)
class WordingSample:
    """The message in one shape and language. `drafted` marks the draft's own, `robot` what group robots are sent, too."""

    shape: str
    label: str
    language: str
    drafted: bool
    title: str
    body: str
    template: str = ""
    fields: Sequence[Field] = ()

    robot: bool = False

    @property
    def sent(self) -> bool:
        """Whether it would be sent."""
        return self.shape == TEXT or bool(self.template)


@contextmanager
def reading_only() -> Iterator[None]:
    """A transaction in which PostgreSQL refuses writes."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
        yield


def rehearse(
    request: HttpRequest, kind: MessageKind, draft: Wording, number: str
) -> tuple[Example | None, list[WordingSample]]:
    """What `draft` would say about the event of ticket `number`, otherwise the newest that the caller sees; None where there is none."""
    with reading_only():
        example = find_example(request, kind, draft.street_id, number)
        if example is None:
            return None, []
        return example, list(_samples(kind, draft, example.facts))


def find_example(request: HttpRequest, kind: MessageKind, street: uuid.UUID, number: str) -> Example | None:
    """A real event of the street for the kind, which the caller may see."""
    if kind.code == digest.KIND:
        return _digest(request, street, number)
    return _contract(kind, street, number) if kind.rung else _event(request, kind, street, number)


def _event(request: HttpRequest, kind: MessageKind, street: uuid.UUID, number: str) -> Example | None:
    seen = seen_by(request).filter(street=street)
    events = TicketEvent.objects.select_related("subject").order_by("-id")
    if number:
        # A number that cannot be read finds nothing.
        mine = events.filter(subject__in=seen.filter(code=read_code(number) or "").values("pk"))
        candidates = [*_of_kind(mine, kind), *mine[:TRIED]]
    else:
        newest = TicketEvent.objects.order_by("-id").values("pk")[:NEWEST]
        candidates = _of_kind(events.filter(pk__in=newest, street=street, subject__in=seen.values("pk")), kind)
    for event in candidates:
        letters = announce.rehearse(event)
        for letter in sorted(letters, key=lambda one: one.kind != kind.code):
            name = f"{event.subject.code} · #{event.seq} {move_label(event.verb)}"
            return Example(name, letter.facts)
    return None


def _of_kind(events: Any, kind: MessageKind) -> list[TicketEvent]:
    return list((events.filter(verb__in=kind.verbs) if kind.verbs else events)[:TRIED])


def _digest(request: HttpRequest, street: uuid.UUID, number: str) -> Example | None:
    """A digest of the latest messages about a ticket."""
    seen = seen_by(request).filter(street=street)
    ticket = seen.filter(code=read_code(number) or "").first() if number else seen.order_by("-id").first()
    its = Message.objects.filter(subject_id=ticket.pk, person__isnull=False).order_by("-id") if ticket else ()
    lines = [digest.DigestLine.of(one) for one in its[:TRIED]]
    if ticket is None or not lines:
        return None
    said = digest.digest_content(lines, CHINESE)["body"]
    return Example(ticket.code, {"count": len(lines), "lines": said})


def _contract(kind: MessageKind, street: uuid.UUID, number: str) -> Example | None:
    contracts = ServiceContract.objects.filter(street=street).select_related("provider", "area", "compound", "street")
    fired = ContractFiring.objects.filter(street=street, rung=kind.rung).order_by("-due_on", "-id")
    if number:
        found = contracts.filter(code=number).first()
    else:
        told = contracts.filter(pk__in=fired.values("contract")[:1]).first()
        found = told or contracts.exclude(ends_on=None).order_by("-ends_on").first()
    return Example(found.code, timers.facts(found, kind.rung)) if found else None


def _samples(kind: MessageKind, draft: Wording, facts: MessageFacts) -> Iterator[WordingSample]:
    """Every shape that the kind has, in both languages, with the draft in its place."""
    writer = Writer(kind.catalogue, [draft.street_id], drafts=list(_drafts(kind, draft)))
    for shape, label in SHAPES:
        for language, spoken in LANGUAGES:
            drafted = (shape, language) == (draft.channel, draft.language)
            content = writer.content(draft.street_id, kind.code, shape, language, facts)
            if content is None:
                yield WordingSample(shape, str(label), str(spoken), drafted, "", "")
                continue
            template = content.get("template", "")
            yield WordingSample(
                shape,
                str(label),
                str(spoken),
                drafted,
                content["title"],
                content["body"],
                "" if template == _NO_TEMPLATE else template,
                [_field(shape, name, words) for name, words in content.get("fields", {}).items()],
                # A group's digest is in Linli's own words.
                robot=language == CHINESE and kind.code != digest.KIND,
            )


def _field(shape: str, name: str, words: str) -> Field:
    most = TYPES.get(type_of(name)) if shape == ChannelName.WECHAT else None
    return Field(name, words, most, shape == ChannelName.WECHAT and words.endswith("…"))


def _drafts(kind: MessageKind, draft: Wording) -> Iterator[Wording]:
    """The draft, and other wordings without a template, with a made-up one: wordings are checked before the vendor approves them."""
    own = Writer(kind.catalogue, [draft.street_id], drafts=[draft]).own
    yield draft
    for shape in DEFAULT_TEMPLATES:
        for language, _ in LANGUAGES:
            of_street = (own.get((draft.street_id, code, shape, language)) for code in (kind.code, ANY))
            words = next(filter(None, of_street), None) or kind.catalogue.find(kind.code, shape, language)
            if words is not None and not (words.template or DEFAULT_TEMPLATES[shape]()):
                yield Wording(
                    street_id=draft.street_id,
                    kind=kind.code,
                    channel=shape,
                    language=language,
                    body=words.body,
                    template=_NO_TEMPLATE,
                )
