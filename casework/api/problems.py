"""Refusals of the engine as HTTP statuses, mapped once."""

from collections.abc import Mapping
from typing import Any

from rest_framework.response import Response

from tickets.catalogue import NoCatalogue
from tickets.models import Ticket
from tickets.models.service_level import NoServiceLevel
from tickets.routing import NoDesk
from web.problems import Fault, Problem, ProblemResponse, invalid, make_handler, not_found
from web.words import bilingual
from workflow.calendars import NoCalendar
from workflow.errors import IllegalMove, InvalidInput, NotPermitted, StaleVersion

_handle = make_handler({StaleVersion: 412, IllegalMove: 409, NotPermitted: 403, NoDesk: 503})
_NO_CATALOGUE = bilingual("事项分类尚未发布。", "No catalogue of categories has been published yet.")

_NO_SERVICE_LEVEL = bilingual("时限标准或工作日历尚未发布。", "No service level or calendar has been published yet.")


def handle(exc: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's exception handler for the whole API."""
    match exc:
        case InvalidInput():
            return ProblemResponse(invalid(Fault(exc.field, exc.code, exc.reason)))
        case Ticket.DoesNotExist():
            return ProblemResponse(not_found())
        case NoCatalogue():
            return ProblemResponse(Problem("no_catalogue", 503, detail=_NO_CATALOGUE))
        case NoServiceLevel() | NoCalendar():
            return ProblemResponse(Problem("no_service_level", 503, detail=_NO_SERVICE_LEVEL))
    return _handle(exc, context)
