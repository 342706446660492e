"""Who serves a place at a moment: everything that routing needs to know about it, in one SQL statement.

The process keeps the answer for the day, and asks PostgreSQL only whether something has changed since: `ServingVersion` says so.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from types import MappingProxyType
from zoneinfo import ZoneInfo

import orjson
from django.conf import settings
from django.db import connection

from community import live


class UnknownPlace(Exception):
    """There is no such compound or street."""


@dataclass(frozen=True, slots=True)
class ServingParty:
    """An organisation that can be given work; `staffed` says that it has an active member that day."""

    id: uuid.UUID
    kind: str
    function: str
    name: str
    name_en: str
    parent_id: uuid.UUID | None
    staffed: bool


@dataclass(frozen=True, slots=True)
class Service:
    """A live service contract. `scope` holds category codes and groups, empty for all; `reach` says how near it is to the place.

    `standard` is its service level (0: none), `terms` are its own limits, separated by spaces.
    """

    kind: str
    mode: str
    scope: tuple[str, ...]
    reach: str
    provider: ServingParty
    standard: int = 0
    terms: str = ""


@dataclass(frozen=True, slots=True)
class Serving:
    """A place on a day: who coordinates, who serves it (nearest reach first), and whom the street can turn to.

    `parties` are the street's office and sections, the shared departments and the emergency lines, by function;
    `parents` are the head offices of every party named here, by id. `new_id` and `spare_id` are fresh UUIDv7
    from PostgreSQL: for a ticket that is filed here, and for its first event.
    """

    street_id: uuid.UUID
    timezone: str
    at: datetime
    new_id: uuid.UUID
    compound_id: uuid.UUID | None
    compound_name: str
    area_id: uuid.UUID | None
    community_id: uuid.UUID | None
    committee: ServingParty | None
    residents_committee: ServingParty | None
    services: tuple[Service, ...]
    parties: Mapping[str, ServingParty]
    parents: Mapping[uuid.UUID, ServingParty]
    spare_id: uuid.UUID


REACH = {"1": "compound", "2": "area", "3": "street"}
BY_FUNCTION = frozenset({"street_office", "section", "department", "hotline"})

COMPOUND = """
    SELECT s.id AS street_id, s.timezone, c.id AS compound_id, c.name AS compound_name, c.area_id, c.community_id,
           a.committee_id, n.residents_committee_id
    FROM community_compound c
    JOIN community_street s ON s.id = c.street_id
    JOIN community_area a ON a.id = c.area_id
    JOIN community_community n ON n.id = c.community_id
    WHERE c.id = %(place)s
"""
STREET = """
    SELECT s.id AS street_id, s.timezone, NULL::uuid AS compound_id, '' AS compound_name, NULL::uuid AS area_id,
           NULL::uuid AS community_id, NULL::uuid AS committee_id, NULL::uuid AS residents_committee_id
    FROM community_street s
    WHERE s.id = %(place)s
"""
# Read by the same statement as the answer: a change that is not committed yet is in neither, and one that is, in both.
VERSION = "(SELECT string_agg(version::text, ' ' ORDER BY id) FROM community_servingversion)"
UNCHANGED = f"SELECT coalesce(%(at)s::timestamptz, now()), uuidv7(), uuidv7(), {VERSION}"
SQL = f"""
WITH place AS MATERIALIZED (
  SELECT p.*, clock.at, {live.today("clock.at", "p")} AS day, {live.today("clock.at", "nowhere")} AS shared_day
  FROM ({{place}}) p, (SELECT coalesce(%(at)s::timestamptz, now()) AS at) clock, (SELECT NULL AS timezone) nowhere
), served AS MATERIALIZED (
  SELECT k.id, k.kind, k.mode, k.scope, k.provider_id, k.starts_on, k.standard, k.terms,
    CASE WHEN k.compound_id IS NOT NULL THEN '1' WHEN k.area_id IS NOT NULL THEN '2' ELSE '3' END AS reach
  FROM place
  JOIN community_servicecontract k ON k.compound_id = place.compound_id OR k.area_id = place.area_id
    OR (k.street_id = place.street_id AND k.area_id IS NULL AND k.compound_id IS NULL)
  WHERE {live.runs("k", "place.day")}
), named AS MATERIALIZED (
  SELECT o.*
  FROM place
  JOIN community_organisation o
    ON o.id = ANY(ARRAY(SELECT provider_id FROM served) || place.committee_id || place.residents_committee_id)
    OR (o.street_id = place.street_id AND o.kind IN ('street_office', 'section'))
    OR (o.street_id IS NULL AND o.kind IN ('department', 'hotline'))
)
SELECT street_id, timezone, at, uuidv7(), compound_id, compound_name, area_id, community_id,
  committee_id, residents_committee_id,
  array_to_json(ARRAY(
    SELECT ARRAY[k.kind, k.mode, array_to_string(k.scope, ','), k.reach, k.provider_id::text,
      k.standard::text, k.terms]
    FROM served k
    ORDER BY k.reach, k.starts_on DESC, k.id
  ))::text,
  array_to_json(ARRAY(
    SELECT ARRAY[o.id::text, o.kind, o.function, o.name, o.name_en, o.parent_id::text,
      CASE WHEN {live.staffed("o", "today.day")} THEN 'staffed' END]
    FROM (
      SELECT * FROM named
      UNION ALL
      SELECT * FROM community_organisation
      WHERE id = ANY(ARRAY(SELECT parent_id FROM named EXCEPT SELECT id FROM named))
    ) o
    CROSS JOIN LATERAL (SELECT CASE WHEN o.street_id IS NULL THEN place.shared_day ELSE place.day END AS day) today
    WHERE {live.lives("o", "today.day")}
    ORDER BY o.street_id IS NULL, o.code
  ))::text, uuidv7(), {VERSION}
