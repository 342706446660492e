"""The people behind organisations: who has a seat there today, in which role, and which language they read."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection
from django.db.models import Q, QuerySet

from community import live
from community.models import Membership, Role

HANDS = frozenset({Role.WORKER, Role.MEMBER})
"""Who does the work and does not give others any; where an organisation has nobody else, they do."""


@dataclass(frozen=True, slots=True)
class Member:
    """An active person with a live seat."""

    person_id: uuid.UUID
    role: str
    language: str


SQL = f"""
SELECT seat.organisation_id, p.id, seat.role, p.language
FROM (SELECT %(at)s::timestamptz AS at) clock, community_membership seat
JOIN community_person p ON p.id = seat.person_id AND p.is_active
JOIN community_organisation o ON o.id = seat.organisation_id
LEFT JOIN community_street s ON s.id = o.street_id
CROSS JOIN LATERAL (SELECT {live.today("clock.at", "s")} AS day) today
WHERE seat.organisation_id = ANY(%(ids)s) AND {live.runs("seat", "today.day")}
ORDER BY seat.organisation_id, seat.id
"""  # noqa: S608 - all words are our own


def members(organisations: Collection[uuid.UUID], at: datetime) -> Mapping[uuid.UUID, list[Member]]:
    """The members of each of `organisations` at `at`, in one statement. An organisation without members is left out."""
    found: dict[uuid.UUID, list[Member]] = {}
    with connection.cursor() as cursor:
        cursor.execute(SQL, {"ids": list(set(organisations)), "at": at})
        for organisation, person, role, language in cursor.fetchall():
            found.setdefault(organisation, []).append(Member(person, role, language))
    return found


def in_roles(seats: Collection[Member], roles: Collection[str]) -> list[Member]:
    """Those of `seats` with one of the `roles`; all `seats` where none has such a role."""
    chosen = [one for one in seats if one.role in roles]
    return chosen or list(seats)


def seats_on(day: date) -> QuerySet[Membership]:
    """The seats that active people have on a day."""
    held = Q(ends_on=None) | Q(ends_on__gte=day)
    return Membership.objects.filter(held, starts_on__lte=day, person__is_active=True)
