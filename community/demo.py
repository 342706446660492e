"""The demo street: 学院路街道 as data files, and its cast of invented people."""

import uuid
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from operator import attrgetter
from pathlib import Path
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from community.models import (
    Area,
    Building,
    Community,
    Compound,
    Confirmation,
    Household,
    Membership,
    Organisation,
    Person,
    Residency,
    ServiceContract,
    Street,
)
from community.public_password import PUBLIC_PASSWORD
from web.tables import read_table
from web.words import bilingual

DATA = Path(__file__).parent / "data" / "xueyuanlu"
ADMINISTRATOR_PASSWORD = PUBLIC_PASSWORD

NOT_LOADED = bilingual(
    "尚未载入演示街道，请先运行 `manage.py load_demo`。",
    "The demo street is not loaded; run `manage.py load_demo` first.",
)

type LoadReport = Callable[[str, int, int], None]


def rows(name: str) -> list[dict[str, str]]:
    """The rows of a data file of the demo street."""
    return [row for _, row in read_table(DATA / f"{name}.csv")]


def cast() -> dict[str, Person]:
    """The people of the demo street that have been loaded, by their key in people.csv; one statement."""
    keys = {row["phone"]: row["key"] for row in rows("people")}
    return {keys[person.phone]: person for person in Person.objects.filter(phone__in=keys)}


@transaction.atomic
def load(report: LoadReport) -> None:
    """Add what is missing of the demo street. What exists stays as it is, so loading twice changes nothing.

    `report` is called with the name of each file, its number of rows, and how many of them were new. Dates such as
    `-60d` count from the day of loading. A contract with such dates that has ended since gets new dates.
    """
    streets = _add(
        "streets",
        report,
        Street.objects.all(),
        [Street(**row) for row in rows("streets")],
        "code",
    )
    (street,) = (streets[row["code"]] for row in rows("streets"))
    organisations = _load_organisations(street, report)
    communities = _add(
        "communities",
        report,
        Community.objects.filter(street=street),
        [
            Community(
                street=street,
                **_of(row, "code", "name", "name_en"),
                residents_committee=organisations[row["residents_committee"]],
            )
            for row in rows("communities")
        ],
        "code",
    )
    areas = _add(
        "areas",
        report,
        Area.objects.filter(street=street),
        [
            Area(
                street=street,
                **_of(row, "code", "name", "residential_type"),
                committee=organisations.get(row["committee"]),
            )
            for row in rows("areas")
        ],
        "code",
    )
    compounds = _add(
        "compounds",
        report,
        Compound.objects.filter(street=street),
        [
            Compound(
                street=street,
                **_of(row, "code", "name"),
                aliases=_several(row["aliases"]),
                area=areas[row["area"]],
                community=communities[row["community"]],
            )
            for row in rows("compounds")
        ],
        "code",
    )
    households = _load_homes(street, compounds, report)
    people = _load_people(report)
    _load_seats(organisations, people, report)
    _load_residencies(street, compounds, households, people, report)
    _load_contracts(street, areas, compounds, organisations, report)


def _load_organisations(street: Street, report: LoadReport) -> dict[str, Organisation]:
    found: dict[str, Organisation] = {}
    known = Organisation.objects.filter(Q(street=street) | Q(street=None))
    # Head offices before the offices that name them.
    for name, below in (("organisations", False), ("their branches", True)):
        found |= _add(
            name,
            report,
            known,
            [
                Organisation(
                    street=None if row["shared"] == "yes" else street,
                    **_of(row, "code", "kind", "function", "name", "name_en", "phone", "party_coverage"),
                    parent=found[row["parent"]] if below else None,
                    founded_on=_day_if_any(row["founded_on"]),
                    dissolved_on=_day_if_any(row["dissolved_on"]),
                    active=row["active"] == "yes",
                )
                for row in rows("organisations")
                if bool(row["parent"]) == below
            ],
            "code",
        )
    return found


def _load_homes(
    street: Street, compounds: dict[str, Compound], report: LoadReport
) -> dict[tuple[uuid.UUID, str, str, str], Household]:
    """Buildings are numbered from 1 within their compound; households are listed door by door."""
    buildings = _add(
        "buildings",
        report,
        Building.objects.filter(street=street),
        [
            Building(street=street, compound=compounds[row["code"]], code=str(number), name=f"{number}号楼")
            for row in rows("compounds")
            for number in range(1, int(row["buildings"]) + 1)
        ],
        "compound_id",
        "code",
    )
    return _add(
        "households",
        report,
        Household.objects.filter(street=street).select_related("building"),
        [
            Household(
                street=street,
                building=buildings[compounds[row["compound"]].id, row["building"]],
                **_of(row, "unit", "door"),
                exclusive_area=Decimal(row["exclusive_area"]),
            )
            for row in rows("households")
        ],
        "building.compound_id",
        "building.code",
        "unit",
        "door",
    )


