"""Exports: each with who asked for it, and what became of it."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from community.models import Language, Person
from community.models.constraints import known
from web.models import Identified
from web.words import bilingual


class ExportedList(models.TextChoices):
    """The lists that can be exported."""

    QUEUE = "queue", bilingual("工单队列", "Queue")
    TICKETS = "tickets", bilingual("工单列表", "Tickets")
    OVERDUE = "overdue", bilingual("已超时", "Overdue")
    AT_RISK = "at_risk", bilingual("即将超时", "At risk")


class SheetFormat(models.TextChoices):
    """What a file of rows is written as."""

    XLSX = "xlsx", "Excel"
    CSV = "csv", "CSV"


class ExportState(models.TextChoices):
    """What has become of an export."""

    WAITING = "waiting", bilingual("排队中", "Waiting")
    RUNNING = "running", bilingual("生成中", "Being written")
    DONE = "done", bilingual("可下载", "Ready")
    FAILED = "failed", bilingual("未能生成", "Failed")
    EXPIRED = "expired", bilingual("已过期删除", "Expired and deleted")


UNDER_WAY = (ExportState.WAITING, ExportState.RUNNING)


class Export(Identified):
    """A list that somebody asked to have as a file. The file is deleted after a day; the row stays, as the log of who exported what.

    `parameters` are those of the list's address. `seats` are the seats with which it was asked for, as `organisation role`; `streets` are
    those of the seats and of the rows. `written` counts the rows so far.
    """

    person = models.ForeignKey(
        Person, on_delete=models.PROTECT, related_name="+", db_index=False, verbose_name=bilingual("导出人", "person")
    )
    seats = ArrayField(models.CharField(max_length=60))
    streets = ArrayField(models.UUIDField())
    listed = models.CharField(bilingual("清单", "list"), max_length=12, choices=ExportedList.choices)
    parameters = models.TextField(bilingual("筛选", "filters"), blank=True)
    format = models.CharField(bilingual("格式", "format"), max_length=4, choices=SheetFormat.choices)
    language = models.CharField(bilingual("语言", "language"), max_length=8, choices=Language.choices)
    state = models.CharField(
        bilingual("状态", "state"), max_length=8, choices=ExportState.choices, default=ExportState.WAITING
    )
    total = models.PositiveIntegerField(bilingual("条数", "rows"))
    written = models.PositiveIntegerField(default=0)
    bytes = models.PositiveIntegerField(bilingual("大小", "bytes"), default=0)
    asked_at = models.DateTimeField(bilingual("导出时间", "asked for at"))
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(bilingual("完成时间", "finished at"), null=True)
    expires_at = models.DateTimeField(bilingual("过期时间", "expires at"), null=True)
    downloads = models.PositiveIntegerField(bilingual("下载次数", "downloads"), default=0)
    downloaded_at = models.DateTimeField(bilingual("最近下载", "last downloaded at"), null=True)

    class Meta:
        verbose_name = bilingual("导出", "export")
        verbose_name_plural = bilingual("导出", "exports")
        constraints = [
            known("listed", ExportedList, "export_list"),
            known("format", SheetFormat, "export_format"),
            known("state", ExportState, "export_state"),
            models.UniqueConstraint(fields=["person"], condition=Q(state__in=UNDER_WAY), name="export_one_at_a_time"),
            models.CheckConstraint(
                condition=~Q(state="done") | Q(finished_at__isnull=False, expires_at__isnull=False),
                name="export_done_expires",
            ),
        ]
        indexes = [
            models.Index(fields=["person", "-id"], name="export_of_person"),
            models.Index(fields=["expires_at"], condition=Q(state="done"), name="export_expires"),
        ]

    def __str__(self) -> str:
        return f"{self.get_listed_display()} · {self.get_format_display()}"

    @property
    def file(self) -> str:
        """The name of its file in the storage."""
        return f"exports/{self.pk}.{self.format}"

    @property
    def under_way(self) -> bool:
        """Whether it is still to come."""
        return self.state in UNDER_WAY

    @property
    def percent(self) -> int:
        """How much of it is written."""
        return 100 * min(self.written, self.total) // self.total if self.total else 0
