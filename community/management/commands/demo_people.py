"""Print the cast of the demo street: who they are, and how to sign in as them."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Prefetch

from community import demo
from community.management.table import padded
from community.models import Membership, Person, Residency


class Command(BaseCommand):
    """`manage.py demo_people`: a table of the named cast."""

    help = "Show the people of the demo street and how to sign in as each of them."

    def handle(self, **options: Any) -> None:
        """Print one line for each of the cast."""
        people = demo.cast()
        if not people:
            raise CommandError("The demo street is not loaded; run `manage.py load_demo` first.")
        loaded = Person.objects.filter(id__in=[person.id for person in people.values()]).prefetch_related(
            Prefetch("memberships", Membership.objects.select_related("organisation")),
            Prefetch("residencies", Residency.objects.select_related("compound")),
        )
        by_id = {person.id: person for person in loaded}
        for row in demo.rows("people"):
            if row["key"] in people and row["cast"] == "yes":
                person = by_id[people[row["key"]].id]
                self.stdout.write(
                    f"{padded(row['key'], 28)}{padded(person.name, 8)}{person.phone}  {self.stands_for(person)}"
                )
        self.stdout.write("\nSign in with the phone number; the SMS code appears in the server's terminal.")
        if not settings.PRODUCTION:
            self.stdout.write(
                "At /admin/ the street's clerk (可进入管理后台) comes in by a code, "
                f"the administrator also with the password {demo.ADMINISTRATOR_PASSWORD}"
            )

    def stands_for(self, person: Person) -> str:
        """What the person is on the street: seats, homes, or neither."""
        parts = [
            f"{seat.organisation} {seat.get_role_display()}{'（已卸任）' if seat.ends_on else ''}"
            for seat in person.memberships.all()
        ]
        parts += [f"{home.compound} {home.get_relation_display()}" for home in person.residencies.all()]
        if person.is_staff:
            parts.append("系统管理员" if person.is_superuser else "可进入管理后台")
        return "；".join(parts) or "辖区外人员"
