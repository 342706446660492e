"""The category tree as the process remembers it, and the way its data gets in.

A published version never changes, so what has been read of it is kept for good. Only the question which version is
current is asked again, at most every five seconds in each process: a new version that takes effect at once may be
overlooked for that long, and what is filed meanwhile is filed under the version before it.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import override

from tickets.models import Category, CategoryVersion
from web.tables import BadTable, read_table
from web.words import bilingual
from workflow.errors import NotReady
from workflow.versions import Published

FILE = Path(__file__).parent / "data" / "categories.csv"
YES_NO = {"yes": True, "no": False}


class UnknownCategory(LookupError):
    """No such category in this version."""


class NoCatalogue(NotReady, LookupError):
    """No version of the catalogue is in effect: none has been loaded, or the date is before the first."""

    code = "no_catalogue"
    reason = bilingual("事项分类尚未发布。", "No catalogue of categories has been published yet.")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One category of one version, with all that filing and routing need to know of it."""

    id: uuid.UUID
    version_id: uuid.UUID
    code: str
    group: str
    group_zh: str
    group_en: str
    name_zh: str
    name_en: str
    disposal_class: str
    response_class: str
    lead: str
    co_parties: tuple[str, ...]
    route: str
    urgent: bool
    after_photo: bool
    public_face: bool
    hotline: str
    external_code: str
    basis: str

    @property
    def name(self) -> Promise:
        """The name in the reader's language."""
        return bilingual(self.name_zh, self.name_en)

    @property
    def group_name(self) -> Promise:
        """The group's name in the reader's language."""
        return bilingual(self.group_zh, self.group_en)


@dataclass(frozen=True, slots=True)
class Group:
    """The leaves that share the first two letters of their code."""

    code: str
    name_zh: str
    name_en: str
    leaves: tuple[Leaf, ...]

    @property
    def name(self) -> Promise:
        """The name in the reader's language."""
        return bilingual(self.name_zh, self.name_en)


@dataclass(frozen=True, slots=True)
class Tree:
    """One version of the catalogue: groups in order, and their leaves."""

    version_id: uuid.UUID
    number: int
    effective_from: datetime | None
    groups: tuple[Group, ...]
    by_code: dict[str, Leaf]

    def leaf(self, code: str) -> Leaf:
        """The leaf with this code. Raises UnknownCategory."""
        try:
            return self.by_code[code]
        except KeyError:
            raise UnknownCategory(code) from None


_trees: dict[uuid.UUID, Tree] = {}
_leaves: dict[uuid.UUID, Leaf] = {}
_published = Published(lambda: CategoryVersion, "effective_from", "pk", needed=True)


def forget() -> None:
    """Forget everything remembered: for the process that has just published, and between tests."""
    _trees.clear()
    _leaves.clear()
    _published.forget()


def version_at(at: datetime) -> uuid.UUID:
    """The id of the version in effect at `at`. Raises NoCatalogue."""
    for effective_from, version_id in _published.rows():
        if effective_from <= at:
            return version_id
    raise NoCatalogue(at)


def current(at: datetime) -> Tree:
    """The tree in effect at `at`. Raises NoCatalogue."""
    return tree(version_at(at))


def tree(version_id: uuid.UUID) -> Tree:
    """The tree of one version; a draft's is read anew each time. Raises UnknownCategory when there is none."""
    if version_id in _trees:
        return _trees[version_id]
    version = CategoryVersion.objects.filter(pk=version_id).first()
    if version is None:
        raise UnknownCategory(version_id)
    read = _read(version)
    if version.published_at is not None:
        _trees[version_id] = read
        _leaves.update((leaf.id, leaf) for leaf in read.by_code.values())
    return read


def published_leaves() -> Iterator[Leaf]:
    """The leaves of every version that was ever published: those that tickets can have."""
    for _, version_id in _published.rows():
        yield from tree(version_id).by_code.values()


