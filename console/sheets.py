"""Lists of tickets as files: which columns an office gets, and how they are written for Excel and as CSV.

No column holds a contact. What a row shows is what its reader sees of the ticket, and what identifies people is taken out of titles.
"""

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Protocol, Self
from zoneinfo import ZoneInfo

import xlsxwriter
from django.conf import settings

from console.models import SheetFormat
from tickets.redaction import redacted
from tickets.states import Channel, SupervisionKind, TicketType
from web.words import Words, bilingual, say

type Row = Mapping[str, Any]
type Value = str | int | datetime | date | None

_BOM = "\ufeff"
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")
_MOMENT, _DAY = "yyyy-mm-dd hh:mm", "yyyy-mm-dd"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, its width in characters, and what stands there for a ticket and the part through which it is listed."""

    label: Words
    width: int
    value: Callable[[Row, Row], Value]


def _yes(value: object) -> Value:
    return say("是", "yes") if value else ""


def _name(value: Row | None) -> Value:
    return value["name"] if value else ""


def _supervision(kind: str) -> Value:
    return str(SupervisionKind(kind).label) if kind else ""


TICKET: Sequence[Column] = (
    Column(bilingual("单号", "Number"), 11, lambda ticket, _: ticket["code"]),
    Column(bilingual("状态", "State"), 11, lambda ticket, _: ticket["state_label"]),
    Column(bilingual("诉求", "Matter"), 36, lambda ticket, _: redacted(ticket["title"])),
    Column(bilingual("类别", "Category"), 14, lambda ticket, _: ticket["category"]["name"]),
    Column(bilingual("地点", "Place"), 24, lambda ticket, _: ticket["place"]),
    Column(bilingual("性质", "Type"), 8, lambda ticket, _: str(TicketType(ticket["type"]).label)),
    Column(bilingual("来源", "Channel"), 10, lambda ticket, _: str(Channel(ticket["channel"]).label)),
    Column(bilingual("紧急", "Urgent"), 6, lambda ticket, _: _yes(ticket["urgent"])),
    Column(bilingual("督办", "Supervised"), 10, lambda ticket, _: _supervision(ticket["supervised"])),
    Column(bilingual("升级级别", "Level"), 8, lambda ticket, _: ticket["level"]),
    Column(bilingual("承办单位", "Holder"), 24, lambda ticket, _: ticket["holder_name"]),
    Column(bilingual("经办人", "Worker"), 10, lambda ticket, _: _name(ticket["worker"])),
    Column(bilingual("协调单位", "Coordinator"), 20, lambda ticket, _: ticket["coordinator_name"]),
    Column(bilingual("归口科室", "Section"), 16, lambda ticket, _: _name(ticket["desk"])),
    Column(bilingual("提交时间", "Filed"), 16, lambda ticket, _: ticket["submitted_at"]),
    Column(bilingual("办结期限", "To be settled by"), 16, lambda ticket, _: ticket["due_at"]),
    Column(bilingual("下一步期限", "Next due"), 16, lambda ticket, _: ticket["next_due_at"]),
    Column(bilingual("已超时", "Late"), 8, lambda ticket, _: _yes(ticket["overdue"])),
    Column(bilingual("结束时间", "Ended"), 16, lambda ticket, _: ticket["closed_at"]),
    Column(bilingual("催办次数", "Urged"), 8, lambda ticket, _: ticket["urges"]),
    Column(bilingual("附议人数", "Cosigned"), 8, lambda ticket, _: ticket["cosigns"]),
    Column(bilingual("申请延期天数", "Extension asked"), 10, lambda ticket, _: ticket["extension_days"]),
    Column(bilingual("挂账计划日期", "Planned for"), 12, lambda ticket, _: ticket["plan_date"]),
    Column(bilingual("评分", "Rating"), 6, lambda ticket, _: ticket["rating"]),
)
PART: Sequence[Column] = (
    Column(bilingual("本单位角色", "Part"), 10, lambda _, part: str(part["role_label"])),
    Column(bilingual("派单时间", "Dispatched"), 16, lambda _, part: part["opened_at"]),
    Column(bilingual("签收时间", "Signed for"), 16, lambda _, part: part["signed_at"]),
)
"""What stands beside the ticket in a list of an organisation's parts."""


class Sheet(Protocol):
    """A file that rows are written to, one after the other."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *failure: object) -> None: ...
    def add(self, values: Sequence[Value]) -> None:
        """Write the next row."""


class CsvSheet:
    """A CSV file that Excel opens as UTF-8, in which no cell is a formula."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._file.write(_BOM)
        self._writer = csv.writer(self._file)
        self._writer.writerow([str(one.label) for one in columns])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._file.close()

    def add(self, values: Sequence[Value]) -> None:
        """Write the next row."""
        self._writer.writerow([_as_text(one) for one in values])


def _as_text(value: Value) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return f"{_local(value):%Y-%m-%d %H:%M}"
        case str() if value.startswith(_FORMULAS):
            # Excel would work it out; behind an apostrophe it is text.
            return f"'{value}"
    return str(value)


class ExcelSheet:
    """An Excel workbook, written row by row so that it takes little memory, in which text is never a formula or a link."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        self._book = xlsxwriter.Workbook(str(path), {**options, "tmpdir": str(path.parent)})
        self._sheet, self._next, self._width = self._book.add_worksheet(), 1, len(columns)
        self._moment, self._day = (self._book.add_format({"num_format": one}) for one in (_MOMENT, _DAY))
        bold = self._book.add_format({"bold": True, "bottom": 1})
        for number, one in enumerate(columns):
            self._sheet.set_column(number, number, one.width)
            self._sheet.write_string(0, number, str(one.label), bold)
        self._sheet.freeze_panes(1, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._sheet.autofilter(0, 0, max(self._next - 1, 1), self._width - 1)
        self._book.close()

    def add(self, values: Sequence[Value]) -> None:
        """Write the next row."""
        for number, value in enumerate(values):
            match value:
                case None | "":
                    continue
                case datetime():
                    self._sheet.write_datetime(self._next, number, _local(value), self._moment)
                case date():
                    self._sheet.write_datetime(self._next, number, value, self._day)
                case int():
                    self._sheet.write_number(self._next, number, value)
                case _:
                    self._sheet.write_string(self._next, number, value)
        self._next += 1


def _local(moment: datetime) -> datetime:
    """The moment on the street's clocks; files have no time zones."""
    return moment.astimezone(ZoneInfo(settings.TIME_ZONE)).replace(tzinfo=None)


_SHEETS: Mapping[str, Callable[[Path, Sequence[Column]], Sheet]] = {
    SheetFormat.CSV: CsvSheet,
    SheetFormat.XLSX: ExcelSheet,
}


def write(
    path: Path, format: str, pages: Iterable[Sequence[Row]], *, parts: bool, after: Callable[[int], None]
) -> None:
    """Write pages of tickets, or of `parts` with their tickets; `after` each page hears how many rows there are so far."""
    columns, count = (*TICKET[:2], *PART, *TICKET[2:]) if parts else tuple(TICKET), 0
    with _SHEETS[format](path, columns) as sheet:
        for page in pages:
            for row in page:
                ticket = row["ticket"] if parts else row
                sheet.add([one.value(ticket, row) for one in columns])
            count += len(page)
            after(count)
