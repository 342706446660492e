"""Pages of the admin beside Django's own."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.db.models.options import Options
from django.http import HttpRequest
from django.template.response import TemplateResponse


def answer(
    site: admin.AdminSite, request: HttpRequest, opts: "Options[Any]", template: str, context: Mapping[str, object]
) -> TemplateResponse:
    """The page that `template` (below `admin/`) makes of `context`, with what every page of the admin shows."""
    known = {**site.each_context(request), "opts": opts}
    return TemplateResponse(request, f"admin/{template}.html", {**known, **context})
