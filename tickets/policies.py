"""What a street may set for itself (service level, working calendar, routing), as documents that are read, drafted and published."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.db.models import Q

from tickets import routing
from tickets.models import (
    RoutingRule,
    RoutingVersion,
    ServiceLevelVersion,
    ServiceRung,
    ServiceTarget,
    ServiceWindow,
    service_level,
)
from tickets.service_level import BOUNDS
from workflow import calendars
from workflow.models import CalendarDay, CalendarVersion, CalendarYear
from workflow.versions import LocalVersion, lock_drafts


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one kind in a document: by which name, of which model, with which columns, told apart by which."""

    model: Any
    columns: tuple[str, ...]
    key: tuple[str, ...]
    order: tuple[str, ...] = ()
    ordered: bool = False
    """Whether their order matters; it then stands in the column `position`."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One thing that a street may set for itself."""

    model: type[LocalVersion]
    parts: Mapping[str, Rows]
    forget: Callable[[], None]
    columns: tuple[str, ...] = ()


_DATED = ("budget", "source", "starts_on", "ends_on")
POLICIES: Mapping[str, Policy] = {
    "service-level": Policy(
        ServiceLevelVersion,
        {
            "windows": Rows(
                ServiceWindow, ("name", "key", *_DATED), ("name", "key", "starts_on"), ("name", "key", "starts_on")
            ),
            "targets": Rows(
                ServiceTarget,
                ("clock", "key", "standard", *_DATED),
                ("clock", "key", "standard", "starts_on"),
                ("clock", "standard", "key", "starts_on"),
            ),
            "rungs": Rows(
                ServiceRung,
                ("clock", "code", "share", "after", "every", "effects", "audience"),
                ("clock", "code"),
                ("clock", "position"),
                ordered=True,
            ),
        },
        service_level.forget,
        columns=("rework", *BOUNDS),
    ),
    "calendar": Policy(
        CalendarVersion,
        {
            "years": Rows(CalendarYear, ("year", "estimated", "source"), ("year",), ("year",)),
            "days": Rows(CalendarDay, ("day", "works", "name"), ("day",), ("day",)),
        },
        calendars.forget,
        columns=("hours",),
    ),
    "routing": Policy(
        RoutingVersion,
        {
            "rules": Rows(
                RoutingRule,
                (
                    *("name", "types", "place", "lead", "route", "urgent", "mode"),
                    *("action", "to", "assisting", "copy", "reason_zh", "reason_en"),
                ),
                ("name",),
                ("position",),
                ordered=True,
            )
        },
        routing.forget,
    ),
}


SETTINGS = "settings"
"""The part of a change that is none of rows: what a version says by columns of its own."""


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """A row that a draft has and the version in effect has not, or has otherwise; or the other way round."""

    part: str
    before: Mapping[str, object] | None
    after: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class Compared:
    """How the rows of a part differ between two versions: how many there are, and how many are the same.

    Where those that both have come in another order, `was` and `now` are the names of all rows in the order of each version.
    """

    part: str
    rows: int
    unchanged: int
    was: Sequence[str] | None = None
    now: Sequence[str] | None = None


def within(policy: Policy, streets: Iterable[uuid.UUID]) -> models.QuerySet[LocalVersion]:
    """The versions that these streets may read: their own, and what is published for everybody."""
    return policy.model._base_manager.filter(
        Q(street__in=list(streets)) | Q(street=None, published_at__isnull=False)
    ).order_by("-number")


def in_effect(policy: Policy, street: uuid.UUID, at: datetime) -> LocalVersion | None:
    """The published version that counts in the street; None where the file's rules do."""
    published = policy.model._base_manager.filter(published_at__isnull=False, effective_from__lte=at)
    own_first = models.F("street").asc(nulls_last=True)
    return published.filter(Q(street=street) | Q(street=None)).order_by(own_first, "-effective_from").first()


def content(policy: Policy, version: LocalVersion | None) -> dict[str, Any]:
    """What a version says; without one, what the file of this release says of routing."""
    if version is None:
        return {"rules": [_said(policy.parts["rules"], row) for row in routing.written()]}
    said: dict[str, Any] = {name: getattr(version, name) for name in policy.columns}
    for name, rows in policy.parts.items():
        said[name] = [_said(rows, row) for row in getattr(version, name).order_by(*rows.order)]
    return said


def draft(
    policy: Policy, street: uuid.UUID, origin: LocalVersion | None, *, by: uuid.UUID, at: datetime
) -> LocalVersion:
    """A new draft for the street, as the copy of `origin`, or of what counts there now."""
    origin = origin or in_effect(policy, street, at)
    if origin is not None:
        return origin.copy_as_draft(by=by, street=street)
    with transaction.atomic():
        version = RoutingVersion.draft(source="routing.csv", street=street, drafted_by=by)
        rows = routing.written()
        for row in rows:
            row.version = version
        RoutingRule.objects.bulk_create(rows)
        return version


def replace(policy: Policy, version: LocalVersion, said: Mapping[str, Any]) -> None:
    """Let a draft say this, and nothing else. Raises ValidationError where it is published, or a row is none."""
    with transaction.atomic():
        lock_drafts(policy.model, [version.pk])
        for name in (*policy.columns, "source", "notes"):
            if name in said:
                setattr(version, name, said[name])
        version.clean_fields()
        version.save()
        for name, rows in policy.parts.items():
            fresh = [
                rows.model(version=version, **one, **({"position": number} if rows.ordered else {}))
                for number, one in enumerate(said[name], start=1)
            ]
            for row in fresh:
                row.clean_fields(exclude=["version"])
            rows.model.objects.filter(version=version).delete()
            rows.model.objects.bulk_create(fresh)


def compare(
    policy: Policy, version: LocalVersion, other: LocalVersion | None
) -> tuple[list[PolicyChange], list[Compared]]:
    """How a version differs from another, or from what the file says: what is changed, and part by part what is not."""
    before, after = content(policy, other), content(policy, version)
    found, parts = [], []
    if differing := [name for name in policy.columns if before[name] != after[name]]:
        found.append(PolicyChange(SETTINGS, *({name: said[name] for name in differing} for said in (before, after))))
    for name, rows in policy.parts.items():
        was, now = (_by_key(rows, said[name]) for said in (before, after))
        for key in dict.fromkeys((*was, *now)):
            if was.get(key) != now.get(key):
                found.append(PolicyChange(name, was.get(key), now.get(key)))
        unchanged = sum(was.get(key) == row for key, row in now.items())
        orders: tuple[Sequence[str], ...] = ()
        if rows.ordered and [key for key in was if key in now] != [key for key in now if key in was]:
            orders = [" ".join(map(str, key)) for key in was], [" ".join(map(str, key)) for key in now]
        parts.append(Compared(name, len(now), unchanged, *orders))
    return found, parts


def _said(rows: Rows, row: object) -> dict[str, object]:
    return {name: getattr(row, name) for name in rows.columns}


def _by_key(rows: Rows, said: Iterable[Mapping[str, object]]) -> dict[tuple[object, ...], Mapping[str, object]]:
    return {tuple(one[name] for name in rows.key): one for one in said}
