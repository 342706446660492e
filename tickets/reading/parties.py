"""How documents name organisations and the people who work on a ticket."""

import uuid
from collections.abc import Iterable, Mapping

from community.models import Organisation


def named(organisation: uuid.UUID | None, names: Mapping[uuid.UUID, str]) -> dict[str, object] | None:
    """An organisation by id and name; None where there is none."""
    return {"id": organisation, "name": names.get(organisation, "")} if organisation else None


def worker(person: uuid.UUID | None, name: str | None, staff: bool) -> dict[str, object] | None:
    """The person who works on a ticket: by name for everybody who sees it whole, for staff by id as well."""
    return {"id": person if staff else None, "name": name or ""} if person else None


def organisation_names(ids: Iterable[uuid.UUID | None]) -> dict[uuid.UUID, str]:
    """Names by id, in one statement."""
    return dict(Organisation.objects.filter(pk__in={one for one in ids if one}).values_list("pk", "name"))