def leaf_by_id(category_id: uuid.UUID) -> Leaf:
    """The leaf of any version by the id of its row. Raises UnknownCategory."""
    if category_id in _leaves:
        return _leaves[category_id]
    row = Category.objects.filter(pk=category_id).values_list("version_id", "code").first()
    if row is None:
        raise UnknownCategory(category_id)
    version_id, code = row
    return tree(version_id).leaf(code)


def english_name(name_zh: str) -> str | None:
    """What a category of that Chinese name is called in English, by the newest version that knows it; None for any other words."""
    for _, version_id in _published.rows():
        for leaf in tree(version_id).by_code.values():
            if leaf.name_zh == name_zh:
                return leaf.name_en or None
    return None


def _read(version: CategoryVersion) -> Tree:
    leaves = [
        Leaf(id=row.pk, version_id=version.pk, **_said(row)) for row in version.categories.order_by("external_code")
    ]
    grouped: dict[str, list[Leaf]] = {}
    for leaf in leaves:
        grouped.setdefault(leaf.group, []).append(leaf)
    return Tree(
        version_id=version.pk,
        number=version.number,
        effective_from=version.effective_from,
        groups=tuple(
            Group(code, members[0].group_zh, members[0].group_en, tuple(members)) for code, members in grouped.items()
        ),
        by_code={leaf.code: leaf for leaf in leaves},
    )


_SAID = tuple(one.name for one in fields(Leaf) if one.name not in ("id", "version_id"))
COLUMNS = tuple(name for name in _SAID if name != "public_face")
_YES_OR_NO = bilingual("应为 `yes` 或 `no`。", "It must be `yes` or `no`.")


def read_file(path: Path = FILE) -> list[Category]:
    """The categories of a file, unsaved and without a version.

    The file is CSV in UTF-8 with the column names of `Category`; co-handlers are divided by spaces, and booleans are
    `yes` or `no`; without the column `public_face` each has one. Raises BadTable that names the row and the column which does not fit.
    """
    return [_category(path, number, row) for number, row in read_table(path, COLUMNS)]


def _category(path: Path, number: int, row: dict[str, str]) -> Category:
    flags = {name: row.get(name, "yes") for name in ("urgent", "after_photo", "public_face")}
    for name, written in flags.items():
        if written not in YES_NO:
            raise BadTable(path, number, name, _YES_OR_NO)
    said: dict[str, Any] = {name: row[name] for name in COLUMNS}
    said |= {name: YES_NO[written] for name, written in flags.items()}
    category = Category(**{**said, "co_parties": row["co_parties"].split()})
    if wrong := _first_flaw(category, "zh-hans"):
        name, reason = wrong
        _, translated = _first_flaw(category, "en") or wrong
        raise BadTable(path, number, "" if name == NON_FIELD_ERRORS else name, bilingual(reason, translated))
    return category


def _first_flaw(category: Category, language: str) -> tuple[str, str] | None:
    """The first column that does not fit, and why: asked anew for each language, for Django words some reasons at once."""
    with override(language):
        try:
            category.full_clean(exclude={"id", "version"}, validate_unique=False, validate_constraints=False)
        except ValidationError as problem:
            name, reasons = next(iter(problem.message_dict.items()))
            return name, reasons[0]
    return None


def differs(categories: Sequence[Category], version: CategoryVersion) -> bool:
    """Whether these categories say anything else than the version does."""
    was, now = ({tuple(_said(one).values()) for one in rows} for rows in (version.categories.all(), categories))
    return was != now


def _said(category: Category) -> dict[str, Any]:
    """What a category says, whichever row of whichever version it is."""
    return {name: getattr(category, name) for name in _SAID} | {"co_parties": tuple(category.co_parties)}


def load(categories: Sequence[Category], *, source: str, at: datetime, effective_from: datetime) -> CategoryVersion:
    """Make these categories the newest version, published at `at` and in effect from `effective_from`.

    Raises ValidationError as `CategoryVersion.publish` does, and then nothing is loaded.
    """
    with transaction.atomic():
        version = CategoryVersion.draft(source=source)
        for category in categories:
            category.version = version
        Category.objects.bulk_create(categories)
        version.publish(at=at, effective_from=effective_from)
        transaction.on_commit(forget)
        return version
