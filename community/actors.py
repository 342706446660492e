"""Loads the caller in one SQL statement: the person, their confirmed homes, and the seats of today that the credential carries."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from community import credentials, live
from community.models import Person
from community.models.signin import TOKEN_LIFE
from web.problems import Problem
from workflow.actor import Actor, Seat


@dataclass(frozen=True, slots=True)
class Caller:
    """A signed-in person and their actor; with a token, also the token's id and when it was last used.

    `seats_withheld`: the person has seats today that need a second factor, which the credential does not prove.
    """

    person: Person
    actor: Actor
    token_id: uuid.UUID | None = None
    token_used_at: datetime | None = None
    seats_withheld: bool = False

    def explain(self, refusal: Problem) -> Problem:
        """What to answer instead of `refusal`, where a withheld seat may have allowed what was refused."""
        return credentials.second_factor_required() if self.seats_withheld else refusal


# In the order of the model's columns, by which `from_db` reads a row. The password is hashed in the session's check.
PERSON_FIELDS = ("password", "is_superuser", "id", "phone", "name", "language", "is_active", "is_staff", "sign_outs")

_TODAY = live.today("clock.at", "s")
SQL = f"""
SELECT p.password, p.is_superuser, p.id, p.phone, p.name, p.language, p.is_active, p.is_staff, p.sign_outs,
  clock.at, {{signed_in_by}},
  ARRAY(
    SELECT ARRAY[o.id::text, o.kind, o.function, m.role, o.street_id::text]
    FROM community_membership m
    JOIN community_organisation o ON o.id = m.organisation_id
    LEFT JOIN community_street s ON s.id = o.street_id
    CROSS JOIN LATERAL (SELECT {_TODAY} AS day) today
    WHERE m.person_id = p.id AND {live.runs("m", "today.day")} AND {live.lives("o", "today.day")}
    ORDER BY m.id
  ),
  ARRAY(
    SELECT DISTINCT r.compound_id
    FROM community_residency r
    JOIN community_street s ON s.id = r.street_id
    CROSS JOIN LATERAL (SELECT {_TODAY} AS day) today
    WHERE r.person_id = p.id AND {live.runs("r", "today.day")} AND {live.confirmed("r", "s", "today.day")}
  )
FROM (SELECT coalesce(%(at)s::timestamptz, now()) AS at) clock, {{source}}
WHERE p.is_active AND {{key}}
"""  # noqa: S608 - all words are our own
BY_PERSON = SQL.format(
    signed_in_by="NULL::uuid, NULL::timestamptz, %(second_factor)s::boolean",
    source="community_person p",
    key="p.id = %(person)s",
)
BY_TOKEN = SQL.format(
    signed_in_by="t.id, t.last_used_at, t.second_factor",
    source="community_signintoken t JOIN community_person p ON p.id = t.person_id",
    key="t.token_hash = %(token)s AND t.last_used_at > clock.at - %(life)s",
)


def by_person(person_id: uuid.UUID, at: datetime | None = None, *, second_factor: bool = True) -> Caller | None:
    """The active person with this id, as of `at` (None: PostgreSQL's now); None where there is none.

    `second_factor`: whether it is proved. It is, where no credential is asked for: in commands and simulations.
    """
    return _caller(BY_PERSON, {"person": person_id, "at": at, "second_factor": second_factor})


def by_token(token_hash: bytes, at: datetime | None = None) -> Caller | None:
    """The active person with this live token, as of `at` (None: PostgreSQL's now); None where there is none."""
    return _caller(BY_TOKEN, {"token": token_hash, "life": TOKEN_LIFE, "at": at})


def _caller(sql: str, params: dict[str, Any]) -> Caller | None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        row = cursor.fetchone()
    if row is None:
        return None
    proved = row[12]
    seats = tuple(
        Seat(uuid.UUID(organisation), kind, function, role, uuid.UUID(street) if street else None)
        for organisation, kind, function, role, street in row[13]
        if proved or not credentials.seat_needs_second_factor(kind)
    )
    person = Person.from_db(connection.alias, PERSON_FIELDS, row[:9])
    actor = Actor(person_id=row[2], at=row[9], seats=seats, compounds=frozenset(row[14]))
    return Caller(person, actor, row[10], row[11], seats_withheld=len(seats) < len(row[13]))
