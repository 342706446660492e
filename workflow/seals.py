"""Every hour the heads of all subjects are sealed in a chain of their own.

A chain of events proves one subject, and cannot say that another is missing. The chain of seals lists every subject with the head
that it had at some hour, so that one which was deleted, or set back to an older state, is missed. The latest digest of that chain
proves everything before it: with that digest kept elsewhere, one recognises a database that was set back as a whole, seals and all.

A tenant (`group`: the columns that all of its rows share) has a chain of its own.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any

import orjson
from django.db import connection, transaction

from web.words import Words, bilingual
from workflow.audit import CANONICAL, keyed, row_seal
from workflow.models import Seal, Subject
from workflow.rows import Change, write_rows

EVERY = timedelta(hours=1)
IN_ONE = 10_000
"""Subjects that one seal lists at most."""
OVERLAP = timedelta(minutes=10)
"""How far before the last seal subjects are looked for again: a transaction may have begun before it and ended after it."""
BATCH = 500


def seal_heads(model: type[Subject], at: datetime, **group: object) -> int:
    """Seal the heads of the group's subjects that changed since its last seal, unless that is less than an hour old.

    Returns how many seals were made. The first time all subjects are sealed; rows of a time before there were row seals get theirs.
    """
    seals = model.SEALS._base_manager.filter(**group)
    if not seals.exists():
        _seal_rows(model, **group)
    with transaction.atomic():
        # One at a time: two seals with one number would break the chain.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"{model.SEALS._meta.db_table} {group}"])
        last = seals.order_by("-number").first()
        if last is not None and at - last.at < EVERY:
            return 0
        made = 0
        for heads in batched(_changed(model, last, group), IN_ONE):
            last = _add(model, last, at, list(heads), group)
            made += 1
        if not made:
            # An hour in which nothing happened is sealed as well, so that the chain's age tells how long nobody sealed.
            _add(model, last, at, [], group)
            made = 1
    return made


def _changed(model: type[Subject], last: Seal | None, group: Mapping[str, object]) -> Iterator[list[object]]:
    rows = model._base_manager.filter(**group).order_by("pk")
    known: set[tuple[str, int, str]] = set()
    if last is not None:
        events: Any = model.EVENTS._base_manager
        rows = rows.filter(pk__in=events.filter(pk__gte=_first_id(last.at - OVERLAP)).values("subject_id"))
        recent = model.SEALS._base_manager.filter(**group, at__gte=last.at - OVERLAP - EVERY)
        known = {tuple(one) for body in recent.values_list("body", flat=True) for one in body}
    for key, count, head in rows.values_list("pk", "event_count", "head").iterator(chunk_size=IN_ONE):
        entry = (str(key), count, bytes(head).hex())
        if entry not in known:
            yield list(entry)


def _first_id(moment: datetime) -> uuid.UUID:
    """The least id that PostgreSQL can have made at `moment`: the first 48 bits of a UUIDv7 are its milliseconds."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)


def _add(
    model: type[Subject], last: Seal | None, at: datetime, body: Sequence[list[object]], group: Mapping[str, object]
) -> Seal:
    seal = model.SEALS(number=last.number + 1 if last else 1, at=at, body=list(body), **group)
    seal.digest = seal_digest(bytes(last.digest) if last else b"", seal, group)
    seal.save(force_insert=True)
    return seal


def seal_digest(before: bytes, seal: Seal, group: Mapping[str, object]) -> bytes:
    """The digest of `seal` after one whose digest is `before`."""
    shared = {name: str(value) for name, value in group.items()}
    told = [shared, seal.number, seal.at.astimezone(UTC).isoformat(timespec="microseconds"), seal.body]
    return keyed(b"seal" + before + orjson.dumps(told, option=CANONICAL))


def _seal_rows(model: type[Subject], **group: object) -> None:
    """Seal the rows that were written before there were row seals, as they stand."""
    rows = model._base_manager.filter(model.unsealed(), **group).order_by("pk")
    last = uuid.UUID(int=0)
    while True:
        with transaction.atomic():
            subjects = list(rows.filter(pk__gt=last).select_for_update(no_key=True, of=("self",))[:BATCH])
            if not subjects:
                return
            last = subjects[-1].pk
            model.gather_sealed(subjects)
            names = model.seal_parts(subjects)
            for one in subjects:
                one.seal = row_seal(one)
            write_rows(changes=[Change(subjects, (*names, "seal"))])


@dataclass(frozen=True, slots=True)
class Head:
    """The digest of one seal, as it was kept outside the database: `group` as its owner names it, and the seal's number."""

    group: str
    number: int
    digest: bytes

    @classmethod
    def parse(cls, text: str) -> "Head":
        """Read what `str` writes. Raises ValueError."""
        group, number, found = text.strip().rsplit(":", 2)
        return cls(group, int(number), bytes.fromhex(found))

    def __str__(self) -> str:
        return f"{self.group}:{self.number}:{self.digest.hex()}"


@dataclass(slots=True)
class Sealed:
    """What the chain of seals of one group says: the latest sealed count and head of each subject, and what is wrong with the chain."""

    heads: dict[uuid.UUID, tuple[int, bytes]] = field(default_factory=dict)
    flaws: list[Words] = field(default_factory=list)
    last: Seal | None = None


def read_seals(model: type[Subject], outside: Iterable[Head] = (), **group: object) -> Sealed:
    """Prove the group's chain of seals, against all heads that were kept outside, by reading it once."""
    found, before = Sealed(), b""
    kept: dict[int, set[bytes]] = {}
    for head in outside:
        kept.setdefault(head.number, set()).add(head.digest)
    seals = model.SEALS._base_manager.filter(**group).order_by("number")
    for number, seal in enumerate(seals.iterator(chunk_size=50), start=1):
        if seal.number != number:
            found.flaws.append(bilingual(f"缺少第 {number} 枚封印", f"seal {number} is missing"))
            return found
        made = seal_digest(before, seal, group)
        if made != bytes(seal.digest):
            found.flaws.append(
                bilingual(
                    f"第 {number} 枚封印与之前的封印不衔接", f"seal {number} does not follow from the seals before it"
                )
            )
            return found
        if kept.pop(number, set()) - {made}:
            found.flaws.append(
                bilingual(
                    f"第 {number} 枚封印不是在外保存的那一枚：封印链被重做",
                    f"seal {number} is not the one that was kept outside: the chain was made anew",
                )
            )
        before, found.last = made, seal
        for key, count, head in seal.body:
            found.heads[uuid.UUID(key)] = (count, bytes.fromhex(head))
    last = found.last.number if found.last else 0
    sealed = f"{found.last.at:%Y-%m-%d %H:%M} UTC" if found.last else ""
    until, until_zh = (f" of {sealed}", f"（{sealed}）") if sealed else ("", "")
    for number in sorted(one for one in kept if one > last):
        found.flaws.append(
            bilingual(
                f"封印链止于第 {last} 枚{until_zh}，而在外保存的是第 {number} 枚：这是较早的备份，或链尾被删去",
                f"the chain ends with seal {last}{until}, and number {number} was kept outside: "
                "this is a backup of an earlier time, or the end of the chain was removed",
            )
        )
    return found
