"""Exports: one's own with their state and download, and for a street's lead who exported what."""

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.utils.http import content_disposition_header

from console import exports, tasks
from console.board import LOOKS
from console.lists import TABS, asked_for
from console.models import Export, ExportedList, SheetFormat
from console.screen import Screen
from tickets.states import State, state_label
from web.paging import PageRequest
from web.problems import Problem
from web.stored import stored
from web.words import Words, bilingual, say
from workflow.errors import NotPermitted

_TYPES = {
    SheetFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    SheetFormat.CSV: "text/csv; charset=utf-8",
}
_NAMES: Mapping[str, Words] = {
    "due": bilingual("到期", "Due"),
    "q": bilingual("搜索", "Search"),
    "state": bilingual("状态", "State"),
    "status": bilingual("范围", "Range"),
    "group": bilingual("大类", "Group"),
    "category": bilingual("类别", "Category"),
    "worker": bilingual("经办人", "Worker"),
    "holder": bilingual("承办单位", "Holder"),
    "urgent": bilingual("紧急", "Urgent"),
    "supervised": bilingual("督办", "Supervised"),
    "level": bilingual("级别", "Level"),
    "late": bilingual("只看超时", "Late only"),
    "type": bilingual("性质", "Type"),
    "channel": bilingual("来源", "Channel"),
    "compound": bilingual("小区", "Compound"),
    "community": bilingual("社区", "Community"),
    "coordinator": bilingual("协调单位", "Coordinator"),
    "desk": bilingual("归口科室", "Section"),
    "officer": bilingual("街道经办人", "Officer"),
    "submitted_from": bilingual("提交不早于", "Filed from"),
    "submitted_to": bilingual("提交不晚于", "Filed to"),
    "closed_from": bilingual("结束不早于", "Ended from"),
    "closed_to": bilingual("结束不晚于", "Ended to"),
}
_SAID: Mapping[str, Words] = {
    "open": bilingual("在办", "Open"),
    "ended": bilingual("已结束", "Ended"),
    "coordinating": bilingual("协调中", "Coordinating"),
    "inspected": bilingual("巡查发现", "Found on patrol"),
    "me": bilingual("本人", "me"),
    "none": bilingual("未指定", "nobody"),
    # What the name says alone.
    "true": "",
    "1": "",
}
EVERYTHING = bilingual("全部", "All")


@dataclass(frozen=True, slots=True)
class ExportShown:
    """An export as its page shows it; `mine` is whether the reader asked for it."""

    export: Export
    mine: bool

    @property
    def ready(self) -> bool:
        """Whether the reader can fetch the file."""
        return self.mine and self.export.state == "done"

    @property
    def filters(self) -> Words:
        """What narrowed the list."""
        found = QueryDict(self.export.parameters)
        tab = [TABS[asked_for(found)[0]][0]] if self.export.listed == ExportedList.QUEUE else []
        return say("；", "; ").join(map(str, [*tab, *told(found)])) or EVERYTHING

    @property
    def size(self) -> str:
        """How large the file is."""
        return filesizeformat(self.export.bytes)


def told(parameters: QueryDict) -> Iterator[Words]:
    """What parameters of a list say, in words; people and places stand by their names alone, since an id tells nobody anything."""
    for name in parameters:
        value = parameters[name]
        if name == "scope" and isinstance(value, str) and value in _SAID:
            yield str(_SAID[value])
        if isinstance(value, str) and value and (label := _NAMES.get(name)):
            yield f"{label} {'、'.join(_value(name, one) for one in value.split(','))}".strip()


def _value(name: str, value: str) -> str:
    if name == "state" and value in State:
        return str(state_label(value, ""))
    if name == "due" and value in LOOKS:
        return str(LOOKS[value][1])
    if name != "q" and value in _SAID:
        return str(_SAID[value])
    try:
        uuid.UUID(value)
    except ValueError:
        return value
    return ""


class ExportsScreen(Screen):
    """The exports, newest first."""

    entry: ClassVar[str] = "exports"
    template: ClassVar[str] = "console/exports.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The page, or its list where htmx asks for that."""
        if not self.asks_for("list"):
            return self.page(bilingual("导出", "Exports"), self._list(request))
        shown = self._list(request)
        answer = self.part("list", shown)
        if request.GET.get("waits") and not shown["waits"]:
            done = any(one.ready and not one.export.downloads for one in shown["page"].rows[:1])
            toast = (
                say("导出已完成，可以下载。", "The export is ready.")
                if done
                else say("导出未能完成。", "The export failed.")
            )
            answer["HX-Trigger"] = json.dumps({"toast": {"words": toast}})
        return answer

    def post(self, request: HttpRequest) -> HttpResponse:
        """Ask for a list as a file, and show how far it is."""
        listed, format = request.POST.get("list"), request.POST.get("format")
        wanted = request.POST.get("parameters", "")
        if listed not in ExportedList or format not in SheetFormat or len(wanted) > exports.MOST_PARAMETERS:
            raise Http404
        assert listed is not None
        assert format is not None
        try:
            export = exports.ask(self.caller, listed, wanted, format)
        except Problem as problem:
            raise Http404 from problem
        except NotPermitted as refusal:
            raise Http404 from refusal
        except exports.ExportRefused as refused:
            return self.page(
                bilingual("导出", "Exports"), {**self._list(request), "refused": refused.reason}, status=409
            )
        tasks.nudge(export.pk)
        return redirect("exports")

    def _list(self, request: HttpRequest) -> dict[str, Any]:
        """What the page shows. Two statements."""
        leads = bool(exports.led(self.actor))
        street = leads and request.GET.get("of") == "street"
        rows = exports.of_streets(self.actor) if street else exports.own(self.caller)
        try:
            page = PageRequest(request.GET.get("cursor") or None).page(rows, "-id")
        except Problem as problem:
            raise Http404 from problem
        shown = [ExportShown(one, one.person_id == self.caller.person.pk) for one in page.rows]
        waits = any(one.mine and one.export.under_way for one in shown)
        return {"page": page.of(shown), "leads": leads, "street": street, "waits": waits, "params": request.GET}


class ExportFile(Screen):
    """The file of an export."""

    def get(self, request: HttpRequest, export_id: uuid.UUID) -> HttpResponseBase:
        """The file, for who asked for it and still has the seats; the same 404 for everybody else and for one that is gone."""
        try:
            export = exports.fetch(export_id, self.caller)
            return stored(export.file, self._headers(export))
        except (Export.DoesNotExist, FileNotFoundError):
            raise Http404 from None

    def _headers(self, export: Export) -> dict[str, str]:
        name = f"{ExportedList(export.listed).label}-{export.asked_at:%Y%m%d}.{export.format}"
        disposition = content_disposition_header(as_attachment=True, filename=name) or "attachment"
        return {"Content-Type": _TYPES[SheetFormat(export.format)], "Content-Disposition": disposition}
