"""The hourly seals over the heads of a street's subjects, and the heads that are kept outside the database."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from casework.kinds import Kind, kinds
from community.models import Street
from web.words import Words
from workflow import moment
from workflow.models import Seal, Subject
from workflow.seals import Head, read_seals, seal_heads


def seal[S: Subject](kind: Kind[S]) -> int:
    """Seal the heads of every street whose last seal is an hour old; how many seals were made.

    Nothing is sealed of a kind of which there has never been a subject.
    """
    rows: Any = kind.model.SEALS._base_manager
    if not rows.exists() and not kind.model._base_manager.exists():
        return 0
    at = moment.now()
    return sum(seal_heads(kind.model, at, street_id=street) for street in Street.objects.values_list("pk", flat=True))


def seal_all() -> int:
    """Seal the heads of every kind; how many seals were made."""
    return sum(map(seal, kinds()))


def latest_heads() -> list[tuple[Head, Seal]]:
    """Each street's latest seal of each kind, and its head as it is to be kept elsewhere."""
    found = []
    for kind in kinds():
        rows: Any = kind.model.SEALS._base_manager
        latest = rows.order_by("street_id", "-number").distinct("street_id").select_related("street").defer("body")
        found += [(Head(_group(kind, one.street.code), one.number, bytes(one.digest)), one) for one in latest]
    return found


def _group[S: Subject](kind: Kind[S], street: str) -> str:
    return (f"{kind.name}:" if kind.sealed_as is None else kind.sealed_as) + street


def read_all(
    outside: Iterable[Head],
) -> tuple[Mapping[str, dict[uuid.UUID, tuple[int, bytes]]], list[tuple[str, Words]]]:
    """The sealed heads of all subjects by their kind's name, and what is wrong with which chain of seals, given the heads that were
    kept `outside`.

    Raises LookupError for a head of a street that is not there.
    """
    kept: dict[str, list[Head]] = {}
    for one in outside:
        kept.setdefault(one.group, []).append(one)
    streets = dict(Street.objects.values_list("code", "pk"))
    chains = {_group(kind, code): (kind, street) for kind in kinds() for code, street in streets.items()}
    if unknown := sorted(kept.keys() - chains.keys()):
        raise LookupError(", ".join(unknown))
    heads: dict[str, dict[uuid.UUID, tuple[int, bytes]]] = {kind.name: {} for kind in kinds()}
    flaws: list[tuple[str, Words]] = []
    for group, (kind, street) in chains.items():
        found = read_seals(kind.model, kept.get(group, ()), street_id=street)
        flaws += [(group, one) for one in found.flaws]
        heads[kind.name] |= found.heads
    return heads, flaws
