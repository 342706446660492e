"""Who the named people of the demo street are: what they stand for, and which of them work."""

from dataclasses import dataclass

from django.db.models import Prefetch

from community import demo
from community.models import Membership, Person, Residency
from web.words import bilingual

_FORMER = bilingual("（已卸任）", " (until lately)")
_ADMINISTRATOR = bilingual("系统管理员", "administrator")
_CLERK = bilingual("可进入管理后台", "may enter the admin")
_OUTSIDER = bilingual("辖区外人员", "from outside the street")


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """One of the named cast: the key by which people.csv knows them, what they are on the street, and whether they work there now."""

    key: str
    person: Person
    stands_for: str
    works: bool


def introduced() -> list[DemoPerson]:
    """The named cast as far as it is loaded, in the order of people.csv; four statements."""
    people = demo.cast()
    loaded = Person.objects.filter(id__in=[person.id for person in people.values()]).prefetch_related(
        Prefetch("memberships", Membership.objects.select_related("organisation")),
        Prefetch("residencies", Residency.objects.select_related("compound")),
    )
    by_id = {person.id: person for person in loaded}
    named = [row["key"] for row in demo.rows("people") if row["key"] in people and row["cast"] == "yes"]
    return [_introduced(key, by_id[people[key].id]) for key in named]


def _introduced(key: str, person: Person) -> DemoPerson:
    seats, homes = person.memberships.all(), person.residencies.all()
    parts = [f"{seat.organisation} {seat.get_role_display()}{_FORMER if seat.ends_on else ''}" for seat in seats]
    parts += [f"{home.compound} {home.get_relation_display()}" for home in homes]
    if person.is_staff:
        parts.append(str(_ADMINISTRATOR if person.is_superuser else _CLERK))
    words = str(bilingual("；", "; ")).join(parts) or str(_OUTSIDER)
    return DemoPerson(key, person, words, person.is_superuser or any(not seat.ends_on for seat in seats))
