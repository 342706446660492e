"""The time zones of streets, remembered by the process: a street never changes its zone."""

import uuid

from django.conf import settings

from community.models import Street

_zones: dict[uuid.UUID, str] = {}


def zone_of(street: uuid.UUID) -> str:
    """The name of the street's time zone; the server's where the street does not exist."""
    if street not in _zones:
        _zones.update(Street.objects.values_list("pk", "timezone"))
    return _zones.get(street, settings.TIME_ZONE)


def forget() -> None:
    """Clear the cache; for tests."""
    _zones.clear()