def _load_people(report: LoadReport) -> dict[str, Person]:
    wanted = [
        Person(
            **_of(row, "phone", "name", "language"),
            is_staff=row["admin"] != "",
            is_superuser=row["admin"] == "superuser",
            password=make_password(ADMINISTRATOR_PASSWORD if row["admin"] == "superuser" else None),
        )
        for row in rows("people")
    ]
    known = Person.objects.filter(phone__in=[person.phone for person in wanted])
    clerks = {person.phone for person in wanted if person.is_staff and not person.is_superuser}
    new_clerks = clerks - set(known.values_list("phone", flat=True))
    by_phone = _add("people", report, known, wanted, "phone")
    for phone in new_clerks:
        by_phone[phone].groups.set(Group.objects.all())
    return {row["key"]: by_phone[row["phone"]] for row in rows("people")}


def _load_seats(organisations: dict[str, Organisation], people: dict[str, Person], report: LoadReport) -> None:
    _add(
        "memberships",
        report,
        Membership.objects.filter(organisation__in=organisations.values()),
        [
            Membership(
                street_id=organisations[row["organisation"]].street_id,
                person=people[row["person"]],
                organisation=organisations[row["organisation"]],
                role=row["role"],
                starts_on=_day(row["starts_on"]),
                ends_on=_day_if_any(row["ends_on"]),
                notes=row["notes"],
            )
            for row in rows("memberships")
        ],
        "organisation_id",
        "person_id",
        "role",
        "starts_on",
    )


def _load_residencies(
    street: Street,
    compounds: dict[str, Compound],
    households: dict[tuple[uuid.UUID, str, str, str], Household],
    people: dict[str, Person],
    report: LoadReport,
) -> None:
    wanted = [
        Residency(
            street=street,
            person=people[row["person"]],
            compound=compounds[row["compound"]],
            household=households.get((compounds[row["compound"]].id, row["building"], row["unit"], row["door"])),
            relation=row["relation"],
            starts_on=_day(row["starts_on"]),
            ends_on=_day_if_any(row["ends_on"]),
        )
        for row in rows("residencies")
    ]
    homes = _add(
        "residencies",
        report,
        Residency.objects.filter(street=street),
        wanted,
        "compound_id",
        "person_id",
        "household_id",
        "relation",
        "starts_on",
    )
    # Those of before, too: people who try the demo out read what neighbours read.
    key = attrgetter("compound_id", "person_id", "household_id", "relation", "starts_on")
    claimed = Residency.objects.filter(
        pk__in=[homes[key(one)].pk for one in wanted], confirmed_at=None, objected_at=None
    )
    claimed.update(confirmed_through=Confirmation.RESIDENTS_COMMITTEE, confirmed_at=timezone.now())


def _load_contracts(
    street: Street,
    areas: dict[str, Area],
    compounds: dict[str, Compound],
    organisations: dict[str, Organisation],
    report: LoadReport,
) -> None:
    contracts = _add(
        "contracts",
        report,
        ServiceContract.objects.filter(street=street),
        [
            ServiceContract(
                street=street,
                **_of(row, "code", "kind", "mode", "notice_by", "cost_note"),
                provider=organisations[row["provider"]],
                scope=_several(row["scope"]),
                area=areas.get(row["area"]),
                compound=compounds.get(row["compound"]),
                starts_on=_day(row["starts_on"]),
                ends_on=_day_if_any(row["ends_on"]),
                notice_on=_day_if_any(row["notice_on"]),
                handed_over_on=_day_if_any(row["handed_over_on"]),
            )
            for row in rows("contracts")
        ],
        "code",
    )
    for row in rows("contracts"):
        last = contracts[row["code"]].ends_on
        if row["ends_on"].endswith("d") and last is not None and last < timezone.localdate():
            ServiceContract.objects.filter(street=street, code=row["code"]).update(
                starts_on=_day(row["starts_on"]), ends_on=_day(row["ends_on"])
            )


def _add[M: Model](name: str, report: LoadReport, known: QuerySet[M], wanted: list[M], *key: str) -> dict[Any, M]:
    """Insert those of `wanted` whose `key` is not in `known`. Returns the rows of both, by key."""
    key_of = attrgetter(*key)
    found = {key_of(row): row for row in known}
    new = [row for row in wanted if key_of(row) not in found]
    known.model._default_manager.bulk_create(new)
    report(name, len(wanted), len(new))
    return found | {key_of(row): row for row in new}


def _of(row: dict[str, str], *names: str) -> dict[str, object]:
    return {name: row[name] for name in names}


def _several(text: str) -> list[str]:
    return text.split(";") if text else []


def _day(text: str) -> date:
    """A date of a data file: a date, or a number of days from today (`-60d`)."""
    return timezone.localdate() + timedelta(days=int(text[:-1])) if text.endswith("d") else date.fromisoformat(text)


def _day_if_any(text: str) -> date | None:
    return _day(text) if text else None
