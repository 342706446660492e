"""The time zones of streets, as the process remembers them: a street keeps its own for good."""

import uuid

from django.conf import settings

from community.models import Street

_zones: dict[uuid.UUID, str] = {}


def zone_of(street: uuid.UUID) -> str:
    """The name of the street's time zone; the server's for a street that is not there."""
    if street not in _zones:
        _zones.update(Street.objects.values_list("pk", "timezone"))
    return _zones.get(street, settings.TIME_ZONE)


def forget() -> None:
    """Forget everything remembered, between tests."""
    _zones.clear()
