"""Print the coverage rates of each street."""

from argparse import ArgumentParser
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from community.coverage import Rate, coverage
from community.management.table import padded
from community.models import Street


class Command(BaseCommand):
    """`manage.py coverage`: the coverage rates (物业三率) as they are counted from today's rows."""

    help = "Print the coverage rates: property service, committees, Party organisation."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which street, and on which day."""
        parser.add_argument("--street", metavar="CODE", help="one street only")
        parser.add_argument("--on", metavar="YYYY-MM-DD", type=date.fromisoformat, help="a day; today if not given")

    def handle(self, *, street: str | None, on: date | None, **options: Any) -> None:
        """Print a table for each street."""
        streets = Street.objects.filter(code=street) if street else Street.objects.all()
        if not streets:
            raise CommandError("There is no such street." if street else "There is no street yet.")
        for each in streets:
            day = on or timezone.localdate(timezone=ZoneInfo(each.timezone))
            found = coverage(each, day)
            self.stdout.write(f"{each.name} {each.name_en} · {day}")
            self.line("物业服务覆盖率", "property service", found.service)
            self.line("组建覆盖率", "committees", found.committee)
            self.line("党的组织覆盖率", "Party organisation", found.party)
            self.line("· 业委会（物管会）", "committees", found.party_committees)
            self.line("· 项目部", "project offices", found.party_offices)
            self.stdout.write(f"  areas with a quasi-property service only: {found.quasi}")

    def line(self, zh: str, en: str, rate: Rate) -> None:
        """Print one rate."""
        percent = "–" if rate.percent is None else f"{rate.percent} %"
        self.stdout.write(f"  {padded(zh, 20)} {en:<20} {rate.covered:>4} / {rate.total:<4} {percent:>9}")
