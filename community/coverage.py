"""The coverage rates of a street (物业三率): property service, committees, Party organisation (docs/rules.md)."""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from django.db import connection

from community import live
from community.models import Street

HUNDREDTH = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class CoverageRate:
    """A part of a whole. `percent` has two digits, rounded half up; it is None where the whole is 0."""

    covered: int
    total: int

    @property
    def percent(self) -> Decimal | None:
        """The share in percent, such as 91.38."""
        if not self.total:
            return None
        return (Decimal(100 * self.covered) / self.total).quantize(HUNDREDTH, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Coverage:
    """The coverage rates of a street on one day.

    `service`: areas served under a company's contract; `quasi` counts those with a quasi-property service instead.
    `committee`: areas with a committee. `party_committees` and `party_offices`: the committees of the areas, and the
    project offices that serve under a contract, which the Party reaches by a branch or an adviser.
    """

    service: CoverageRate
    quasi: int
    committee: CoverageRate
    party_committees: CoverageRate
    party_offices: CoverageRate

    @property
    def party(self) -> CoverageRate:
        """Committees and project offices together."""
        return CoverageRate(
            self.party_committees.covered + self.party_offices.covered,
            self.party_committees.total + self.party_offices.total,
        )


# An area is served under a full contract of its own, or where each of its compounds has one.
SQL = f"""
WITH live AS (
  SELECT k.*, o.kind AS provider_kind, o.party_coverage
  FROM community_servicecontract k
  JOIN community_organisation o ON o.id = k.provider_id
  WHERE k.street_id = %(street)s AND k.kind = 'property'
    AND {live.runs("k", "%(on)s")} AND {live.lives("o", "%(on)s")}
), full_contract AS (
  SELECT area_id, compound_id FROM live WHERE mode = 'contracted' AND cardinality(scope) = 0
), area AS (
  SELECT a.id, o.id AS committee_id, o.party_coverage,
    EXISTS (SELECT FROM full_contract f WHERE f.area_id = a.id) OR (
      EXISTS (SELECT FROM community_compound c WHERE c.area_id = a.id)
      AND NOT EXISTS (
        SELECT FROM community_compound c
        WHERE c.area_id = a.id AND NOT EXISTS (SELECT FROM full_contract f WHERE f.compound_id = c.id)
      )
    ) AS served,
    EXISTS (SELECT FROM live l WHERE l.area_id = a.id AND l.mode = 'quasi') AS quasi
  FROM community_area a
  LEFT JOIN community_organisation o ON o.id = a.committee_id AND {live.lives("o", "%(on)s")}
  WHERE a.street_id = %(street)s
), office AS (
  SELECT DISTINCT provider_id, party_coverage FROM live WHERE provider_kind = 'project_office' AND mode = 'contracted'
)
SELECT
  count(*) FILTER (WHERE served), count(*), count(*) FILTER (WHERE quasi AND NOT served), count(committee_id),
  count(DISTINCT committee_id) FILTER (WHERE party_coverage <> ''), count(DISTINCT committee_id),
  (SELECT count(*) FROM office WHERE party_coverage <> ''), (SELECT count(*) FROM office)
FROM area
"""  # noqa: S608 - all words are our own


def coverage(street: Street, on: date) -> Coverage:
    """The coverage rates of `street` on the day `on`, counted from its rows in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(SQL, {"street": street.id, "on": on})
        served, areas, quasi, with_committee, reached, committees, offices_reached, offices = cursor.fetchone()
    return Coverage(
        service=CoverageRate(served, areas),
        quasi=quasi,
        committee=CoverageRate(with_committee, areas),
        party_committees=CoverageRate(reached, committees),
        party_offices=CoverageRate(offices_reached, offices),
    )
