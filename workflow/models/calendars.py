"""Which days are worked: the State Council's yearly notice (放假调休) as rows, in versions."""

import re

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from web.words import bilingual
from workflow.notice import arranged_in
from workflow.versions import LocalVersion, Part, version_key

HOURS = "09:00-12:00 13:30-18:00"


def valid_hours(text: str) -> None:
    """Raises ValidationError where `text` is no working hours."""
    working_hours(text)


def working_hours(text: str) -> tuple[tuple[int, int], ...]:
    """Ranges such as `09:00-12:00 13:30-18:00`, as minutes from midnight. Raises ValidationError."""
    ranges = []
    for part in text.split():
        found = re.fullmatch(r"([0-2]\d):([0-5]\d)-([0-2]\d):([0-5]\d)", part)
        if found is None:
            raise _bad_hours()
        first, first_minute, last, last_minute = map(int, found.groups())
        ranges.append((60 * first + first_minute, 60 * last + last_minute))
    moments = [moment for one in ranges for moment in one]
    if not moments or moments != sorted(set(moments)) or moments[-1] > 24 * 60:
        raise _bad_hours()
    return tuple(ranges)


def _bad_hours() -> ValidationError:
    return ValidationError(
        bilingual(
            "工作时间须按先后写成 09:00-12:00 13:30-18:00 的形式。",
            "Write the working hours in order, such as 09:00-12:00 13:30-18:00.",
        ),
        code="bad_hours",
    )


class CalendarVersion(LocalVersion):
    """One version of the working calendar; running clocks are measured anew when the next one takes effect."""

    hours = models.CharField(
        bilingual("工作时间", "working hours"), max_length=60, default=HOURS, validators=[valid_hours]
    )

    PARTS = ("years", "days")
    AT_ONCE = True

    class Meta(LocalVersion.Meta):
        verbose_name = bilingual("工作日历版本", "calendar version")
        verbose_name_plural = bilingual("工作日历版本", "calendar versions")


class CalendarYear(Part):
    """A year that the version covers; it is estimated while its notice has not been published."""

    version = version_key(CalendarVersion, "years")
    year = models.PositiveSmallIntegerField(bilingual("年份", "year"))
    estimated = models.BooleanField(
        bilingual("推定", "estimated"),
        default=False,
        help_text=bilingual(
            "国务院尚未公布：只含法定节假日，不含调休。",
            "Not published yet: statutory days alone, without make-up days.",
        ),
    )
    source = models.CharField(bilingual("来源", "source"), max_length=200)

    class Meta:
        verbose_name = bilingual("日历年份", "calendar year")
        verbose_name_plural = bilingual("日历年份", "calendar years")
        ordering = ["version", "year"]
        constraints = [
            models.UniqueConstraint(fields=["version", "year"], name="calendaryear_once"),
            models.CheckConstraint(condition=Q(year__range=(1950, 2200)), name="calendaryear_sane"),
        ]

    def __str__(self) -> str:
        return str(self.year)


class CalendarDay(Part):
    """A day that the notice changes: a holiday that closes it, or a make-up day (调休上班) that opens it."""

    version = version_key(CalendarVersion, "days")
    day = models.DateField(bilingual("日期", "day"))
    works = models.BooleanField(bilingual("上班", "worked"), default=False)
    name = models.CharField(bilingual("名称", "name"), max_length=60)

    class Meta:
        verbose_name = bilingual("放假或调休日", "day off or made up")
        verbose_name_plural = bilingual("放假与调休日", "days off and made up")
        ordering = ["version", "day"]
        constraints = [models.UniqueConstraint(fields=["version", "day"], name="calendarday_once")]

    def __str__(self) -> str:
        return str(self.day)

    def clean(self) -> None:
        """Raises ValidationError where the version does not cover the day's year."""
        if (
            self.day
            and not self.version.years.filter(year__in={self.day.year, arranged_in(self.day, self.name)}).exists()
        ):
            raise ValidationError(
                {"day": bilingual("该版本不含这一年。", "The version does not cover that year.")}, code="year_missing"
            )
