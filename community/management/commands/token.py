"""Sign one of the demo's people in without a code, on a development server."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from community import demo, signin


class Command(BaseCommand):
    """`manage.py token PERSON`: prints a token for `Authorization: Bearer`, and nothing else."""

    help = "Print a fresh token of one of the demo's people, by key or phone, without a sign-in code. Refused in production."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Who."""
        parser.add_argument(
            "person", nargs="?", default="", help="a key or a phone of `manage.py demo_people`, such as resident"
        )

    def handle(self, *, person: str, **options: Any) -> None:
        """Issue it; only to people of the demo, whom no secret of anybody's protects."""
        if settings.PRODUCTION:
            raise CommandError("Nobody gets in without a code in production.")
        people = demo.cast()
        if not people:
            raise CommandError("The demo street is not loaded; run `manage.py load_demo` first.")
        found = people.get(person) or next((one for one in people.values() if one.phone == person), None)
        if found is None or not found.is_active:
            named = f"{person!r} is none of the demo's people. " if person else ""
            known = ", ".join(row["key"] for row in demo.rows("people") if row["cast"] == "yes")
            raise CommandError(f"{named}Name one of them: {known}.")
        self.stdout.write(signin.issue(found, "make token").secret)
