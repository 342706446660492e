"""When a sweep last came by: what shows that the clocks are watched, and that nobody has to look into a log for it."""

from django.db import models

from web.words import bilingual


class LastSweep(models.Model):
    """The latest sweep of one kind; `version` is what a sweep that follows a version has brought everything to."""

    name = models.CharField(max_length=24, primary_key=True)
    at = models.DateTimeField(verbose_name=bilingual("时间", "at"))
    version = models.PositiveIntegerField(default=0, verbose_name=bilingual("版本", "version"))

    def __str__(self) -> str:
        return self.name
