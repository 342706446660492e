"""Load what Linli cannot work without, and the clerks' group: each where there is none yet."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from tickets import clerks
from tickets.management.commands.load_categories import FIRST_EFFECTIVE_FROM
from tickets.models import service_level
from tickets.service_level import BadServiceLevel
from workflow import calendars


class Command(BaseCommand):
    """Running it twice does no harm: what is there stays as it is."""

    help = "Load categories, working calendar, service level and the clerks' group of permissions, each where there is none yet."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("load_categories", stdout=self.stdout)
        now = timezone.now()
        try:
            calendar = calendars.load(at=now, zone=settings.TIME_ZONE)
            level = service_level.load(at=now, effective_from=FIRST_EFFECTIVE_FROM)
        except (BadServiceLevel, ValidationError) as problem:
            raise CommandError(str(problem)) from problem
        years = [str(year) for year in calendar.years.order_by("year")] if calendar else []
        self.stdout.write(
            f"calendar {calendar}: {years[0]} to {years[-1]}." if calendar else "There is a calendar; nothing to do."
        )
        self.stdout.write(
            f"service level {level}: {level.targets.count()} targets, {level.rungs.count()} rungs."
            if level
            else "There is a service level; nothing to do."
        )
        self.stdout.write(
            f"clerks: {len(clerks.PERMISSIONS)} permissions."
            if clerks.load()
            else "There is a clerks' group; nothing to do."
        )
