"""Load what Linli cannot work without, and the clerks' group: each where there is none yet."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from tickets import clerks
from tickets.management.commands.load_categories import FIRST_EFFECTIVE_FROM
from tickets.models import service_level
from web.management.speaking import OperatorCommand
from web.words import bilingual
from workflow import calendars
from workflow.service_level import BadServiceLevel


class Command(OperatorCommand):
    """Running it twice does no harm: what is there stays as it is."""

    help = "Load categories, working calendar, service level and the clerks' group of permissions, each where there is none yet."

    def handle(self, *args: object, **options: object) -> None:
        call_command("load_categories", stdout=self.stdout, language=self.language)
        now = timezone.now()
        try:
            calendar = calendars.load(at=now, zone=settings.TIME_ZONE)
            level = service_level.load(at=now, effective_from=FIRST_EFFECTIVE_FROM)
        except (BadServiceLevel, ValidationError) as problem:
            raise CommandError(str(problem)) from problem
        years = [str(year) for year in calendar.years.order_by("year")] if calendar else []
        self.say(
            bilingual(
                f"工作日历 {calendar.number}：{years[0]} 至 {years[-1]} 年。",
                f"calendar {calendar}: {years[0]} to {years[-1]}.",
            )
            if calendar
            else bilingual("已有工作日历，无需载入。", "There is a calendar; nothing to do.")
        )
        targets, rungs = (level.targets.count(), level.rungs.count()) if level else (0, 0)
        self.say(
            bilingual(
                f"时限标准 {level.number}：{targets} 项时限，{rungs} 级提醒。",
                f"service level {level}: {targets} targets, {rungs} rungs.",
            )
            if level
            else bilingual("已有时限标准，无需载入。", "There is a service level; nothing to do.")
        )
        permissions = len(clerks.PERMISSIONS)
        self.say(
            bilingual(f"管理人员组：{permissions} 项权限。", f"clerks: {permissions} permissions.")
            if clerks.load()
            else bilingual("已有管理人员组，无需载入。", "There is a clerks' group; nothing to do.")
        )
