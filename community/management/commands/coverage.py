"""Print the coverage rates of each street."""

from datetime import date
from zoneinfo import ZoneInfo

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from django.utils.functional import Promise

from community.coverage import CoverageRate, coverage
from community.management.table import padded
from community.models import Street
from web.management.speaking import SpeakingCommand
from web.words import bilingual


class Command(SpeakingCommand):
    """`manage.py coverage`: the coverage rates (物业三率) as they are counted from today's rows."""

    help = "Print the coverage rates: property service, committees, Party organisation."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which street, and on which day."""
        super().add_arguments(parser)
        parser.add_argument("--street", metavar="CODE", help="one street only")
        parser.add_argument("--on", metavar="YYYY-MM-DD", type=date.fromisoformat, help="a day; today if not given")

    def handle(self, *, street: str | None, on: date | None, **options: object) -> None:
        """Print a table for each street."""
        streets = Street.objects.filter(code=street) if street else Street.objects.all()
        if not streets:
            nowhere = bilingual("没有这个街道。", "There is no such street.")
            raise CommandError(str(nowhere if street else bilingual("还没有街道。", "There is no street yet.")))
        for each in streets:
            day = on or timezone.localdate(timezone=ZoneInfo(each.timezone))
            found = coverage(each, day)
            self.stdout.write(f"{bilingual(each.name, each.name_en or each.name)} · {day}")
            self.line(bilingual("物业服务覆盖率", "property service"), found.service)
            self.line(bilingual("组建覆盖率", "committees"), found.committee)
            self.line(bilingual("党的组织覆盖率", "Party organisation"), found.party)
            self.line(bilingual("· 业委会（物管会）", "· committees"), found.party_committees)
            self.line(bilingual("· 项目部", "· project offices"), found.party_offices)
            words = bilingual("仅有准物业服务的区域：", "areas with a quasi-property service only:")
            self.stdout.write(f"  {words} {found.quasi}")

    def line(self, name: Promise, rate: CoverageRate) -> None:
        """Print one rate."""
        percent = "–" if rate.percent is None else f"{rate.percent} %"
        self.stdout.write(f"  {padded(str(name), 20)} {rate.covered:>4} / {rate.total:<4} {percent:>9}")