FROM place
"""  # noqa: S608 - all words are our own
OF_COMPOUND = SQL.format(place=COMPOUND)
OF_STREET = SQL.format(place=STREET)


@dataclass(frozen=True, slots=True)
class _Answer:
    """Who serves a place on a day of its street, which is another day elsewhere, as long as the version stands."""

    version: str
    days: tuple[date, date]
    serving: Serving


MOST_KEPT = 500
_kept: dict[uuid.UUID | None, _Answer] = {}


def forget() -> None:
    """Clear the cache; for tests."""
    _kept.clear()


def who_serves(
    *, street_id: uuid.UUID | None = None, compound_id: uuid.UUID | None = None, at: datetime | None = None
) -> Serving:
    """Who serves a compound, or a public place of a street, on the street's date at `at` (None: PostgreSQL's now).

    Give a compound, or a street alone, or both to hold the compound to the street. A body that is inactive, dissolved
    or not yet founded counts as none, and so does its contract. Raises UnknownPlace.
    """
    place = street_id if compound_id is None else compound_id
    found = _kept_answer(place, at) or _read_answer(place, OF_STREET if compound_id is None else OF_COMPOUND, at)
    if found is None or (street_id is not None and found.street_id != street_id):
        raise UnknownPlace
    return found


def _kept_answer(place: uuid.UUID | None, at: datetime | None) -> Serving | None:
    """The answer that is kept, with this moment and new ids, where nothing has changed and it is for this day."""
    kept = _kept.get(place)
    if kept is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute(UNCHANGED, {"at": at})
        moment, new_id, spare_id, version = cursor.fetchone()
    if version != kept.version or _days(kept.serving.timezone, moment) != kept.days:
        return None
    return _made(kept.serving, moment, new_id, spare_id)


def _made(kept: Serving, at: datetime, new_id: uuid.UUID, spare_id: uuid.UUID) -> Serving:
    # As `dataclasses.replace` makes it, in a third of the time.
    return Serving(
        street_id=kept.street_id,
        timezone=kept.timezone,
        at=at,
        new_id=new_id,
        compound_id=kept.compound_id,
        compound_name=kept.compound_name,
        area_id=kept.area_id,
        community_id=kept.community_id,
        committee=kept.committee,
        residents_committee=kept.residents_committee,
        services=kept.services,
        parties=kept.parties,
        parents=kept.parents,
        spare_id=spare_id,
    )


def _days(timezone: str, at: datetime) -> tuple[date, date]:
    """The days that decide what is live at `at`: that of the street, and that of shared bodies."""
    return at.astimezone(ZoneInfo(timezone)).date(), at.astimezone(ZoneInfo(settings.TIME_ZONE)).date()


def _read_answer(place: uuid.UUID | None, sql: str, at: datetime | None) -> Serving | None:
    """The answer of PostgreSQL, which is kept; None where there is no such place."""
    with connection.cursor() as cursor:
        cursor.execute(sql, {"place": place, "at": at})
        row = cursor.fetchone()
    if row is None:
        return None
    by_id, services, parties, parents = _read(row[10], row[11])
    serving = Serving(
        street_id=row[0],
        timezone=row[1],
        at=row[2],
        new_id=row[3],
        compound_id=row[4],
        compound_name=row[5],
        area_id=row[6],
        community_id=row[7],
        committee=by_id.get(row[8]),
        residents_committee=by_id.get(row[9]),
        services=services,
        parties=parties,
        parents=parents,
        spare_id=row[12],
    )
    # Without versions, as in a database that was emptied, nothing would tell of a change.
    if version := row[13]:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        _kept[place] = _Answer(version, _days(serving.timezone, serving.at), serving)
    return serving


type _ById = Mapping[uuid.UUID, ServingParty]


@lru_cache(256)
def _read(contracts: str, bodies: str) -> tuple[_ById, tuple[Service, ...], Mapping[str, ServingParty], _ById]:
    """The parties by id, the services, the parties by function and the head offices, as PostgreSQL wrote them.

    They follow from the two texts alone, which are the same for each report of a place until something changes there.
    """
    found: dict[str, ServingParty] = {}
    parties: dict[str, ServingParty] = {}
    for key, kind, function, name, name_en, parent, staffed in orjson.loads(bodies):
        found[key] = party = ServingParty(
            uuid.UUID(key), kind, function, name, name_en, uuid.UUID(parent) if parent else None, staffed is not None
        )
        # The street's own bodies come first, and beat a shared one of the same function.
        if kind in BY_FUNCTION:
            parties.setdefault(function, party)
    by_id = {party.id: party for party in found.values()}
    services = tuple(
        Service(
            kind,
            mode,
            tuple(scope.split(",")) if scope else (),
            REACH[reach],
            found[provider],
            int(standard),
            " ".join(terms.split()),
        )
        for kind, mode, scope, reach, provider, standard, terms in orjson.loads(contracts)
        if provider in found
    )
    parents = {party.parent_id: by_id[party.parent_id] for party in found.values() if party.parent_id in by_id}
    return MappingProxyType(by_id), services, MappingProxyType(parties), MappingProxyType(parents)
